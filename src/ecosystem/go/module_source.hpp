// go.mod files and hashes of modules, each had once in a run and proved: against a project's go.sum, else against the
// checksum database.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "ecosystem/go/go_mod.hpp"
#include "ecosystem/go/go_sum.hpp"
#include "ecosystem/go/once_map.hpp"
#include "ecosystem/go/proxy.hpp"
#include "model/file_row.hpp"

namespace airlock::ecosystem::go {

struct ModFile {
  GoMod mod;
  std::string content;
  std::string url;
  std::string zip_url() const { return url.substr(0, url.size() - 4) + ".zip"; }  // beside ".mod"
  std::string pin;  // "h1:…"; empty where nothing proves it
  model::Verified verified = model::Verified::none;
};

struct ZipProof {
  std::string pin;  // as above
  model::Verified verified = model::Verified::none;
};

// Thread-safe, once the go.sum files are added.
class ModuleSource {
 public:
  // Both outlive it.
  ModuleSource(Proxy& proxy, const GoEnv& env) : m_proxy(proxy), m_env(env) {}

  GoSum& sums() { return m_sums; }

  // Throws not_found where no proxy has it, tampered where its hash is another one, config where nothing can prove it
  // and nothing says that it need not be proved.
  const ModFile& mod_file(const Module& module);
  ZipProof zip_proof(const Module& module);

 private:
  // What the database says; nullptr for modules that the host's settings exempt from it.
  const ModuleSums* database_sums(const Module& module);

  Proxy& m_proxy;
  const GoEnv& m_env;
  GoSum m_sums;
  OnceMap<int, std::unique_ptr<ChecksumDatabase>> m_database;
  OnceMap<Module, ModuleSums> m_looked_up;
  OnceMap<Module, ModFile> m_mods;
};

}  // namespace airlock::ecosystem::go
