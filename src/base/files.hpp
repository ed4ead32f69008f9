// Files as airlock needs them: owned descriptors, atomic publication, no following of foreign links, and a safe
// fallback wherever a hardened or old kernel answers ENOSYS or EPERM.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace airlock::base {

namespace fs = std::filesystem;

class Fd {  // owns one descriptor, or none (-1)
 public:
  Fd() = default;
  explicit Fd(int fd) : m_fd(fd) {}
  Fd(Fd&& other) noexcept : m_fd(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();

  int get() const { return m_fd; }
  int release() { return std::exchange(m_fd, -1); }
  explicit operator bool() const { return m_fd >= 0; }

 private:
  int m_fd = -1;
};

// A part of an open file; shares the descriptor with whoever else serves it.
struct FileSlice {
  std::shared_ptr<const Fd> fd;
  std::uint64_t offset = 0;  // bytes
  std::uint64_t length = 0;  // bytes
};

enum class FollowLinks { no, yes };

// Opens a regular file for reading, close-on-exec. Throws not_found, or io with the path for anything else
// (a fifo, a device or a directory is refused; so is a link in the last component with FollowLinks::no).
Fd open_for_reading(const fs::path& path, FollowLinks follow = FollowLinks::yes);
// Opens `relative` below `directory_fd` without following any link and without leaving it (openat2 with
// RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS; component by component with O_NOFOLLOW where the kernel has no openat2).
// nullopt when it is not there. Throws malformed when `relative` is empty, absolute or has "..", io on a link.
std::optional<Fd> open_beneath(int directory_fd, const fs::path& relative, int flags, mode_t mode = 0);
Fd open_directory(const fs::path& path);
std::uint64_t file_size(int fd, std::string_view name);

std::string read_file(const fs::path& path, std::size_t limit);  // throws not_found, io, limit
std::optional<std::string> read_file_if_exists(const fs::path& path, std::size_t limit);
// Whole file or nothing: a temporary beside it, fsync, rename, fsync of the directory. `mode` as for open(2).
void write_file_atomic(const fs::path& path, std::string_view content, mode_t mode = 0644);
void make_directories(const fs::path& path, mode_t mode = 0755);

void write_all(int fd, std::span<const std::byte> data, std::string_view name);  // throws io, no_space
void pwrite_all(int fd, std::span<const std::byte> data, std::uint64_t offset, std::string_view name);
void pread_exact(int fd, std::span<std::byte> data, std::uint64_t offset, std::string_view name);  // throws truncated
// Appends `length` bytes of `from`, beginning at `offset`, at the position of `to`; the kernel copies, or shares the
// blocks, where it can. Throws truncated when `from` is shorter.
void copy_file_bytes(int from, std::uint64_t offset, std::uint64_t length, int to, std::string_view name);
void sync_file(int fd, std::string_view name);
// Brings a part of a file onto the medium ahead of its sync, so that this has little left to do. Advice where the file
// system or a sandbox has no such call; throws io, no_space where the medium refuses what was written.
enum class Push { begin, wait };
void push_to_medium(int fd, std::uint64_t offset, std::uint64_t length, Push how, std::string_view name);
void sync_directory(const fs::path& path);
// Everything written to the file system that holds `fd` is on the medium afterwards, or it throws. Kernels before
// 5.8 report no write error from syncfs; `syncfs_reports_errors()` tells, and callers fsync each file there.
void sync_file_system(int fd, std::string_view name);
bool syncfs_reports_errors();

// A file without a name until `publish`. O_TMPFILE and linkat, or a random O_EXCL name where unsupported;
// nothing is left behind when it is dropped.
class UnnamedFile : public ByteSink {
 public:
  explicit UnnamedFile(const fs::path& directory, mode_t mode = 0644);
  UnnamedFile(UnnamedFile&&) noexcept;
  UnnamedFile& operator=(UnnamedFile&&) = delete;
  ~UnnamedFile() override;

  int fd() const { return m_fd.get(); }
  void write(std::span<const std::byte> data) override;
  void reserve(std::uint64_t length);  // fallocate where supported; throws no_space early, the size stays
  // Gives it the name `target` (same file system). An existing file of that name is kept and counts as success.
  // Does not sync: the caller syncs once for many.
  void publish(const fs::path& target);

 private:
  void publish_copy(const fs::path& target);

  Fd m_fd;
  fs::path m_directory;
  fs::path m_name;  // empty when the file is truly unnamed
  mode_t m_mode;
  bool m_published = false;
};

// An exclusive advisory lock on a file, held while the object lives. Throws `busy`, naming the file.
class FileLock {
 public:
  explicit FileLock(const fs::path& path);

 private:
  Fd m_fd;
};

// Lets this process have `count` descriptors open, as far as its hard limit goes. Never lowers anything.
void allow_open_files(std::uint64_t count);

struct SpaceInfo {
  std::uint64_t free_bytes = 0;     // for this user
  std::uint64_t max_file_size = 0;  // bytes; 4 GiB - 1 on FAT, else UINT64_MAX
  std::string file_system;          // "vfat", "exfat", "ext4", "other"
  bool removable = false;           // the block device says so
};
SpaceInfo space_info(const fs::path& existing_path);

class TempDir {  // a private directory, removed with everything in it
 public:
  explicit TempDir(const fs::path& parent = fs::temp_directory_path(), std::string_view prefix = "airlock-");
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  const fs::path& path() const { return m_path; }
  // Removes those that killed processes left. Whoever calls it holds a lock without which nobody makes one of this
  // prefix there. What cannot be removed stays, since it costs room and nothing else.
  static void remove_leftovers(const fs::path& parent, std::string_view prefix);

 private:
  fs::path m_path;
};

// System calls that a test, or a careful administrator, takes away: names from AIRLOCK_WITHOUT, comma separated
// (openat2, o_tmpfile, link, renameat2, copy_file_range, syncfs, fallocate). They then answer as if the kernel or the
// file system had none.
bool system_call_available(std::string_view name);

}  // namespace airlock::base
