// Onto the medium, and not only into the kernel's memory.
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/files_system.hpp"

namespace airlock::base {

void sync_file(int fd, std::string_view name) {
  if (retry([&] { return fsync(fd); }) != 0) {
    throw system_error(errno, "cannot bring " + std::string(name) + " onto the medium");
  }
}

void push_to_medium(int fd, std::uint64_t offset, std::uint64_t length, Push how, std::string_view name) {
  constexpr unsigned k_wait = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  const unsigned flags = how == Push::wait ? k_wait : static_cast<unsigned>(SYNC_FILE_RANGE_WRITE);
  const auto push = [&] { return sync_file_range(fd, static_cast<off_t>(offset), static_cast<off_t>(length), flags); };
  if (retry(push) == 0 || means_unsupported(errno) || errno == ESPIPE) {
    return;
  }
  if (how == Push::begin && (errno == ENOMEM || errno == EAGAIN)) {
    return;  // not now: it stays to be written
  }
  // The kernel tells an error to each open file once: the sync at the end would say that all is well.
  throw system_error(errno, "cannot bring " + std::string(name) + " onto the medium");
}

void sync_directory(const fs::path& path) {
  const Fd fd = open_directory(path);
  // EINVAL is how some file systems say that their directories need no sync.
  if (retry([&] { return fsync(fd.get()); }) != 0 && errno != EINVAL) {
    throw system_error(errno, "cannot bring the directory " + quote_path(path) + " onto the medium");
  }
}

void sync_file_system(int fd, std::string_view name) {
  if (system_call_available("syncfs")) {
    if (retry([&] { return syncfs(fd); }) == 0) {
      return;
    }
    if (!means_unsupported(errno)) {
      throw system_error(errno, "cannot bring the file system of " + std::string(name) + " onto the medium");
    }
  }
  // sync() covers the file system too and waits, but reports no error; fsync reports those of `fd` at least.
  sync();
  sync_file(fd, name);
}

void forget_cached(int fd) {
  // Advice: file systems that keep nothing in memory, or nothing elsewhere, need not follow it.
  static_cast<void>(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
}

bool syncfs_reports_errors() {
  if (!system_call_available("syncfs")) {
    return false;
  }
  static const bool reports = [] {
    // A sandbox may refuse the call on any kernel; only the kernel itself finds fault with the descriptor.
    if (syncfs(-1) == 0 || errno != EBADF) {
      return false;
    }
    struct utsname system = {};
    unsigned int major = 0;
    unsigned int minor = 0;
    if (uname(&system) != 0 || std::sscanf(system.release, "%u.%u", &major, &minor) != 2) {
      return false;
    }
    return major > 5 || (major == 5 && minor >= 8);
  }();
  return reports;
}

}  // namespace airlock::base
