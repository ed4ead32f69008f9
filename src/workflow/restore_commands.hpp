// What a backup would make this host run: commands in its policy and of its signers.
#pragma once

#include <string>
#include <vector>

#include "workflow/home.hpp"

namespace airlock::workflow {

struct BroughtCommand {
  std::string file;               // "policy.yaml", "keys/keys.json"
  std::string what;               // "scan.command", "signer of key 0123456789ab"
  std::vector<std::string> argv;  // empty: the file cannot be read, so that nobody knows
  bool in_force = false;          // the home has the very same now

  bool same_as(const BroughtCommand& other) const {
    return file == other.file && what == other.what && argv == other.argv;
  }
};

// Of a home as it is made (`staged`), before it takes the place of `present`. A policy.yaml of a configuration folder
// of its own that is there already stays, and then the backup's is not looked at.
std::vector<BroughtCommand> brought_commands(const Home& staged, const Home& present);

}  // namespace airlock::workflow
