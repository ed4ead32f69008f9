// The tar that bundles are made of: POSIX ustar, one pax `size` record where a member exceeds 8 GiB, nothing else.
// Written deterministically, read strictly; foreign archives are read by archive.hpp instead.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace airlock::base {

inline constexpr std::uint64_t k_tar_block = 512;  // bytes

// Who may read a member once a common tool has unpacked it: 0644, or 0600.
enum class TarMode { everybody, owner };
// The header block (or, above 8 GiB, three blocks) that precedes `size` bytes of content. Owner 0, `mtime` in seconds
// since the epoch. `name` is at most 100 bytes of [A-Za-z0-9._/-]; throws internal otherwise.
std::string tar_header(std::string_view name, std::uint64_t size, std::uint64_t mtime,
                       TarMode mode = TarMode::everybody);
std::uint64_t tar_header_size(std::uint64_t size);                // bytes: 512 or 1536
std::uint64_t tar_padding(std::uint64_t size);                    // zero bytes that follow the content, 0 to 511
std::uint64_t tar_member_size(std::uint64_t size);                // header, content and padding together
inline constexpr std::uint64_t k_tar_end_size = 2 * k_tar_block;  // two zero blocks end an archive

struct TarMember {
  std::string name;
  std::uint64_t offset = 0;  // of the content, bytes from the start of the file
  std::uint64_t size = 0;    // of the content, bytes
};

enum class TarEnd { complete, truncated };  // truncated: the file ends before the two zero blocks, or inside a member

// Lists the members of an open file by reading headers only (pread). `visit` returns false to stop early.
// Refuses (throws tampered) everything that tar_header does not write: links, devices, directories, sparse or
// global headers, other pax keys, bad checksums, names outside the grammar, duplicates of nothing (the caller
// checks those), modes that `modes` does not allow, data after the end. Sizes are checked against the file before use;
// at most `max_members`. A member that runs past the end of the file is visited with its full size, and the result is
// truncated.
enum class TarModes { everybody, any };
TarEnd list_tar(int fd, std::uint64_t file_size, std::string_view name, std::uint64_t max_members,
                const std::function<bool(const TarMember&)>& visit, TarModes modes = TarModes::everybody);

}  // namespace airlock::base
