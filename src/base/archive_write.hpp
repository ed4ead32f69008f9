// A folder as tar.gz (GNU tar): the same content gives the same bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace airlock::base {

struct PackedFolder {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;            // of their content
  std::vector<std::string> left_out;  // relative paths that `leave_out` named; what is below them is not listed
};

// Regular files, folders and links that stay inside `folder`, by name, with times and owners taken away; of the mode
// only whether it may be executed stays. Throws malformed for a link that leads out, for devices, sockets and for
// names that are not UTF-8; limit beyond 1,000,000 members; io, also when a file changes while it is read.
PackedFolder pack_folder(const std::filesystem::path& folder, ByteSink& sink,
                         const std::function<bool(const std::string& relative)>& leave_out);

}  // namespace airlock::base
