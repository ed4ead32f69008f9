// Where new keys are made before a home has them, and what a run that was killed left of that. For keys.cpp only.
#pragma once

#include <filesystem>
#include <optional>

#include "base/files.hpp"
#include "base/secret.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

// A private folder beside the home's keys, removed at the end; of a process that is killed, by remove_staged_keys().
class KeyStaging {
 public:
  explicit KeyStaging(const Home& home);

  // The folder as a home of its own.
  Home home() const { return {.root = m_folder.path(), .config = m_folder.path()}; }

 private:
  base::TempDir m_folder;
  base::Fd m_lock;  // tells that somebody still uses it
};

// For a home that has no keys: removes the keys that runs made which were killed before they could give them to it,
// root's in `root_key_folder` too, where that is one and they open with `passphrase`.
void remove_staged_keys(const Home& home, const std::filesystem::path& root_key_folder,
                        const std::optional<base::Secret>& passphrase);

}  // namespace airlock::workflow
