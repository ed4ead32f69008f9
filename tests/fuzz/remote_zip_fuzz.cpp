// A zip archive, read by ranges; each member that is not too long is unpacked.
#include "base/error.hpp"
#include "ecosystem/remote_zip.hpp"
#include "fuzz_target.hpp"

using namespace airlock;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view archive = fuzz::as_text(data, size);
  try {
    const ecosystem::RemoteZip zip(
        [&](std::uint64_t offset, std::uint64_t length) {
          fuzz::require(offset <= archive.size() && length <= archive.size() - offset, "ranges lie inside");
          return std::string(archive.substr(offset, length));
        },
        archive.size(), "a.zip");
    for (const ecosystem::ZipMember& member : zip.members()) {
      try {
        fuzz::require(zip.read(member, 100'000).size() == member.size, "content is as long as stated");
      } catch (const base::Error&) {
      }
    }
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit, "known codes");
  }
  return 0;
}
