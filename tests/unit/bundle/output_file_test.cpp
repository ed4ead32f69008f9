// What a medium says while it is written to. sync_file_range stands here in place of the system's, so that it can fail.
#include "bundle/output_file.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "support/errors.hpp"

using namespace airlock;
using namespace airlock::bundle;
using namespace airlock::test;
using airlock::base::ErrorCode;

namespace {

std::atomic<int> g_push_error = 0;  // of calls with all of these flags; 0: none
std::atomic<unsigned> g_push_flags = 0;
std::atomic<int> g_push_failures = 0;

constexpr unsigned k_begin = SYNC_FILE_RANGE_WRITE;
constexpr unsigned k_wait = SYNC_FILE_RANGE_WAIT_AFTER;
constexpr std::uint64_t k_behind = 64ull << 20;  // bytes after which the output waits for the medium
constexpr std::uint64_t k_push = 16ull << 20;    // and how many it asks for at once

struct FailingPushes {
  FailingPushes(int error, unsigned flags) {
    g_push_error = error;
    g_push_flags = flags;
    g_push_failures = 0;
  }
  ~FailingPushes() { g_push_error = 0; }
};

}  // namespace

extern "C" int sync_file_range(int fd, off64_t offset, off64_t length, unsigned flags) {
  if (g_push_error != 0 && (flags & g_push_flags) == g_push_flags) {
    ++g_push_failures;
    errno = g_push_error;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_sync_file_range, fd, offset, length, flags));
}

TEST_CASE("what the medium refuses on the way is an error, though the last sync knows nothing of it", "[bundle]") {
  const base::TempDir folder;
  const auto path = folder.path() / "bundle";
  base::write_file_atomic(path, "");
  std::filesystem::resize_file(path, k_behind);
  WriteBehind worker;
  OutputFile::Continued state;
  state.position = k_behind;
  OutputFile output(worker, path, std::move(state));
  const auto write_on = [&] {
    output.write_zeros(k_push);
    output.sync();
    return output.position();
  };
  const auto refused = [&](int error, unsigned flags) {
    const FailingPushes failing(error, flags);
    const auto said = error_of(write_on);
    CHECK(g_push_failures == 1);
    return said;
  };
  SECTION("a failed write that a wait tells") {
    const auto said = refused(EIO, k_wait);
    CHECK(said.code() == ErrorCode::io);
    CHECK(said.message() == "cannot bring '" + path.string() + "' onto the medium: Input/output error");
  }
  SECTION("no room where the medium begins to write") {
    CHECK(refused(ENOSPC, k_begin).code() == ErrorCode::no_space);
  }
  SECTION("no such call") {
    for (const int error : {ENOSYS, EINVAL, EPERM, ESPIPE}) {
      const FailingPushes failing(error, k_begin);
      write_on();
      CHECK(g_push_failures > 0);
    }
    CHECK(output.position() == k_behind + 4 * k_push);
  }
  SECTION("memory that is short now") {
    const FailingPushes failing(ENOMEM, k_begin);
    CHECK(error_of(write_on).code() == ErrorCode::io);  // a wait is an answer, a beginning is not
    CHECK(g_push_failures == 2);
  }
}
