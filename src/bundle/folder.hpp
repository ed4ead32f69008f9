// The files of one folder, for the files of this layer only.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/text.hpp"

namespace airlock::bundle {

// A path in quotes, printable, for messages.
inline std::string printable_path(const std::filesystem::path& path) {
  return "'" + base::printable(path.string()) + "'";
}

// Regular files directly in `folder`, links left out, sorted by name. Throws not_found, io, limit (k_folder_limit).
std::vector<std::filesystem::path> list_regular_files(const std::filesystem::path& folder);

}  // namespace airlock::bundle
