// Foreign archives: whatever their headers say, what is read is bounded and nothing is written.
#include "base/archive.hpp"
#include "base/error.hpp"
#include "fuzz_target.hpp"
#include "memory_file.hpp"
#include "tar_checksums.hpp"

using namespace airlock;

namespace {

constexpr std::uint64_t k_content_limit = 1 << 16;  // bytes of a member: little that is packed well becomes much
constexpr int k_member_limit = 200;

void walk(std::string_view bytes) {
  const fuzz::MemoryFile file(bytes);
  int members = 0;
  try {
    base::walk_archive(file.path(), [&](const base::ArchiveMember& member, base::ByteSource& content) {
      base::NullSink nowhere;
      if (member.name.size() % 2 == 0) {
        base::copy(content, nowhere, k_content_limit);
      }
      return ++members < k_member_limit;
    });
  } catch (const base::Error& error) {
    fuzz::require(error.code() == base::ErrorCode::malformed || error.code() == base::ErrorCode::limit,
                  "every refusal is about the archive");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t k_magic = 257;  // offset in a tar's header
  const std::string_view bytes = fuzz::as_text(data, size);
  walk(bytes);
  if (bytes.size() >= base::k_tar_block && bytes.substr(k_magic).starts_with("ustar")) {
    walk(fuzz::with_checksums(std::string(bytes)));
  }
  return 0;
}
