#include "ecosystem/remote_zip.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/inflate.hpp"
#include "base/text.hpp"

namespace airlock::ecosystem {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::uint64_t k_first_tail = std::uint64_t{48} * 1024;      // enough for most, and one small answer
constexpr std::uint64_t k_largest_tail = 65'535 + 22 + 20 + 56;       // comment, end record, zip64 locator and record
constexpr std::uint64_t k_directory_limit = std::uint64_t{32} << 20;  // bytes
constexpr std::uint64_t k_member_limit = 200'000;
constexpr std::uint64_t k_local_slack = 512;  // the local header's extra field may be longer than the directory's

constexpr std::uint32_t k_end_record = 0x06054b50;
constexpr std::uint32_t k_end_record_64 = 0x06064b50;
constexpr std::uint32_t k_locator_64 = 0x07064b50;
constexpr std::uint32_t k_directory_header = 0x02014b50;
constexpr std::uint32_t k_local_header = 0x04034b50;
constexpr std::size_t k_end_record_size = 22;
constexpr std::size_t k_directory_header_size = 46;
constexpr std::size_t k_local_header_size = 30;
constexpr std::uint16_t k_extra_64 = 1;

// Little-endian numbers of a part of the archive; the caller has checked the length.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : m_bytes(bytes) {}
  std::uint64_t number(std::size_t at, std::size_t size) const {
    std::uint64_t value = 0;
    for (std::size_t i = size; i > 0; --i) {
      value = value << 8 | static_cast<unsigned char>(m_bytes.at(at + i - 1));
    }
    return value;
  }
  std::uint16_t two(std::size_t at) const { return static_cast<std::uint16_t>(number(at, 2)); }
  std::uint32_t four(std::size_t at) const { return static_cast<std::uint32_t>(number(at, 4)); }
  std::uint64_t eight(std::size_t at) const { return number(at, 8); }

 private:
  std::string_view m_bytes;
};

struct Directory {
  std::uint64_t offset = 0, length = 0, count = 0;
};

// Lengths that did not fit into 32 bits stand in the extra field, in this order, only those (4.5.3).
void widen(ZipMember& member, std::string_view extra) {
  while (extra.size() >= 4) {
    const Fields head(extra);
    const std::size_t length = head.two(2);
    if (length > extra.size() - 4) {
      return;
    }
    if (head.two(0) == k_extra_64) {
      const std::string_view body = extra.substr(4, length);
      std::size_t at = 0;
      for (std::uint64_t* value : {&member.size, &member.packed_size, &member.header}) {
        if (*value == UINT32_MAX && at + 8 <= body.size()) {
          *value = Fields(body).eight(at);
          at += 8;
        }
      }
    }
    extra.remove_prefix(4 + length);
  }
}

}  // namespace

RemoteZip::RemoteZip(Read read, std::uint64_t size, std::string name)
    : m_read(std::move(read)), m_size(size), m_name(std::move(name)) {
  const auto fail = [&](std::string_view why) {
    return Error(ErrorCode::malformed, fmt::format("'{}' is no usable zip archive: {}", m_name, why));
  };
  if (m_size < k_end_record_size) {
    throw fail("it is too short");
  }
  std::size_t end = std::string::npos;  // of the end record, in the tail
  for (const std::uint64_t wanted : {k_first_tail, k_largest_tail}) {
    const std::uint64_t length = std::min(wanted, m_size);
    if (length <= m_tail.size()) {
      break;
    }
    m_tail_offset = m_size - length;
    m_tail = m_read(m_tail_offset, length);
    // The record is found from the back; its comment must reach just to the end of the file, so that a record inside
    // a comment, or bytes behind the archive, do not make two readers see two archives.
    for (std::size_t at = m_tail.size() - k_end_record_size + 1; at-- > 0 && end == std::string::npos;) {
      const Fields fields(std::string_view(m_tail).substr(at));
      if (fields.four(0) == k_end_record && at + k_end_record_size + fields.two(20) == m_tail.size()) {
        end = at;
      }
    }
    if (end != std::string::npos) {
      break;
    }
  }
  if (end == std::string::npos) {
    throw fail("it has no end record");
  }
  const Fields record(std::string_view(m_tail).substr(end));
  if (record.two(4) != record.two(6) || (record.two(4) != 0 && record.two(4) != UINT16_MAX)) {
    throw fail("it has several disks");
  }
  Directory directory{.offset = record.four(16), .length = record.four(12), .count = record.two(10)};
  std::uint64_t directory_end = m_tail_offset + end;
  if (directory.offset == UINT32_MAX || directory.length == UINT32_MAX || directory.count == UINT16_MAX) {
    if (end < 20 || Fields(std::string_view(m_tail).substr(end - 20)).four(0) != k_locator_64) {
      throw fail("its zip64 locator is missing");
    }
    const std::uint64_t where = Fields(std::string_view(m_tail).substr(end - 20)).eight(8);
    if (where > m_size || m_size - where < 56) {
      throw fail("its zip64 record lies outside");
    }
    const std::string text = bytes(where, 56);
    const Fields wide(text);
    if (wide.four(0) != k_end_record_64) {
      throw fail("its zip64 record is missing");
    }
    directory = {.offset = wide.eight(48), .length = wide.eight(40), .count = wide.eight(32)};
    directory_end = where;
  }
  if (directory.length > k_directory_limit || directory.count > k_member_limit) {
    throw Error(ErrorCode::limit, fmt::format("the zip archive '{}' has too many members", m_name));
  }
  if (directory.offset > directory_end || directory_end - directory.offset < directory.length) {
    throw fail("its directory lies outside");
  }
  m_directory = directory.offset;
  read_directory(directory.offset, directory.length, directory.count);
}

