#include "base/zip_records.hpp"

namespace airlock::base {

namespace {

constexpr std::uint16_t k_extra64 = 1;
constexpr std::size_t k_version = 2;   // bytes: the version needed
constexpr std::size_t k_versions = 4;  // bytes: versions made by, needed

// Little-endian fields, one after the other; the caller has checked that there are enough bytes.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : m_rest(bytes) {}
  std::uint64_t next(std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = size; i > 0; --i) {
      value = value << 8 | static_cast<unsigned char>(m_rest.at(i - 1));
    }
    m_rest.remove_prefix(size);
    return value;
  }
  std::uint16_t u16() { return static_cast<std::uint16_t>(next(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(next(4)); }
  std::uint64_t u64() { return next(8); }
  Fields& skip(std::size_t size) {
    m_rest.remove_prefix(size);
    return *this;
  }

 private:
  std::string_view m_rest;
};

}  // namespace

ZipMemberFields::ZipMemberFields(std::string_view bytes) {
  Fields fields(bytes);
  flags = fields.u16();
  method = fields.u16();
  fields.skip(4);  // time and date
  crc32 = fields.u32();
  packed = fields.u32();
  size = fields.u32();
  name_length = fields.u16();
  extra_length = fields.u16();
}

ZipLocalHeader::ZipLocalHeader(std::string_view bytes) : ZipMemberFields(bytes.substr(k_version)) {}

ZipDescriptor::ZipDescriptor(std::string_view bytes) {
  Fields fields(bytes);
  crc32 = fields.u32();
  packed = fields.u32();
  size = fields.u32();
}

ZipDirectoryEntry::ZipDirectoryEntry(std::string_view bytes) : ZipMemberFields(bytes.substr(k_versions)) {
  Fields fields(bytes.substr(k_versions + row));
  comment_length = fields.u16();
  disk = fields.u16();
  fields.skip(6);  // attributes
  offset = fields.u32();
}

ZipEnd64::ZipEnd64(std::string_view bytes) {
  Fields fields(bytes);
  length = fields.u64();
  fields.skip(k_versions);
  disk = fields.u32();
  directory_disk = fields.u32();
  members_here = fields.u64();
  members = fields.u64();
  directory_length = fields.u64();
  directory_offset = fields.u64();
}

ZipLocator64::ZipLocator64(std::string_view bytes) {
  Fields fields(bytes);
  disk = fields.u32();
  offset = fields.u64();
  disks = fields.u32();
}

ZipEnd::ZipEnd(std::string_view bytes) {
  Fields fields(bytes);
  disk = fields.u16();
  directory_disk = fields.u16();
  members_here = fields.u16();
  members = fields.u16();
  directory_length = fields.u32();
  directory_offset = fields.u32();
  comment_length = fields.u16();
}

std::uint32_t zip_signature(std::string_view bytes) {
  return Fields(bytes).u32();
}

void widen_zip_fields(std::string_view extra, std::uint64_t& size, std::uint64_t& packed, std::uint64_t& offset) {
  while (extra.size() >= 4) {
    Fields head(extra);
    const std::uint16_t kind = head.u16();
    const std::size_t length = head.u16();
    if (length > extra.size() - 4) {
      return;
    }
    if (kind == k_extra64) {
      std::string_view body = extra.substr(4, length);
      for (std::uint64_t* value : {&size, &packed, &offset}) {
        if (*value == k_zip_full32 && body.size() >= 8) {
          *value = Fields(body).u64();
          body.remove_prefix(8);
        }
      }
    }
    extra.remove_prefix(4 + length);
  }
}

}  // namespace airlock::base
