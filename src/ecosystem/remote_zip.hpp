// One member of a zip archive that lies elsewhere, without fetching the rest: the central directory by ranges, then
// the member (APPNOTE 6.3.10). For wheels, Go module zips and the like.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/url.hpp"
#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem {

struct ZipMember {
  std::string name;               // as the archive gives it; hostile
  std::uint64_t size = 0;         // bytes
  std::uint64_t packed_size = 0;  // bytes
  std::uint64_t header = 0;       // offset of the local header
  std::uint32_t crc32 = 0;
  std::uint16_t method = 0;  // base::k_zip_stored, base::k_zip_deflated
  std::uint16_t flags = 0;
};

class RemoteZip {
 public:
  // Gives exactly `length` bytes from `offset`, or throws.
  using Read = std::function<std::string(std::uint64_t offset, std::uint64_t length)>;

  // Reads the end of the archive, usually one range, and the directory. Throws malformed on what is no zip, has
  // several disks, names members outside itself or overlapping the directory, or counts wrong; limit beyond 200,000
  // members or a directory of 32 MiB.
  RemoteZip(Read read, std::uint64_t size, std::string name);

  const std::vector<ZipMember>& members() const { return m_members; }  // in order of the directory
  const ZipMember* find(std::string_view name) const;                  // nullptr; throws malformed when it is twice
  // The content, proven by its length and CRC. Throws limit beyond `limit` bytes, unsupported for encrypted content or
  // another method than stored and deflated, malformed.
  std::string read(const ZipMember& member, std::size_t limit) const;

 private:
  std::string bytes(std::uint64_t offset, std::uint64_t length) const;
  void read_directory(std::uint64_t offset, std::uint64_t length, std::uint64_t count);

  Read m_read;
  std::uint64_t m_size;
  std::string m_name;
  std::uint64_t m_tail_offset = 0;
  std::string m_tail;             // the archive's end, kept: small members often lie in it
  std::uint64_t m_directory = 0;  // offset
  std::vector<ZipMember> m_members;
};

// A Read over a file that a resolver can fetch. `file` outlives it.
RemoteZip::Read ranged_read(Fetchable& file);

}  // namespace airlock::ecosystem
