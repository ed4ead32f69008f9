// Foreign archives, through libarchive as a framing parser only: nothing is ever written to disk by name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace airlock::base {

struct ArchiveMember {
  std::string name;        // as the archive gives it; hostile
  std::uint64_t size = 0;  // bytes, as the header says
};

// Walks the regular files of a tar (plain, gzip, xz, zstd, bzip2) or zip, in order. Links, devices and folders are
// passed over. `visit` may read the content from `content`; what it leaves is skipped; false stops the walk.
// Throws malformed, and limit beyond 1,000,000 members.
using ArchiveVisitor = std::function<bool(const ArchiveMember&, ByteSource& content)>;
void walk_archive(const std::filesystem::path& path, const ArchiveVisitor& visit);

// One gzip stream, as HTTP's Content-Encoding has it. Whoever calls bounds what `sink` takes. Throws malformed for what
// is none, or is cut off; `name` stands in the message.
void gunzip(std::string_view compressed, ByteSink& sink, std::string_view name);

}  // namespace airlock::base
