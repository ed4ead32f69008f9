#include "ecosystem/go/project.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "ecosystem/go/limits.hpp"

namespace airlock::ecosystem::go {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

namespace {

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

GoMod read(const fs::path& file, GoModFor use) {
  return parse_go_mod(base::read_file(file, k_largest_mod), file.string(), use);
}

void add_sum(Project& project, const fs::path& file) {
  if (auto content = base::read_file_if_exists(file, k_largest_sum)) {
    project.sums.push_back({.name = file.string(), .content = std::move(*content)});
  }
}

// Folders as absolute paths, since those of a workspace's modules are relative to each of them.
void add_replacements(MainModules& main, const GoMod& mod, const fs::path& folder) {
  for (Replacement one : mod.replacements) {
    if (one.new_version.empty() && !fs::path(one.new_path).is_absolute()) {
      one.new_path = (folder / one.new_path).lexically_normal().string();
    }
    main.replacements.push_back(std::move(one));
  }
}

void add_module(Project& project, const fs::path& folder) {
  const GoMod mod = read(folder / "go.mod", GoModFor::main);
  MainModules& main = project.main;
  main.paths.insert(mod.module);
  main.requirements.insert(main.requirements.end(), mod.requirements.begin(), mod.requirements.end());
  main.exclusions.insert(mod.exclusions.begin(), mod.exclusions.end());
  main.pruned = main.pruned && mod.is_pruned();
  add_replacements(main, mod, folder);
  add_sum(project, folder / "go.sum");
}

std::size_t lines_of(const fs::path& file) {
  const auto content = base::read_file_if_exists(file, k_largest_sum);
  return content ? static_cast<std::size_t>(std::count(content->begin(), content->end(), '\n')) : 0;
}

}  // namespace

Project read_project(const fs::path& path) {
  fs::path file = path;
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    file = is_file(path / "go.work") ? path / "go.work" : path / "go.mod";
  }
  const fs::path folder = file.parent_path();
  const std::string name = file.filename().string();
  if (!is_file(file) || (name != "go.mod" && name != "go.work")) {
    throw Error(ErrorCode::manifest, fmt::format("'{}' holds neither a go.mod nor a go.work", path.string()))
        .with_hint("a project is the folder of a go.mod; relative paths begin at the folder of the manifest");
  }
  Project project;
  project.main.name = file.string();
  project.main.folder = folder;
  if (name == "go.mod") {
    add_module(project, folder);
    return project;
  }
  const GoMod work = read(file, GoModFor::work);
  add_replacements(project.main, work, folder);  // first: they go before those of the modules
  for (const std::string& use : work.uses) {
    const fs::path used = use;
    add_module(project, (used.is_absolute() ? used : folder / used).lexically_normal());
  }
  add_sum(project, folder / "go.work.sum");
  return project;
}

std::vector<ProjectFinding> detect(const fs::path& folder) {
  const bool is_workspace = is_file(folder / "go.work");
  if (!is_workspace && !is_file(folder / "go.mod")) {
    return {};
  }
  ProjectFinding finding;
  finding.file = is_workspace ? "go.work" : "go.mod";
  finding.request = {.section = "go", .values = {{"projects", {folder.string()}}}};
  if (is_workspace) {
    finding.what = fmt::format("a workspace of {} modules", read(folder / "go.work", GoModFor::work).uses.size());
  } else {
    const GoMod mod = read(folder / "go.mod", GoModFor::main);
    const std::size_t lines = lines_of(folder / "go.sum");
    finding.what = fmt::format("{} required modules, {}", mod.requirements.size(),
                               lines == 0 ? "no go.sum" : fmt::format("go.sum with {} hashes", lines));
  }
  return {finding};
}

}  // namespace airlock::ecosystem::go
