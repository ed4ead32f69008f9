#include "ecosystem/npm/detect.hpp"

#include <fmt/format.h>

#include "ecosystem/npm/project.hpp"

namespace airlock::ecosystem::npm {

namespace fs = std::filesystem;

std::vector<ProjectFinding> detect(const fs::path& folder) {
  std::error_code ignored;
  const bool has_manifest = fs::is_regular_file(folder / "package.json", ignored);
  const bool has_lock = fs::is_regular_file(folder / "package-lock.json", ignored) ||
                        fs::is_regular_file(folder / "npm-shrinkwrap.json", ignored);
  if (!has_manifest && !has_lock) {
    return {};
  }
  const Project project = read_project(folder, Dev::take);
  ProjectFinding finding;
  finding.request = {.section = "npm", .values = {{"projects", {folder.string()}}}};
  if (project.lock) {
    finding.file = project.lock_name;
    finding.what = fmt::format("{} packages, locked", project.lock->packages.size());
    return project.lock->packages.empty() ? std::vector<ProjectFinding>() : std::vector{std::move(finding)};
  }
  std::size_t count = 0;
  for (const Project::Part& part : project.parts) {
    count += part.dependencies.required.size() + part.dependencies.optional.size() + part.dependencies.peer.size();
  }
  if (count == 0) {
    return {};  // "type": "module" and the like
  }
  finding.file = "package.json";
  finding.what = fmt::format("{} dependencies, not locked", count);
  return {std::move(finding)};
}

}  // namespace airlock::ecosystem::npm
