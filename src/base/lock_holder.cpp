#include "base/lock_holder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <sstream>
#include <string>
#include <thread>

#include "base/error.hpp"
#include "base/files_system.hpp"

namespace airlock::base {

namespace {

constexpr std::size_t k_locks_limit = 16u << 20;  // bytes of /proc/locks
constexpr int k_lock_tries = 10;
constexpr std::chrono::milliseconds k_between_lock_tries{20};

}  // namespace

std::optional<pid_t> lock_holder(const std::filesystem::path& path) {
  struct stat about = {};
  if (stat(path.c_str(), &about) != 0) {
    return std::nullopt;
  }
  // "1: FLOCK  ADVISORY  WRITE 4711 08:01:393220 0 EOF"
  std::istringstream lines(read_file("/proc/locks", k_locks_limit));
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string number;
    std::string kind;
    std::string advisory;
    std::string access;
    long process = 0;
    std::string place;
    if (!(words >> number >> kind >> advisory >> access >> process >> place) || kind != "FLOCK" || access != "WRITE") {
      continue;
    }
    unsigned held_major = 0;
    unsigned held_minor = 0;
    unsigned long long inode = 0;
    if (std::sscanf(place.c_str(), "%x:%x:%llu", &held_major, &held_minor, &inode) != 3 || inode != about.st_ino) {
      continue;
    }
    // File systems without a device of their own (btrfs, overlay) show one number here and another to stat.
    const bool same_device = held_major == major(about.st_dev) && held_minor == minor(about.st_dev);
    if (same_device || (held_major == 0 && major(about.st_dev) == 0)) {
      return static_cast<pid_t>(std::max(process, 0L));
    }
  }
  return std::nullopt;
}

bool is_locked(const std::filesystem::path& path) {
  const Fd fd(retry([&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); }));
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return false;
    }
    throw system_error(errno, "cannot open the lock " + quote_path(path));
  }
  // A share, so that two who ask at once do not take each other for the holder.
  if (retry([&] { return flock(fd.get(), LOCK_SH | LOCK_NB); }) == 0) {
    return false;
  }
  if (errno != EWOULDBLOCK) {
    throw system_error(errno, "cannot examine the lock " + quote_path(path));
  }
  return true;
}

FileLock lock_past_askers(const std::filesystem::path& path) {
  for (int tries = 1;; ++tries) {
    try {
      return FileLock(path);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::busy || tries == k_lock_tries) {
        throw;
      }
    }
    std::this_thread::sleep_for(k_between_lock_tries);
  }
}

}  // namespace airlock::base
