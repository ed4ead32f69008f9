// What a Pulumi project says itself of the plugins that it needs: Pulumi.yaml. Pure but for read_project().
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "ecosystem/pulumi/plugin.hpp"

namespace airlock::ecosystem::pulumi {

struct ProjectPlugin {
  Plugin plugin;  // without a version where the project pins none
  base::SourcePosition position;
};

struct Project {
  std::string file;                    // "Pulumi.yaml"
  std::string runtime;                 // "yaml", "nodejs", …
  std::vector<ProjectPlugin> plugins;  // sorted, each once
  std::vector<std::string> notes;      // what the project needs and no plugin brings
};

// A program in YAML names its packages by the types of its resources and the functions it calls; every project may
// have `plugins` and `packages`. Throws manifest with a position.
Project parse_project(std::string_view text, const std::string& file);
// Pulumi.yaml (or .yml) in `folder`; nullopt when there is none.
std::optional<Project> read_project(const std::filesystem::path& folder);

}  // namespace airlock::ecosystem::pulumi
