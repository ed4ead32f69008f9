// Zip archives for tests, written by hand so that every field can be wrong. Deflated members are made of stored blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/inflate.hpp"

namespace airlock::test {

struct ZipPart {
  std::string name;
  std::string content;
  bool deflated = true;
  bool descriptor = true;  // lengths behind the content; only with deflated
  bool signature = true;   // of the descriptor
};

// Fields of the record that is about to be written; a test changes what it likes.
struct ZipRecord {
  std::string name;
  std::uint16_t flags = 0, method = 0;
  std::uint32_t crc = 0, packed = 0, size = 0, offset = 0;
  std::string extra, comment;  // comment: of the directory only
};

struct ZipOptions {
  std::function<void(std::size_t number, ZipRecord&)> local, central;
  std::function<void(std::vector<ZipRecord>&)> directory;
  std::string before_directory, comment, behind;
  std::uint16_t count_added = 0;
  std::uint32_t offset_added = 0;
  bool zip64 = false;  // with an end of 64 bits, and full fields in the other
};

inline std::string le(std::uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) {
    bytes += static_cast<char>(value >> (8 * i) & 0xff);
  }
  return bytes;
}

// One stored block (RFC 1951, 3.2.4) for each 65,535 bytes.
inline std::string deflate_stored(std::string_view content) {
  std::string packed;
  do {
    const std::string_view block = content.substr(0, 65535);
    content.remove_prefix(block.size());
    packed += static_cast<char>(content.empty() ? 1 : 0);
    packed += le(block.size(), 2) + le(0xffffU ^ block.size(), 2);
    packed += block;
  } while (!content.empty());
  return packed;
}

inline std::string zip_text(const std::vector<ZipPart>& parts, const ZipOptions& options = {}) {
  std::string bytes;
  std::vector<ZipRecord> records;
  for (const ZipPart& part : parts) {
    const std::string packed = part.deflated ? deflate_stored(part.content) : part.content;
    const bool descriptor = part.deflated && part.descriptor;
    ZipRecord record{.name = part.name,
                     .flags = static_cast<std::uint16_t>(descriptor ? 8 : 0),
                     .method = static_cast<std::uint16_t>(part.deflated ? 8 : 0),
                     .crc = base::crc32(part.content),
                     .packed = static_cast<std::uint32_t>(packed.size()),
                     .size = static_cast<std::uint32_t>(part.content.size()),
                     .offset = static_cast<std::uint32_t>(bytes.size()),
                     .extra = {},
                     .comment = {}};
    ZipRecord local = record;
    if (descriptor) {
      local.crc = local.packed = local.size = 0;
    }
    if (options.local) {
      options.local(records.size(), local);
    }
    bytes += le(0x04034b50, 4) + le(20, 2) + le(local.flags, 2) + le(local.method, 2) + le(0, 4) + le(local.crc, 4) +
             le(local.packed, 4) + le(local.size, 4) + le(local.name.size(), 2) + le(local.extra.size(), 2) +
             local.name + local.extra + packed;
    if (descriptor) {
      bytes +=
          (part.signature ? le(0x08074b50, 4) : "") + le(record.crc, 4) + le(record.packed, 4) + le(record.size, 4);
    }
    if (options.central) {
      options.central(records.size(), record);
    }
    records.push_back(record);
  }
  if (options.directory) {
    options.directory(records);
  }
  bytes += options.before_directory;
  const std::size_t start = bytes.size();
  for (const ZipRecord& record : records) {
    bytes += le(0x02014b50, 4) + le(20, 2) + le(20, 2) + le(record.flags, 2) + le(record.method, 2) + le(0, 4) +
             le(record.crc, 4) + le(record.packed, 4) + le(record.size, 4) + le(record.name.size(), 2) +
             le(record.extra.size(), 2) + le(record.comment.size(), 2) + le(0, 2) + le(0, 2) + le(0, 4) +
             le(record.offset, 4) + record.name + record.extra + record.comment;
  }
  const std::size_t end = bytes.size();
  const std::size_t count = records.size() + options.count_added;
  const std::size_t offset = start + options.offset_added;
  if (options.zip64) {
    bytes += le(0x06064b50, 4) + le(44, 8) + le(45, 2) + le(45, 2) + le(0, 4) + le(0, 4) + le(count, 8) + le(count, 8) +
             le(end - start, 8) + le(offset, 8);
    bytes += le(0x07064b50, 4) + le(0, 4) + le(end, 8) + le(1, 4);
  }
  const auto field = [&](std::uint64_t value, int size) {
    return options.zip64 ? le(UINT64_MAX, size) : le(value, size);
  };
  bytes += le(0x06054b50, 4) + le(0, 2) + le(0, 2) + field(count, 2) + field(count, 2) + field(end - start, 4) +
           field(offset, 4) + le(options.comment.size(), 2) + options.comment + options.behind;
  return bytes;
}

}  // namespace airlock::test
