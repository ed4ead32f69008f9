// Whole files or nothing: contents first, a name last.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/files_system.hpp"

namespace airlock::base {

namespace {

fs::path parent_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

struct NamedFile {
  Fd fd;
  fs::path name;
};

NamedFile create_named(const fs::path& directory, mode_t mode) {
  fs::path name = random_name(directory);
  Fd fd(retry([&] { return open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode); }));
  if (!fd) {
    throw system_error(errno, "cannot create a file in " + quote_path(directory));
  }
  // Tells remove_leftovers() that somebody still writes it. Where locks are not to be had, leftovers stay.
  static_cast<void>(flock(fd.get(), LOCK_EX | LOCK_NB));
  return {std::move(fd), std::move(name)};
}

// Removes a name unless it was taken over.
class NameGuard {
 public:
  explicit NameGuard(fs::path name) : m_name(std::move(name)) {}
  NameGuard(const NameGuard&) = delete;
  NameGuard& operator=(const NameGuard&) = delete;
  ~NameGuard() {
    if (!m_name.empty()) {
      unlink(m_name.c_str());
    }
  }
  const fs::path& name() const { return m_name; }
  void release() { m_name.clear(); }

 private:
  fs::path m_name;
};

int open_unnamed(const fs::path& directory, mode_t mode) {
  if (!system_call_available("o_tmpfile")) {
    return -1;
  }
  return retry([&] { return open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode); });
}

// A name for a file that has none; false with errno.
bool link_unnamed(int fd, const fs::path& target) {
  if (!system_call_available("link")) {
    errno = EPERM;
    return false;
  }
  const std::string self = "/proc/self/fd/" + std::to_string(fd);
  if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, target.c_str(), AT_SYMLINK_FOLLOW) == 0 || errno == EEXIST) {
    return true;
  }
  // Without /proc the kernel may still allow the direct form.
  const int error = errno;
  if (linkat(fd, "", AT_FDCWD, target.c_str(), AT_EMPTY_PATH) == 0 || errno == EEXIST) {
    return true;
  }
  errno = error;
  return false;
}

// Moves a named file to `target` unless that exists; false with errno.
bool move_named(const fs::path& name, const fs::path& target) {
  // FAT has no hard links.
  if (system_call_available("link")) {
    if (link(name.c_str(), target.c_str()) == 0 || errno == EEXIST) {
      unlink(name.c_str());
      return true;
    }
    if (!means_unsupported(errno) && errno != EMLINK) {
      return false;
    }
  }
  if (system_call_available("renameat2")) {
    constexpr unsigned int no_replace = 1;  // RENAME_NOREPLACE
    if (syscall(SYS_renameat2, AT_FDCWD, name.c_str(), AT_FDCWD, target.c_str(), no_replace) == 0) {
      return true;
    }
    if (errno == EEXIST) {
      unlink(name.c_str());
      return true;
    }
    if (!means_unsupported(errno)) {
      return false;
    }
  }
  // What remains is a look and a rename; who comes between has published the same content.
  if (access(target.c_str(), F_OK) == 0) {
    unlink(name.c_str());
    return true;
  }
  return rename(name.c_str(), target.c_str()) == 0;
}

void copy_by_buffer(int from, std::uint64_t offset, std::uint64_t length, int to, std::string_view name) {
  FileSource source(from, offset, length, std::string(name));
  FunctionSink sink([&](std::span<const std::byte> data) { write_all(to, data, name); });
  copy(source, sink);
}

}  // namespace

void copy_file_bytes(int from, std::uint64_t offset, std::uint64_t length, int to, std::string_view name) {
  constexpr std::uint64_t largest_step = 1ULL << 30;
  while (length > 0 && system_call_available("copy_file_range")) {
    auto position = static_cast<off64_t>(offset);
    const auto step = static_cast<std::size_t>(std::min(length, largest_step));
    const ssize_t copied = retry([&] { return ::copy_file_range(from, &position, to, nullptr, step, 0); });
    if (copied < 0 && !means_unsupported(errno) && errno != EXDEV && errno != EBADF) {
      throw system_error(errno, "cannot copy " + std::string(name));
    }
    // 0 is the end of the file, or a file system that cannot do it and says so in this way; reading tells
    // which.
    if (copied <= 0) {
      break;
    }
    offset += static_cast<std::uint64_t>(copied);
    length -= static_cast<std::uint64_t>(copied);
  }
  if (length > 0) {
    copy_by_buffer(from, offset, length, to, name);
  }
}

AtomicFile::AtomicFile(fs::path target, mode_t mode) : m_target(std::move(target)) {
  auto [fd, name] = create_named(parent_of(m_target), mode);
  m_fd = std::move(fd);
  m_name = std::move(name);
}

