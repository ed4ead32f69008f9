// Whatever is listed was written by tar_header, byte for byte, and a complete archive consists of nothing
// else.
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/tar.hpp"
#include "fuzz_target.hpp"

using namespace airlock::base;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Fd fd(memfd_create("tar", MFD_CLOEXEC));
  write_all(fd.get(), std::as_bytes(std::span(data, size)), "tar");
  std::uint64_t end = 0;
  const auto visit = [&](const TarMember& member) {
    airlock::fuzz::require(member.offset == end + tar_header_size(member.size), "members follow each other");
    airlock::fuzz::require(member.offset <= size, "content begins inside the file");
    end += tar_member_size(member.size);
    return true;
  };
  try {
    const TarEnd result = list_tar(fd.get(), size, "tar", 1000, visit);
    if (result == TarEnd::complete) {
      airlock::fuzz::require(end + k_tar_end_size == size, "nothing is in a complete archive but its members");
    }
  } catch (const Error& error) {
    airlock::fuzz::require(error.code() == ErrorCode::tampered || error.code() == ErrorCode::limit,
                           "a refusal is for tampering or size");
  }
  return 0;
}
