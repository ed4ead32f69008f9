// Inside of ZipStream: what the members of an archive hold, unpacked, hashed and counted while it passes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/digest.hpp"
#include "base/inflate.hpp"

namespace airlock::base {

// Throws malformed unless it holds.
void require_of_zip(bool holds, std::string_view reason);

class ZipContent {
 public:
  explicit ZipContent(std::uint64_t limit) : m_limit(limit) {}  // bytes, unpacked, of all members together

  // The next member begins. `packed`: its length as it lies there; empty where only the stream tells its end.
  void begin_stored(std::uint64_t packed);
  void begin_deflated(std::optional<std::uint64_t> packed);
  // Takes the front of `data`, which is not empty, and returns how much. Throws malformed, limit.
  std::size_t take(std::span<const std::byte> data);
  bool ended() const { return m_ended; }

  // Of this member so far.
  std::uint64_t size() const { return m_size; }      // bytes, unpacked
  std::uint64_t packed() const { return m_packed; }  // bytes, as it lies there
  std::uint32_t crc32() const { return m_crc; }
  Digest sha256() { return m_hasher.finish(); }  // once it has ended

 private:
  void begin();
  void take_unpacked(std::span<const std::byte> data);
  void take_deflated(std::span<const std::byte> data);

  std::uint64_t m_limit;
  std::uint64_t m_all = 0;
  Hasher m_hasher;
  std::optional<Inflater> m_inflater;
  bool m_deflated = false;
  bool m_ended = false;
  std::optional<std::uint64_t> m_length;
  std::uint64_t m_size = 0;
  std::uint64_t m_packed = 0;
  std::uint32_t m_crc = 0;
};

}  // namespace airlock::base
