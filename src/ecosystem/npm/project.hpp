// What a project folder asks for: its lock file where there is one, else its package.json (npm's package-lock.json
// documentation, versions 1 to 3). The parsers are pure; read_project() reads the folder.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "ecosystem/npm/overrides.hpp"
#include "ecosystem/npm/version_facts.hpp"

namespace airlock::ecosystem::npm {

struct LockedPackage {
  std::string name, version;
  std::vector<base::Digest> integrity;  // empty where the lock states none
  bool optional = false;                // may be left out where it does not fit
  auto operator<=>(const LockedPackage&) const = default;
};

enum class Dev { take, leave };

struct LockFile {
  std::vector<LockedPackage> packages;   // each once
  std::vector<std::string> passed_over;  // what no registry has: links, local files
};
// Throws malformed, limit; unsupported for what comes from git or a URL, as a mirror of a registry cannot give it.
LockFile parse_lock_file(std::string_view text, Dev dev, std::string_view what);

struct Project {
  std::optional<LockFile> lock;
  std::string lock_name;  // "package-lock.json"
  // Without a lock: of the root and its workspaces, each with the name that messages give it.
  struct Part {
    std::string name;
    Dependencies dependencies;
  };
  std::vector<Part> parts;
  std::shared_ptr<const OverrideSet> overrides;
  std::string other_lock;  // "yarn.lock": there, but not read
};
// Throws not_found without a package.json, malformed, limit, io.
Project read_project(const std::filesystem::path& folder, Dev dev);

}  // namespace airlock::ecosystem::npm
