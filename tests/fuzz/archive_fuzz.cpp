// Foreign archives: whatever their headers say, what is read is bounded and nothing is written.
#include "base/archive.hpp"
#include "base/error.hpp"
#include "fuzz_target.hpp"
#include "memory_file.hpp"

using namespace airlock;

namespace {

constexpr std::uint64_t k_content_limit = 1 << 20;
constexpr int k_member_limit = 200;

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(fuzz::as_text(data, size));
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
  return 0;
}
