// The records of a zip archive (APPNOTE.TXT 6.3.10, 4.3): their fields as they stand there, without judging them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace airlock::base {

inline constexpr std::size_t k_zip_signature = 4;  // bytes
// A field of 16 or 32 bits that is full sends the reader to a record of 64 bits.
inline constexpr std::uint16_t k_zip_full16 = 0xffff;
inline constexpr std::uint32_t k_zip_full32 = 0xffffffff;

inline constexpr std::uint16_t k_zip_stored = 0;  // methods
inline constexpr std::uint16_t k_zip_deflated = 8;
inline constexpr std::uint16_t k_zip_flag_encrypted = 1U << 0;
inline constexpr std::uint16_t k_zip_flag_descriptor = 1U << 3;  // checksum and lengths stand behind the content

// Each is made of the `fixed` bytes behind its signature. Lengths and offsets are bytes.

// What a member's header and its entry in the directory both say, in one row.
struct ZipMemberFields {
  static constexpr std::size_t row = 24;
  explicit ZipMemberFields(std::string_view bytes);

  std::uint16_t flags, method;
  std::uint32_t crc32, packed, size;
  std::uint16_t name_length, extra_length;
};

struct ZipLocalHeader : ZipMemberFields {
  static constexpr std::uint32_t signature = 0x04034b50;
  static constexpr std::size_t fixed = 26;  // then the name and the extra field
  explicit ZipLocalHeader(std::string_view bytes);
};

struct ZipDescriptor {
  static constexpr std::uint32_t signature = 0x08074b50;  // which may be left out
  static constexpr std::size_t fixed = 12;
  explicit ZipDescriptor(std::string_view bytes);

  std::uint32_t crc32, packed, size;
};

struct ZipDirectoryEntry : ZipMemberFields {
  static constexpr std::uint32_t signature = 0x02014b50;
  static constexpr std::size_t fixed = 42;  // then the name, the extra field and the comment
  explicit ZipDirectoryEntry(std::string_view bytes);
  std::size_t text_length() const { return std::size_t{name_length} + extra_length + comment_length; }

  std::uint16_t comment_length;
  std::uint16_t disk;
  std::uint32_t offset;  // of the local header
};

struct ZipEnd64 {
  static constexpr std::uint32_t signature = 0x06064b50;
  static constexpr std::size_t fixed = 52;  // and more where `length` says so
  explicit ZipEnd64(std::string_view bytes);

  std::uint64_t length;  // of what follows that field: 44 without more
  std::uint32_t disk, directory_disk;
  std::uint64_t members_here, members;  // on this disk; of all
  std::uint64_t directory_length, directory_offset;
};

struct ZipLocator64 {
  static constexpr std::uint32_t signature = 0x07064b50;
  static constexpr std::size_t fixed = 16;
  explicit ZipLocator64(std::string_view bytes);

  std::uint32_t disk;
  std::uint64_t offset;  // of the ZipEnd64
  std::uint32_t disks;
};

struct ZipEnd {
  static constexpr std::uint32_t signature = 0x06054b50;
  static constexpr std::size_t fixed = 18;  // then the comment
  explicit ZipEnd(std::string_view bytes);

  std::uint16_t disk, directory_disk;
  std::uint16_t members_here, members;  // on this disk; of all
  std::uint32_t directory_length, directory_offset;
  std::uint16_t comment_length;
};

std::uint32_t zip_signature(std::string_view bytes);  // of the first four bytes

template <typename Record>
inline constexpr std::size_t k_zip_size = k_zip_signature + Record::fixed;  // bytes, without what follows

// The record at the beginning of `bytes`; nullopt where another one stands there, or too few bytes.
template <typename Record>
std::optional<Record> zip_record(std::string_view bytes) {
  if (bytes.size() < k_zip_size<Record> || zip_signature(bytes) != Record::signature) {
    return std::nullopt;
  }
  return Record(bytes.substr(k_zip_signature, Record::fixed));
}

// Lengths and an offset that did not fit into 32 bits: they stand in the directory's extra field, those alone, in this
// order (4.5.3). What is not full, or not there, stays as it is.
void widen_zip_fields(std::string_view extra, std::uint64_t& size, std::uint64_t& packed, std::uint64_t& offset);

}  // namespace airlock::base
