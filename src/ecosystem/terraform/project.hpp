// Which providers a configuration asks for: required_providers, and what its resources imply, of a folder and the local
// modules that it calls.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "ecosystem/terraform/constraint.hpp"
#include "ecosystem/terraform/lock_file.hpp"
#include "ecosystem/terraform/provider.hpp"

namespace airlock::ecosystem::terraform {

struct RequiredProvider {
  Provider provider;  // without a host where the configuration names none
  std::vector<Constraint> constraints;
  base::SourcePosition position;
};

struct Configuration {
  std::size_t files = 0;
  std::map<Provider, RequiredProvider> providers;
  std::vector<LockedProvider> locked;
  bool has_lock = false;
  std::vector<std::string> notes;  // modules that are not in the working tree, and the like
};

// One file's wishes; `modules` gets the local folders that it calls. For tests and fuzzing.
struct FileWishes {
  std::map<std::string, RequiredProvider> required;     // by local name
  std::map<std::string, base::SourcePosition> implied;  // local names that resources and provider blocks use
  std::vector<std::pair<std::string, base::SourcePosition>> modules;  // sources of module calls
};
FileWishes parse_configuration(std::string_view text, const std::string& file);

// The folder's *.tf and *.tofu files, its lock file, and local modules below it, each once. Throws manifest with a
// position, and what reading throws.
Configuration read_configuration(const std::filesystem::path& folder);

}  // namespace airlock::ecosystem::terraform
