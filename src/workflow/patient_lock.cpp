#include "workflow/patient_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/interrupt.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::chrono::seconds k_patience(30);
constexpr std::chrono::milliseconds k_pause(20);

// Whether `fd` is still the file that has that name: a head of its own is replaced, not written to.
bool is_file_at(int fd, const fs::path& path) {
  struct stat held {};
  struct stat named {};
  return fstat(fd, &held) == 0 && stat(path.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
         held.st_ino == named.st_ino;
}

// Until `attempt` answers true; false: it took too long.
bool wait_until(const std::function<bool()>& attempt) {
  const auto end = std::chrono::steady_clock::now() + k_patience;
  while (!attempt()) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    base::throw_if_interrupted();
    std::this_thread::sleep_for(k_pause);
  }
  return true;
}

}  // namespace

base::FileLock wait_for_lock(const fs::path& path) {
  std::optional<base::FileLock> lock;
  std::optional<Error> refusal;
  const bool taken = wait_until([&] {
    try {
      lock.emplace(path);
      return true;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::busy) {
        throw;
      }
      refusal = error;
      return false;
    }
  });
  if (!taken) {
    throw *refusal;
  }
  return std::move(*lock);
}

HeadLock::HeadLock(const fs::path& head) {
  const bool settled = wait_until([&] {
    m_fd = base::Fd(open(head.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!m_fd) {
      return true;
    }
    if (flock(m_fd.get(), LOCK_EX | LOCK_NB) != 0) {
      return errno != EWOULDBLOCK && errno != EINTR;
    }
    return is_file_at(m_fd.get(), head);
  });
  if (!settled) {
    throw Error(ErrorCode::busy, fmt::format("somebody else is changing the head of {}", head.string()))
        .with_hint("wait until that is done, then run the same command again");
  }
}

}  // namespace airlock::workflow
