// Whatever is listed was written by tar_header, byte for byte, and a complete archive consists of nothing
// else.
#include <string>

#include "base/error.hpp"
#include "base/tar.hpp"
#include "fuzz_target.hpp"
#include "memory_file.hpp"
#include "tar_checksums.hpp"

using namespace airlock::base;

namespace {

void list(std::string_view bytes) {
  const airlock::fuzz::MemoryFile file(bytes);
  std::uint64_t end = 0;
  const auto visit = [&](const TarMember& member) {
    airlock::fuzz::require(member.offset == end + tar_header_size(member.size), "members follow each other");
    airlock::fuzz::require(member.offset <= bytes.size(), "content begins inside the file");
    end += tar_member_size(member.size);
    return true;
  };
  try {
    const TarEnd result = list_tar(file.fd(), bytes.size(), "tar", 1000, visit);
    if (result == TarEnd::complete) {
      airlock::fuzz::require(end + k_tar_end_size == bytes.size(), "nothing is in a complete archive but its members");
    }
  } catch (const Error& error) {
    airlock::fuzz::require(error.code() == ErrorCode::tampered || error.code() == ErrorCode::limit,
                           "a refusal is for tampering or size");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(airlock::fuzz::as_text(data, size));
  list(bytes);
  list(airlock::fuzz::with_checksums(bytes));
  return 0;
}