std::string RemoteZip::bytes(std::uint64_t offset, std::uint64_t length) const {
  if (offset >= m_tail_offset && offset - m_tail_offset <= m_tail.size() &&
      length <= m_tail.size() - (offset - m_tail_offset)) {
    return m_tail.substr(offset - m_tail_offset, length);
  }
  return m_read(offset, length);
}

void RemoteZip::read_directory(std::uint64_t offset, std::uint64_t length, std::uint64_t count) {
  const std::string text = bytes(offset, length);
  std::string_view left = text;
  const auto fail = [&](std::string_view why) {
    return Error(ErrorCode::malformed, fmt::format("the directory of the zip archive '{}' {}", m_name, why));
  };
  m_members.reserve(std::min<std::uint64_t>(count, 4096));
  for (std::uint64_t i = 0; i < count; ++i) {
    if (left.size() < k_directory_header_size || Fields(left).four(0) != k_directory_header) {
      throw fail("breaks off");
    }
    const Fields fields(left);
    const std::size_t name = fields.two(28), extra = fields.two(30), comment = fields.two(32);
    if (left.size() - k_directory_header_size < name + extra + comment) {
      throw fail("breaks off");
    }
    ZipMember member{.name = std::string(left.substr(k_directory_header_size, name)),
                     .size = fields.four(24),
                     .packed_size = fields.four(20),
                     .header = fields.four(42),
                     .crc32 = fields.four(16),
                     .method = fields.two(10),
                     .flags = fields.two(8)};
    widen(member, left.substr(k_directory_header_size + name, extra));
    if (member.header > m_directory || m_directory - member.header < k_local_header_size ||
        m_directory - member.header - k_local_header_size < member.packed_size) {
      throw fail(fmt::format("puts '{}' outside the archive", base::printable(member.name, 200)));
    }
    m_members.push_back(std::move(member));
    left.remove_prefix(k_directory_header_size + name + extra + comment);
  }
}

const ZipMember* RemoteZip::find(std::string_view name) const {
  const ZipMember* found = nullptr;
  for (const ZipMember& member : m_members) {
    if (member.name == name) {
      if (found != nullptr) {
        throw Error(ErrorCode::malformed,
                    fmt::format("the zip archive '{}' has '{}' twice", m_name, base::printable(name, 200)));
      }
      found = &member;
    }
  }
  return found;
}

std::string RemoteZip::read(const ZipMember& member, std::size_t limit) const {
  const std::string what = fmt::format("{} in {}", base::printable(member.name, 200), m_name);
  if ((member.flags & 1U) != 0 || (member.method != 0 && member.method != 8)) {
    throw Error(ErrorCode::unsupported, fmt::format("'{}' is encrypted, or packed in a way that is not read", what));
  }
  if (member.size > limit || member.packed_size > limit + limit / 8 + 64) {
    throw Error(ErrorCode::limit, fmt::format("'{}' is longer than {} bytes", what, limit));
  }
  const auto broken = [&](std::string_view why) {
    return Error(ErrorCode::malformed, fmt::format("'{}' {}", what, why));
  };
  const std::uint64_t room = m_directory - member.header;
  const std::uint64_t likely = k_local_header_size + member.name.size() + k_local_slack + member.packed_size;
  std::string text = bytes(member.header, std::min(room, likely));
  const Fields fields(text);
  if (fields.four(0) != k_local_header) {
    throw broken("has no header where the directory says");
  }
  const std::uint64_t start = k_local_header_size + fields.two(26) + fields.two(28);
  if (start > room || room - start < member.packed_size) {
    throw broken("does not fit in front of the directory");
  }
  if (text.size() < start + member.packed_size) {
    text = bytes(member.header, start + member.packed_size);
  }
  const std::string_view packed = std::string_view(text).substr(start, member.packed_size);
  std::string content = member.method == 0 ? std::string(packed) : base::inflate_raw(packed, limit, what);
  if (content.size() != member.size || base::crc32(content) != member.crc32) {
    throw broken("is not what the directory says: length or CRC differ");
  }
  return content;
}

RemoteZip::Read ranged_read(Fetchable& file) {
  return [&file](std::uint64_t offset, std::uint64_t length) {
    base::StringSink sink(length);
    file.fetch(offset, length, sink);
    std::string text = sink.take();
    if (text.size() != length) {
      throw Error(ErrorCode::truncated, fmt::format("the server sent {} of {} bytes", text.size(), length));
    }
    return text;
  };
}

}  // namespace airlock::ecosystem