AtomicFile::~AtomicFile() {
  if (!m_name.empty()) {
    unlink(m_name.c_str());
  }
}

void AtomicFile::write(std::span<const std::byte> data) {
  write_all(m_fd.get(), data, quote_path(m_target));
}

void AtomicFile::commit() {
  sync_file(m_fd.get(), quote_path(m_target));
  if (rename(m_name.c_str(), m_target.c_str()) != 0) {
    throw system_error(errno, "cannot replace " + quote_path(m_target));
  }
  m_name.clear();
  sync_directory(parent_of(m_target));
}

void write_file_atomic(const fs::path& path, std::string_view content, mode_t mode) {
  AtomicFile file(path, mode);
  file.write(as_bytes(content));
  file.commit();
}

void remove_leftovers(const fs::path& directory) {
  std::error_code ignored;
  for (fs::directory_iterator it(directory, ignored), end; !ignored && it != end; it.increment(ignored)) {
    if (!is_temporary_name(it->path().filename().native())) {
      continue;
    }
    const Fd fd(retry([&] { return open(it->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK); }));
    if (fd && flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
      unlink(it->path().c_str());
    }
  }
}

UnnamedFile::UnnamedFile(const fs::path& directory, mode_t mode)
    : m_fd(open_unnamed(directory, mode)), m_directory(directory), m_mode(mode) {
  // Whatever the reason was, the named form either works or has the better error.
  if (!m_fd) {
    auto named = create_named(directory, mode);
    m_fd = std::move(named.fd);
    m_name = std::move(named.name);
  }
}

UnnamedFile::UnnamedFile(UnnamedFile&& other) noexcept
    : m_fd(std::move(other.m_fd)), m_directory(std::move(other.m_directory)),
      m_name(std::exchange(other.m_name, fs::path())), m_mode(other.m_mode), m_published(other.m_published) {}

UnnamedFile::~UnnamedFile() {
  if (!m_name.empty()) {
    unlink(m_name.c_str());
  }
}

void UnnamedFile::write(std::span<const std::byte> data) {
  write_all(m_fd.get(), data, "a new file in " + quote_path(m_directory));
}

void UnnamedFile::reserve(std::uint64_t length) {
  if (length == 0) {
    return;
  }
  const auto doing = [&] { return fmt::format("cannot keep {} bytes free in {}", length, quote_path(m_directory)); };
  // Looked at first: an allocation that cannot succeed would fill the disk for everybody before it fails.
  struct statvfs info = {};
  if (fstatvfs(m_fd.get(), &info) == 0 && info.f_frsize > 0 && length / info.f_frsize > info.f_bavail) {
    throw system_error(ENOSPC, doing());
  }
  if (!system_call_available("fallocate")) {
    return;
  }
  // The system call itself: posix_fallocate would write the whole length where the file system cannot do it.
  const auto bounded = static_cast<off_t>(std::min<std::uint64_t>(length, std::numeric_limits<off_t>::max()));
  if (retry([&] { return fallocate(m_fd.get(), FALLOC_FL_KEEP_SIZE, 0, bounded); }) != 0 && !means_unsupported(errno)) {
    throw system_error(errno, doing());
  }
}

void UnnamedFile::publish(const fs::path& target) {
  if (m_published) {
    throw Error(ErrorCode::internal, "a file was to be published twice, as " + quote_path(target));
  }
  if (m_name.empty()) {
    if (!link_unnamed(m_fd.get(), target)) {
      publish_copy(target);
    }
  } else {
    if (!move_named(m_name, target)) {
      throw system_error(errno, "cannot publish " + quote_path(target));
    }
    m_name.clear();
  }
  m_published = true;
}

void UnnamedFile::publish_copy(const fs::path& target) {
  const int error = errno;
  const bool hopeless = error == ENOENT && !fs::exists(parent_of(target));
  if (hopeless || error == ENOSPC || error == EDQUOT || error == EROFS || error == EACCES || error == EXDEV) {
    throw system_error(error, "cannot publish " + quote_path(target));
  }
  // The kernel made an unnamed file and will not name it, as under some sandboxes: a named copy does the
  // same.
  auto [fd, name] = create_named(m_directory, m_mode);
  NameGuard guard(std::move(name));
  copy_file_bytes(m_fd.get(), 0, file_size(m_fd.get(), quote_path(target)), fd.get(), quote_path(target));
  if (!move_named(guard.name(), target)) {
    throw system_error(errno, "cannot publish " + quote_path(target));
  }
  guard.release();
  m_fd = std::move(fd);
}

}  // namespace airlock::base
