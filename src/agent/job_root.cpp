#include "agent/job_root.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>

#include "agent/missing_control.hpp"
#include "base/files.hpp"

namespace airlock::agent {

namespace {

namespace fs = std::filesystem;

constexpr const char* k_control = "mount namespace";
constexpr std::array k_devices = {"null", "zero", "full", "random", "urandom", "tty"};

void do_mount(const char* source, const fs::path& target, const char* type, unsigned long flags, const char* data) {
  if (mount(source, target.c_str(), type, flags, data) != 0) {
    throw_missing(k_control, "cannot mount " + target.string(), errno);
  }
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error && !fs::is_directory(path)) {
    throw_missing(k_control, "cannot make " + path.string(), error.value());
  }
}

void make_file(const fs::path& path) {
  make_folder(path.parent_path());
  const base::Fd file(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file) {
    throw_missing(k_control, "cannot make " + path.string(), errno);
  }
}

fs::path inside(const CellSpec& spec, const fs::path& path) {
  return spec.root / path.relative_path();
}

// Flags that another user namespace has locked must be given again, or the remount is refused.
unsigned long kept_flags(const fs::path& target) {
  struct statvfs info = {};
  if (statvfs(target.c_str(), &info) != 0) {
    return 0;
  }
  unsigned long flags = 0;
  flags |= (info.f_flag & ST_NOEXEC) != 0 ? static_cast<unsigned long>(MS_NOEXEC) : 0UL;
  flags |= (info.f_flag & ST_NOATIME) != 0 ? static_cast<unsigned long>(MS_NOATIME) : 0UL;
  flags |= (info.f_flag & ST_NODIRATIME) != 0 ? static_cast<unsigned long>(MS_NODIRATIME) : 0UL;
  flags |= (info.f_flag & ST_RELATIME) != 0 ? static_cast<unsigned long>(MS_RELATIME) : 0UL;
  flags |= (info.f_flag & ST_RDONLY) != 0 ? static_cast<unsigned long>(MS_RDONLY) : 0UL;
  return flags;
}

// "\040" as the kernel writes a space in mountinfo.
std::string unescape(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      result.push_back(
          static_cast<char>(((text[i + 1] - '0') << 6) | ((text[i + 2] - '0') << 3) | (text[i + 3] - '0')));
      i += 3;
    } else {
      result.push_back(text[i]);
    }
  }
  return result;
}

bool lies_below(const fs::path& path, const fs::path& folder) {
  const auto& all = path.native();
  const auto& start = folder.native();
  return all == start || (all.starts_with(start) && (start.ends_with('/') || all[start.size()] == '/'));
}

// A recursive bind takes what is mounted below along, and a remount changes one mount only.
std::vector<fs::path> mounts_below(const fs::path& folder) {
  std::vector<fs::path> found;
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string id;
    std::string parent;
    std::string device;
    std::string root;
    std::string point;
    words >> id >> parent >> device >> root >> point;
    if (const fs::path path = unescape(point); lies_below(path, folder)) {
      found.push_back(path);
    }
  }
  return found;
}

void bind(const CellSpec& spec, const BindMount& each) {
  struct stat info = {};
  if (stat(each.from.c_str(), &info) != 0) {
    throw_missing(k_control, "cannot show " + each.from.string() + " to the job", errno);
  }
  const fs::path target = inside(spec, each.to);
  if (S_ISDIR(info.st_mode)) {
    make_folder(target);
  } else {
    make_file(target);
  }
  do_mount(each.from.c_str(), target, nullptr, MS_BIND | MS_REC, nullptr);
  for (const auto& mounted : mounts_below(target)) {
    unsigned long flags = MS_BIND | MS_REMOUNT | MS_NOSUID | MS_NODEV | kept_flags(mounted);
    flags |= each.access == BindAccess::read_only ? static_cast<unsigned long>(MS_RDONLY) : 0UL;
    do_mount(nullptr, mounted, nullptr, flags, nullptr);
  }
}

void make_devices(const CellSpec& spec) {
  const fs::path dev = inside(spec, "/dev");
  make_folder(dev);
  for (const char* const name : k_devices) {
    make_file(dev / name);
    do_mount((fs::path("/dev") / name).c_str(), dev / name, nullptr, MS_BIND, nullptr);
  }
  const std::array links = {std::pair("/proc/self/fd", "fd"), std::pair("/proc/self/fd/0", "stdin"),
                            std::pair("/proc/self/fd/1", "stdout"), std::pair("/proc/self/fd/2", "stderr"),
                            std::pair("pts/ptmx", "ptmx")};
  for (const auto& [target, name] : links) {
    fs::create_symlink(target, dev / name);
  }
  make_folder(dev / "shm");
  do_mount("tmpfs", dev / "shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
  make_folder(dev / "pts");
  do_mount("devpts", dev / "pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620");
}

void cover_sockets(const CellSpec& spec, const std::vector<fs::path>& sockets) {
  for (const auto& socket : sockets) {
    for (const auto& each : spec.binds) {
      if (!lies_below(socket, each.from)) {
        continue;
      }
      const fs::path target = inside(spec, each.to / socket.lexically_relative(each.from)).lexically_normal();
      struct stat info = {};
      if (lstat(target.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) {
        do_mount("/dev/null", target, nullptr, MS_BIND, nullptr);
      }
    }
  }
}

}  // namespace

std::vector<fs::path> unix_socket_paths() {
  std::vector<fs::path> paths;
  std::ifstream file("/proc/net/unix");
  for (std::string line; std::getline(file, line);) {
    if (const auto slash = line.find(" /"); slash != std::string::npos) {
      paths.emplace_back(line.substr(slash + 1));
    }
  }
  return paths;
}

void build_job_root(const CellSpec& spec, const std::vector<fs::path>& sockets) {
  do_mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
  do_mount("tmpfs", spec.root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=16m");
  try {
    for (const auto* const folder : {"proc", "run", "var", "etc"}) {
      make_folder(spec.root / folder);
    }
    make_devices(spec);
    // A folder before what is shown inside it, or it would lie on top.
    auto binds = spec.binds;
    std::ranges::stable_sort(binds, {}, &BindMount::to);
    for (const auto& each : binds) {
      bind(spec, each);
    }
    for (const auto& [path, target] : spec.links) {
      make_folder(inside(spec, path).parent_path());
      fs::create_symlink(target, inside(spec, path));
    }
    for (const auto& [path, content] : spec.files) {
      const fs::path file = inside(spec, path);
      make_folder(file.parent_path());
      std::ofstream(file) << content;
      fs::permissions(file, fs::perms(0644));
    }
  } catch (const fs::filesystem_error& error) {
    throw MissingControl(k_control, error.what());
  }
  cover_sockets(spec, sockets);
}

void enter_job_root(const CellSpec& spec) {
  do_mount("proc", spec.root / "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  // The old root is stacked on the new one and taken off again; no folder is needed for it (pivot_root(2), Notes).
  if (chdir(spec.root.c_str()) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 ||
      chdir("/") != 0) {
    throw_missing(k_control, "cannot leave the host's file tree", errno);
  }
  do_mount(nullptr, "/", nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr);
}

}  // namespace airlock::agent
