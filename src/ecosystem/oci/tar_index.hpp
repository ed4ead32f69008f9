// Where the regular files of a foreign, uncompressed tar lie, so that they can be read at random: POSIX ustar
// and pax, and GNU. Names decide nothing on disk; they are only looked up.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace airlock::ecosystem::oci {

// Calls `visit` for each regular file, in order. Throws malformed when this is no tar or is cut off, limit
// beyond 1,000,000 members. `name` stands in messages.
void index_tar(int fd, std::uint64_t file_size, std::string_view name,
               const std::function<void(std::string member, std::uint64_t offset, std::uint64_t size)>& visit);

}  // namespace airlock::ecosystem::oci
