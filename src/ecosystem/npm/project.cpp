#include "ecosystem/npm/project.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem::npm {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr std::size_t k_manifest_limit = std::size_t{4} * 1024 * 1024;
constexpr std::size_t k_workspace_limit = 1000;

Json read_json(const fs::path& path) {
  std::string text = base::read_file(path, k_manifest_limit);
  if (text.starts_with("\xEF\xBB\xBF")) {  // npm takes it too
    text.erase(0, 3);
  }
  Json json = base::parse_json(text, path.string());
  if (!json.is_object()) {
    throw Error(ErrorCode::malformed, fmt::format("{} is no object", path.string()));
  }
  return json;
}

std::vector<std::string> workspace_patterns(const Json& package) {
  const auto found = package.find("workspaces");
  if (found == package.end()) {
    return {};
  }
  const Json list = found->is_object() ? found->value("packages", Json::array()) : *found;
  std::vector<std::string> patterns;
  for (const Json& one : list.is_array() ? list : Json::array()) {
    if (one.is_string()) {
      patterns.push_back(one.get<std::string>());
    }
  }
  return patterns;
}

// Folders below `folder` that match a pattern such as "packages/*"; what leads out of it is passed over.
std::vector<fs::path> workspaces(const fs::path& folder, const Json& package) {
  std::set<fs::path> found;
  for (std::string pattern : workspace_patterns(package)) {
    std::vector<fs::path> level = {folder};
    for (const std::string& part : base::split(pattern, '/')) {
      if (part.empty() || part == ".") {
        continue;
      }
      std::vector<fs::path> next;
      for (const fs::path& at : level) {
        std::error_code failure;
        for (fs::directory_iterator it(at, failure), end; !failure && it != end; it.increment(failure)) {
          std::error_code ignored;
          const std::string name = it->path().filename().string();
          if (it->is_directory(ignored) && name != "node_modules" && part != ".." && base::glob_match(part, name) &&
              next.size() < k_workspace_limit) {
            next.push_back(it->path());
          }
        }
      }
      level = std::move(next);
    }
    for (const fs::path& one : level) {
      if (one != folder && fs::exists(one / "package.json")) {
        found.insert(one);
      }
    }
  }
  return {found.begin(), found.end()};
}

}  // namespace

Project read_project(const fs::path& folder, Dev dev) {
  Project project;
  const fs::path manifest = folder / "package.json";
  // npm prefers the one that is published with a package.
  for (const char* name : {"npm-shrinkwrap.json", "package-lock.json"}) {
    if (const auto text = base::read_file_if_exists(folder / name, std::size_t{64} * 1024 * 1024)) {
      project.lock_name = name;
      project.lock = parse_lock_file(*text, dev, (folder / name).string());
      return project;
    }
  }
  if (!fs::exists(manifest)) {
    throw Error(ErrorCode::not_found, fmt::format("there is no package.json in {}", folder.string()))
        .with_hint("`projects` takes folders that hold a package.json or a package-lock.json");
  }
  const Json package = read_json(manifest);
  const auto add = [&](const Json& part, const fs::path& where) {
    project.parts.push_back(
        {.name = where.string(), .dependencies = read_dependencies(part, dev == Dev::take, where.string())});
  };
  add(package, manifest);
  std::set<std::string> own;
  for (const fs::path& one : workspaces(folder, package)) {
    const Json part = read_json(one / "package.json");
    own.insert(base::string_member_or(part, "name", "", (one / "package.json").string()));
    add(part, one / "package.json");
  }
  for (Project::Part& part : project.parts) {  // workspaces that need each other are linked
    for (auto* map : {&part.dependencies.required, &part.dependencies.optional, &part.dependencies.peer}) {
      std::erase_if(*map, [&](const auto& dependency) { return own.contains(dependency.first); });
    }
  }
  project.overrides = OverrideSet::parse(package, manifest.string());
  for (const char* name : {"pnpm-lock.yaml", "yarn.lock", "bun.lock"}) {
    if (fs::exists(folder / name)) {
      project.other_lock = name;
    }
  }
  return project;
}

}  // namespace airlock::ecosystem::npm
