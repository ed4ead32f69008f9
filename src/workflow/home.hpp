// Where things lie in a home, and in the configuration folder.
//
//   keys/                 signing set: roots, private keys, pending changes (key_store.hpp)        near side
//   channels/<channel>/   last.airlock (head of the last state), bundles.json, run/ (interrupted run)
//   roots/<producer>.json pinned roots; in the configuration folder where one is given            far side
//   blobs/ catalog/ airlock.db lock                                                               the store
//   mirror.db             wants and access; only the server writes it
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace airlock::workflow {

struct Home {
  std::filesystem::path root;
  std::filesystem::path config;  // --config's folder, /etc/airlock for root where it exists, else the home

  std::filesystem::path keys() const { return root / "keys"; }
  std::filesystem::path channel(std::string_view name) const { return root / "channels" / name; }
  std::filesystem::path blobs() const { return root / "blobs"; }
  std::filesystem::path pinned_roots() const { return config / "roots"; }
  std::filesystem::path evidence() const { return root / "evidence"; }  // of statements that contradict each other
};

}  // namespace airlock::workflow
