// Places: directories, locks, room on the medium.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <system_error>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/files_system.hpp"
#include "base/text.hpp"

namespace airlock::base {

namespace {

struct FileSystemName {
  std::uint32_t magic;
  std::string_view name;
};

// The kernel's linux/magic.h does not have them all.
constexpr std::array k_file_systems = {
    FileSystemName{MSDOS_SUPER_MAGIC, "vfat"},    FileSystemName{0x2011BAB0, "exfat"},
    FileSystemName{EXT4_SUPER_MAGIC, "ext4"},     FileSystemName{XFS_SUPER_MAGIC, "xfs"},
    FileSystemName{BTRFS_SUPER_MAGIC, "btrfs"},   FileSystemName{TMPFS_MAGIC, "tmpfs"},
    FileSystemName{RAMFS_MAGIC, "ramfs"},         FileSystemName{OVERLAYFS_SUPER_MAGIC, "overlay"},
    FileSystemName{ISOFS_SUPER_MAGIC, "iso9660"}, FileSystemName{UDF_SUPER_MAGIC, "udf"},
    FileSystemName{0x5346544E, "ntfs"},           FileSystemName{0x7366746E, "ntfs"},
    FileSystemName{F2FS_SUPER_MAGIC, "f2fs"},     FileSystemName{0x2FC12FC1, "zfs"},
    FileSystemName{SQUASHFS_MAGIC, "squashfs"},   FileSystemName{NFS_SUPER_MAGIC, "nfs"},
    FileSystemName{CIFS_SUPER_MAGIC, "cifs"},     FileSystemName{SMB2_SUPER_MAGIC, "cifs"},
    FileSystemName{FUSE_SUPER_MAGIC, "fuse"},     FileSystemName{V9FS_MAGIC, "9p"},
};

constexpr std::uint64_t k_largest_fat_file = 0xFFFFFFFF;  // bytes
constexpr std::size_t k_random_letters = 6;               // that mkdtemp(3) puts in place of as many X

// The kernel's flag is set for sticks and readers; disks in USB cases do not have it, but are carried all the
// same.
bool is_removable(dev_t device) {
  std::error_code ignored;
  const fs::path link =
      fs::path("/sys/dev/block") / (std::to_string(major(device)) + ":" + std::to_string(minor(device)));
  const fs::path place = fs::canonical(link, ignored);
  if (place.empty()) {
    return false;
  }
  if (place.native().find("/usb") != std::string::npos) {
    return true;
  }
  // A partition has no flag of its own; the disk that holds it does.
  for (const fs::path& flag : {place / "removable", place.parent_path() / "removable"}) {
    if (fs::exists(flag, ignored)) {
      const auto text = read_file_if_exists(flag, 64);
      return text && text->starts_with('1');
    }
  }
  return false;
}

// Folders that were made read-only, as module caches are, would keep their content otherwise.
void make_removable(const fs::path& directory) {
  std::error_code ignored;
  fs::permissions(directory, fs::perms::owner_all, fs::perm_options::add, ignored);
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    if (entry.symlink_status(ignored).type() == fs::file_type::directory) {
      make_removable(entry.path());
    }
  }
}

void remove_folder(const fs::path& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) {
    make_removable(folder);
    fs::remove_all(folder, error);
  }
}

// Who wrote his number into a lock that is held, and what he was started as; for a person who wonders what to wait for.
std::string holder_of(int lock) {
  std::array<char, 32> text{};
  const ssize_t size = pread(lock, text.data(), text.size() - 1, 0);
  const std::string number(trim({text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))}));
  const bool plain = !number.empty() && std::ranges::all_of(number, is_digit);
  std::ifstream started(plain ? "/proc/" + number + "/cmdline" : std::string());
  std::string command{std::istreambuf_iterator<char>(started), {}};
  std::ranges::replace(command, '\0', ' ');
  if (trim(command).empty()) {
    return "another process";  // of another host, perhaps, or gone by now
  }
  constexpr std::size_t longest = 120;
  return "process " + number + " (" + printable(trim(command), longest) + ")";
}

}  // namespace

void make_directories(const fs::path& path, mode_t mode) {
  if (path.empty() || mkdir(path.c_str(), mode) == 0) {
    return;
  }
  int error = errno;
  if (error == ENOENT && path.has_parent_path() && path.parent_path() != path) {
    make_directories(path.parent_path(), mode);
    if (mkdir(path.c_str(), mode) == 0) {
      return;
    }
    error = errno;
  }
  // A read-only or guarded parent may answer something else than EEXIST for a directory that is there.
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    throw system_error(error == EEXIST ? ENOTDIR : error, "cannot create the directory " + quote_path(path));
  }
}

FileLock::FileLock(const fs::path& path)
    : m_fd(retry([&] { return open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600); })) {
  if (!m_fd) {
    throw system_error(errno, "cannot open the lock " + quote_path(path));
  }
  // Whoever may read a file may hold its lock, and would keep all others waiting. One of an older airlock has 0644; who
  // does not own it cannot change that, and need not.
  [[maybe_unused]] const auto closed = fchmod(m_fd.get(), 0600);
  if (retry([&] { return flock(m_fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
    if (errno == EWOULDBLOCK) {
      throw Error(ErrorCode::busy, holder_of(m_fd.get()) + " holds the lock " + quote_path(path));
    }
    throw system_error(errno, "cannot take the lock " + quote_path(path));
  }
  // Only for the message above, so that a full disk need not mind.
  const std::string number = std::to_string(getpid()) + "\n";
  if (ftruncate(m_fd.get(), 0) == 0) {
    [[maybe_unused]] const auto written = pwrite(m_fd.get(), number.data(), number.size(), 0);
  }
}

SpaceInfo space_info(const fs::path& existing_path) {
  struct statfs system = {};
  struct statvfs room = {};
  struct stat info = {};
  if (retry([&] { return statfs(existing_path.c_str(), &system); }) != 0 ||
      retry([&] { return statvfs(existing_path.c_str(), &room); }) != 0 || stat(existing_path.c_str(), &info) != 0) {
    throw system_error(errno, "cannot examine the file system of " + quote_path(existing_path));
  }
  const auto magic = static_cast<std::uint32_t>(system.f_type);
  const auto found = std::ranges::find(k_file_systems, magic, &FileSystemName::magic);
  SpaceInfo result;
  result.free_bytes = static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize;
  result.file_system = found == k_file_systems.end() ? "other" : found->name;
  result.max_file_size = result.file_system == "vfat" ? k_largest_fat_file : UINT64_MAX;
  result.removable = is_removable(info.st_dev);
  return result;
}

TempDir::TempDir(const fs::path& parent, std::string_view prefix) {
  std::string name = (parent / (std::string(prefix) + std::string(k_random_letters, 'X'))).native();
  if (mkdtemp(name.data()) == nullptr) {
    throw system_error(errno, "cannot create a temporary directory in " + quote_path(parent));
  }
  m_path = name;
}

TempDir::~TempDir() {
  remove_folder(m_path);
}

void TempDir::remove_leftovers(const fs::path& parent, std::string_view prefix) {
  std::vector<fs::path> left;
  std::error_code ignored;
  for (fs::directory_iterator it(parent, ignored), end; !ignored && it != end; it.increment(ignored)) {
    const std::string name = it->path().filename().native();
    std::error_code gone;
    if (name.size() == prefix.size() + k_random_letters && name.starts_with(prefix) &&
        it->symlink_status(gone).type() == fs::file_type::directory) {
      left.push_back(it->path());
    }
  }
  for (const auto& folder : left) {
    remove_folder(folder);
  }
}

}  // namespace airlock::base
