// The recipes and keys of manifests/tools/, compiled in.
#pragma once

#include <span>
#include <string_view>

namespace airlock::ecosystem::tool {

struct BuiltInFile {
  std::string_view name;  // "opentofu.yaml", "keys/opentofu.asc"
  std::string_view content;
};

std::span<const BuiltInFile> built_in_files();  // sorted by name; made by embed_recipes.cmake

}  // namespace airlock::ecosystem::tool
