// The second half of a restore: from beside its place into it, in steps that can be repeated. For restore.cpp only.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "workflow/home.hpp"

namespace airlock::workflow {

// HOME/.restore: `new/` is the home to be, `config/` its configuration where that has a folder of its own, `ready` says
// that both are complete, what is to be put aside, and where.
struct RestoreStaging {
  explicit RestoreStaging(const Home& home) : folder(home.root / ".restore") {}
  std::filesystem::path folder;
  std::filesystem::path root() const { return folder / "new"; }
  std::filesystem::path config() const { return folder / "config"; }
  std::filesystem::path ready() const { return folder / "ready"; }
};

// What of a home's state is there now.
std::vector<std::string> present_entries(const Home& home);

// Writes `ready`: from here on the restore is finished, by this run or the next. `aside` is a name for a folder in the
// home.
void commit_restore(const Home& home, const std::string& aside);
// Moves everything into its place and removes the staging folder. May be repeated. Returns the files of a separate
// configuration folder that were there already and stay as they are.
std::vector<std::string> finish_restore(const Home& home, const std::function<void(std::string_view)>& at_step);

}  // namespace airlock::workflow
