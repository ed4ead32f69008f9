// Runs commands in this process, as a user would type them.
#pragma once

#include <cstdio>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "base/json.hpp"
#include "support/catch.hpp"

namespace airlock::test {

struct CommandResult {
  int exit_code = 0;
  std::string out, err;

  base::Json json() const { return base::Json::parse(out); }
};

// With the home below a folder of its own, and no environment of the person who runs the tests.
class CommandLine {
 public:
  CommandResult run(std::vector<std::string> arguments) const;  // --home is added
  CommandResult run_bare(const std::vector<std::string>& arguments) const;
  std::filesystem::path home() const { return m_folder.path() / "home"; }
  std::filesystem::path folder() const { return m_folder.path(); }

 private:
  base::TempDir m_folder;
};

}  // namespace airlock::test
