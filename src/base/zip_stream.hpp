// A zip archive read from its first byte to its last, in one pass (APPNOTE.TXT 6.3): what each member holds, and that
// the directory at its end, which is what clients read, names just these members.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/digest.hpp"

namespace airlock::base {

struct ZipLimits {
  std::uint64_t content = std::uint64_t{4} * 1024 * 1024 * 1024 - 1;  // bytes, unpacked, of all members together
  std::size_t members = 1'000'000;
  std::size_t name = 4096;                             // bytes of one name
  std::size_t names = std::size_t{128} * 1024 * 1024;  // of all names together
};

struct ZipMember {
  std::string name;        // as it stands there; "folder/" for a folder
  std::uint64_t size = 0;  // bytes, unpacked
  Digest sha256;
};

// Reads members that are stored or deflated, with their lengths before or behind them. Refuses (throws malformed) what
// two readers could understand differently: members that the directory does not name, or names in another order, with
// another offset, size, checksum or method; a name twice; bytes between, before or behind the parts; encryption, parts
// on other disks, a comment that looks like an end of the directory. Throws limit beyond the limits.
class ZipStream : public ByteSink {
 public:
  using OnName = std::function<void(std::string_view name)>;
  // `on_name` is called before a member's content is read and may throw.
  explicit ZipStream(const ZipLimits& limits = {}, OnName on_name = {});
  ~ZipStream() override;
  ZipStream(const ZipStream&) = delete;
  ZipStream& operator=(const ZipStream&) = delete;

  void write(std::span<const std::byte> data) override;
  // The members in their order; throws malformed when the archive has not ended.
  std::vector<ZipMember> finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace airlock::base
