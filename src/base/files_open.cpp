// Opening: owned descriptors, regular files only where that is promised, nothing outside a given directory.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/files_system.hpp"
#include "base/secret.hpp"
#include "base/text.hpp"

namespace airlock::base {

namespace {

constexpr std::string_view k_temporary_front = ".airlock-";
constexpr std::string_view k_temporary_end = ".tmp";
constexpr std::size_t k_temporary_random = 16;  // bytes, in the name as hex

// A path that cannot leave the directory it is relative to.
void check_relative(const fs::path& relative) {
  const std::string& text = relative.native();
  const bool bad = text.empty() || text.find('\0') != std::string::npos || relative.is_absolute() ||
                   std::ranges::find(relative, fs::path("..")) != relative.end();
  if (bad) {
    throw Error(ErrorCode::malformed, quote_path(relative) + " is not a path inside a directory");
  }
}

bool is_link(int directory_fd, const char* name) {
  struct stat info = {};
  return fstatat(directory_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode);
}

// -1 with errno. ELOOP where a component is a link, like openat2.
int open_stepwise(int directory_fd, const fs::path& relative, int flags, mode_t mode) {
  Fd held;
  int current = directory_fd;
  const auto last = std::prev(relative.end());
  for (auto part = relative.begin(); part != last; ++part) {
    Fd next(retry([&] { return openat(current, part->c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
    if (!next) {
      if (errno == ENOTDIR && is_link(current, part->c_str())) {
        errno = ELOOP;
      }
      return -1;
    }
    held = std::move(next);
    current = held.get();
  }
  const char* const name = last->empty() ? "." : last->c_str();
  const int fd = retry([&] { return openat(current, name, flags | O_NOFOLLOW | O_CLOEXEC, mode); });
  if (fd < 0 && errno == ENOTDIR && is_link(current, name)) {
    errno = ELOOP;
  }
  return fd;
}

int open_in_kernel(int directory_fd, const fs::path& relative, int flags, mode_t mode) {
  if (!system_call_available("openat2")) {
    errno = ENOSYS;
    return -1;
  }
  struct open_how how = {};
  const bool creates = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  how.flags = static_cast<__u64>(flags | O_CLOEXEC);
  how.mode = creates ? mode & 07777U : 0U;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return retry(
      [&] { return static_cast<int>(syscall(SYS_openat2, directory_fd, relative.c_str(), &how, sizeof how)); });
}

}  // namespace

std::string quote_path(const fs::path& path) {
  return fmt::format("'{}'", printable(path.native()));
}

fs::path random_name(const fs::path& directory) {
  const std::string bytes = random_bytes(k_temporary_random);
  const auto* const data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  return directory / (std::string(k_temporary_front) + to_hex({data, bytes.size()}) + std::string(k_temporary_end));
}

bool is_temporary_name(std::string_view file_name) {
  constexpr std::size_t length = k_temporary_front.size() + 2 * k_temporary_random + k_temporary_end.size();
  return file_name.size() == length && file_name.starts_with(k_temporary_front) &&
         file_name.ends_with(k_temporary_end) &&
         file_name.substr(k_temporary_front.size(), 2 * k_temporary_random).find_first_not_of("0123456789abcdef") ==
             std::string_view::npos;
}

bool system_call_available(std::string_view name) {
  const char* const without = std::getenv("AIRLOCK_WITHOUT");
  if (without == nullptr || *without == '\0') {
    return true;
  }
  return std::ranges::none_of(split(without, ','), [&](const std::string& one) { return trim(one) == name; });
}

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    Fd old(std::exchange(m_fd, other.release()));
  }
  return *this;
}

Fd::~Fd() {
  if (m_fd >= 0) {
    // Not retried: on Linux the descriptor is gone even when close reports EINTR.
    close(m_fd);
  }
}

Fd open_for_reading(const fs::path& path, FollowLinks follow) {
  // O_NONBLOCK, so that a fifo is refused and not waited for.
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (follow == FollowLinks::no ? O_NOFOLLOW : 0);
  Fd fd(retry([&] { return open(path.c_str(), flags); }));
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR) {
      throw Error(ErrorCode::not_found, quote_path(path) + " does not exist");
    }
    if (errno == ELOOP && follow == FollowLinks::no) {
      throw Error(ErrorCode::io, quote_path(path) + " is a symbolic link, which is not followed here");
    }
    throw system_error(errno, "cannot open " + quote_path(path));
  }
  struct stat info = {};
  if (fstat(fd.get(), &info) != 0) {
    throw system_error(errno, "cannot examine " + quote_path(path));
  }
  if (!S_ISREG(info.st_mode)) {
    throw Error(ErrorCode::io,
                quote_path(path) + (S_ISDIR(info.st_mode) ? " is a directory" : " is not a regular file"));
  }
  return fd;
}

std::optional<Fd> open_beneath(int directory_fd, const fs::path& relative, int flags, mode_t mode) {
  check_relative(relative);
  int fd = open_in_kernel(directory_fd, relative, flags, mode);
  if (fd < 0 && (means_unsupported(errno) || errno == EAGAIN)) {
    fd = open_stepwise(directory_fd, relative, flags, mode);
  }
  if (fd >= 0) {
    return Fd(fd);
  }
  if (errno == ENOENT || errno == ENOTDIR) {
    return std::nullopt;
  }
  if (errno == ELOOP || errno == EXDEV) {
    throw Error(ErrorCode::io, quote_path(relative) + " leads through a symbolic link, which is not followed here");
  }
  throw system_error(errno, "cannot open " + quote_path(relative));
}

Fd open_directory(const fs::path& path) {
  Fd fd(retry([&] { return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (!fd) {
    if (errno == ENOENT) {
      throw Error(ErrorCode::not_found, "the directory " + quote_path(path) + " does not exist");
    }
    throw system_error(errno, "cannot open the directory " + quote_path(path));
  }
  return fd;
}

void allow_open_files(std::uint64_t count) {
  struct rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < count) {
    limit.rlim_cur = std::min<rlim_t>(count, limit.rlim_max);
    static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));  // where that is refused, opening says so
  }
}

}  // namespace airlock::base
