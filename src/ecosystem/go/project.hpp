// A folder with a go.mod, or a workspace with a go.work, and the hashes beside them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ecosystem/ecosystem.hpp"
#include "ecosystem/go/module_graph.hpp"

namespace airlock::ecosystem::go {

struct ProjectFile {
  std::string name;
  std::string content;
};

struct Project {
  MainModules main;
  std::vector<ProjectFile> sums;  // go.sum of each module, go.work.sum
};

// `path` is a go.mod, a go.work or the folder of either; in a folder with both the workspace counts, as it does for the
// client. Throws manifest when neither is there, malformed as parse_go_mod().
Project read_project(const std::filesystem::path& path);

std::vector<ProjectFinding> detect(const std::filesystem::path& folder);

}  // namespace airlock::ecosystem::go
