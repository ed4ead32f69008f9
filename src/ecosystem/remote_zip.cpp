#include "ecosystem/remote_zip.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/inflate.hpp"
#include "base/text.hpp"
#include "base/zip_records.hpp"

namespace airlock::ecosystem {

using base::Error;
using base::ErrorCode;
using base::ZipDirectoryEntry;
using base::ZipEnd;
using base::ZipEnd64;
using base::ZipLocalHeader;
using base::ZipLocator64;

namespace {

constexpr std::uint64_t k_first_tail = std::uint64_t{48} * 1024;  // enough for most, and one small answer
// Comment, end record, locator and record of 64 bits.
constexpr std::uint64_t k_largest_tail =
    base::k_zip_full16 + base::k_zip_size<ZipEnd> + base::k_zip_size<ZipLocator64> + base::k_zip_size<ZipEnd64>;
constexpr std::uint64_t k_directory_limit = std::uint64_t{32} << 20;  // bytes
constexpr std::uint64_t k_member_limit = 200'000;
constexpr std::uint64_t k_local_slack = 512;  // the local header's extra field may be longer than the directory's

struct Directory {
  std::uint64_t offset = 0, length = 0, count = 0;
};

}  // namespace

RemoteZip::RemoteZip(Read read, std::uint64_t size, std::string name)
    : m_read(std::move(read)), m_size(size), m_name(std::move(name)) {
  const auto fail = [&](std::string_view why) {
    return Error(ErrorCode::malformed, fmt::format("'{}' is no usable zip archive: {}", m_name, why));
  };
  if (m_size < base::k_zip_size<ZipEnd>) {
    throw fail("it is too short");
  }
  std::optional<ZipEnd> record;
  std::size_t end = 0;  // of the end record, in the tail
  for (const std::uint64_t wanted : {k_first_tail, k_largest_tail}) {
    const std::uint64_t length = std::min(wanted, m_size);
    if (length <= m_tail.size()) {
      break;
    }
    m_tail_offset = m_size - length;
    m_tail = m_read(m_tail_offset, length);
    // The record is found from the back; its comment must reach just to the end of the file, so that a record inside
    // a comment, or bytes behind the archive, do not make two readers see two archives.
    for (std::size_t at = m_tail.size() - base::k_zip_size<ZipEnd> + 1; at-- > 0 && !record;) {
      record = base::zip_record<ZipEnd>(std::string_view(m_tail).substr(at));
      if (record && at + base::k_zip_size<ZipEnd> + record->comment_length != m_tail.size()) {
        record.reset();
      }
      end = at;
    }
    if (record) {
      break;
    }
  }
  if (!record) {
    throw fail("it has no end record");
  }
  if (record->disk != record->directory_disk || (record->disk != 0 && record->disk != base::k_zip_full16)) {
    throw fail("it has several disks");
  }
  Directory directory{.offset = record->directory_offset, .length = record->directory_length, .count = record->members};
  std::uint64_t directory_end = m_tail_offset + end;
  if (directory.offset == base::k_zip_full32 || directory.length == base::k_zip_full32 ||
      directory.count == base::k_zip_full16) {
    constexpr std::size_t locator_size = base::k_zip_size<ZipLocator64>;
    const auto locator = end < locator_size
                             ? std::nullopt
                             : base::zip_record<ZipLocator64>(std::string_view(m_tail).substr(end - locator_size));
    if (!locator) {
      throw fail("its zip64 locator is missing");
    }
    const std::uint64_t where = locator->offset;
    if (where > m_size || m_size - where < base::k_zip_size<ZipEnd64>) {
      throw fail("its zip64 record lies outside");
    }
    const auto wide = base::zip_record<ZipEnd64>(bytes(where, base::k_zip_size<ZipEnd64>));
    if (!wide) {
      throw fail("its zip64 record is missing");
    }
    directory = {.offset = wide->directory_offset, .length = wide->directory_length, .count = wide->members};
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
    const auto entry = base::zip_record<ZipDirectoryEntry>(left);
    if (!entry || left.size() - base::k_zip_size<ZipDirectoryEntry> < entry->text_length()) {
      throw fail("breaks off");
    }
    left.remove_prefix(base::k_zip_size<ZipDirectoryEntry>);
    ZipMember member{.name = std::string(left.substr(0, entry->name_length)),
                     .size = entry->size,
                     .packed_size = entry->packed,
                     .header = entry->offset,
                     .crc32 = entry->crc32,
                     .method = entry->method,
                     .flags = entry->flags};
    base::widen_zip_fields(left.substr(entry->name_length, entry->extra_length), member.size, member.packed_size,
                           member.header);
    if (member.header > m_directory || m_directory - member.header < base::k_zip_size<ZipLocalHeader> ||
        m_directory - member.header - base::k_zip_size<ZipLocalHeader> < member.packed_size) {
      throw fail(fmt::format("puts '{}' outside the archive", base::printable(member.name, 200)));
    }
    m_members.push_back(std::move(member));
    left.remove_prefix(entry->text_length());
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
  if ((member.flags & base::k_zip_flag_encrypted) != 0 ||
      (member.method != base::k_zip_stored && member.method != base::k_zip_deflated)) {
    throw Error(ErrorCode::unsupported, fmt::format("'{}' is encrypted, or packed in a way that is not read", what));
  }
  if (member.size > limit || member.packed_size > limit + limit / 8 + 64) {
    throw Error(ErrorCode::limit, fmt::format("'{}' is longer than {} bytes", what, limit));
  }
  const auto broken = [&](std::string_view why) {
    return Error(ErrorCode::malformed, fmt::format("'{}' {}", what, why));
  };
  const std::uint64_t room = m_directory - member.header;
  const std::uint64_t likely =
      base::k_zip_size<ZipLocalHeader> + member.name.size() + k_local_slack + member.packed_size;
  std::string text = bytes(member.header, std::min(room, likely));
  const auto local = base::zip_record<ZipLocalHeader>(text);
  if (!local) {
    throw broken("has no header where the directory says");
  }
  const std::uint64_t start = base::k_zip_size<ZipLocalHeader> + local->name_length + local->extra_length;
  if (start > room || room - start < member.packed_size) {
    throw broken("does not fit in front of the directory");
  }
  if (text.size() < start + member.packed_size) {
    text = bytes(member.header, start + member.packed_size);
  }
  const std::string_view packed = std::string_view(text).substr(start, member.packed_size);
  std::string content =
      member.method == base::k_zip_stored ? std::string(packed) : base::inflate_raw(packed, limit, what);
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
