#include "agent/job_directory.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "agent/folder.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "control/wire_checks.hpp"

namespace airlock::agent {

namespace {

namespace fs = std::filesystem;
using base::Fd;

// Folders are moved up beside each other instead of being descended into: a job can nest them deeper than any limit on
// descriptors or path lengths.
class TreeRemover {
 public:
  explicit TreeRemover(const Fd& top) : m_top(top) {}

  bool run() {
    bool all = true;
    while (true) {
      const auto folders = empty(m_top.get());
      if (folders.empty()) {
        return all;
      }
      bool moved_on = false;
      for (const auto& folder : folders) {
        const bool gone = take_apart(folder);
        moved_on = moved_on || gone;
        all = all && gone;
      }
      if (!moved_on) {
        return false;
      }
      all = true;  // what could not go in this round may go in the next
    }
  }

 private:
  // Removes everything but folders; returns their names.
  static std::vector<std::string> empty(int parent) {
    std::vector<std::string> folders;
    const Folder listing = open_folder(parent, ".");
    while (const dirent* entry = listing ? readdir(listing.get()) : nullptr) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") {
        continue;
      }
      struct stat info = {};
      if (unlinkat(parent, entry->d_name, 0) != 0 && fstatat(parent, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
          S_ISDIR(info.st_mode)) {
        folders.push_back(name);
      }
    }
    return folders;
  }

  // Where that is refused, what follows fails and says so.
  static void make_enterable(int folder, const std::string& name) {
    [[maybe_unused]] const int refused = fchmodat(folder, name.c_str(), 0700, 0);
  }

  bool take_apart(const std::string& name) {
    if (unlinkat(m_top.get(), name.c_str(), AT_REMOVEDIR) == 0) {
      return true;
    }
    make_enterable(m_top.get(), name);  // names come from empty(): a folder, and no link
    const Fd folder(openat(m_top.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) {
      return false;
    }
    for (const auto& inner : empty(folder.get())) {
      make_enterable(folder.get(), inner);
      const std::string beside = fmt::format(".airlock-{}", m_count++);
      if (renameat(folder.get(), inner.c_str(), m_top.get(), beside.c_str()) != 0) {
        return false;
      }
    }
    return unlinkat(m_top.get(), name.c_str(), AT_REMOVEDIR) == 0;
  }

  const Fd& m_top;
  std::uint64_t m_count = 0;
};

void give_to(const Fd& opened, const fs::path& path, const JobUser& user) {
  if (geteuid() == 0 && fchown(opened.get(), user.uid, user.gid) != 0) {
    throw base::system_error(errno, fmt::format("cannot give {} to the job's user", path.string()));
  }
}

void check_inner(const fs::path& part) {
  if (part.empty() || part == "." || part == ".." || part == "/") {
    throw base::Error(base::ErrorCode::malformed, "a file of a job lies outside of its folder");
  }
}

void make_private(const fs::path& path) {
  if (mkdir(path.c_str(), 0700) != 0) {
    throw base::system_error(errno, fmt::format("cannot make the job's folder {}", path.string()));
  }
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, base::is_digit);
}

// Of a job or a trial: what its agent calls it.
bool is_job_name(std::string_view name) {
  constexpr std::string_view k_trial = "check-";
  if (name.starts_with(k_trial)) {
    return is_number(name.substr(k_trial.size()));
  }
  const auto dot = name.find('.');
  return dot != std::string_view::npos && control::is_deployment_id(name.substr(0, dot)) &&
         is_number(name.substr(dot + 1));
}

}  // namespace

JobDirectory::JobDirectory(const fs::path& parent, std::string_view name, const JobUser& user)
    : m_path(parent / name), m_user(user) {
  base::make_directories(parent, 0711);
  make_private(m_path);
  try {
    make_private(root());
    make_private(job());
    give_to(base::open_directory(job()), job(), user);
  } catch (...) {
    remove_tree(m_path);
    throw;
  }
}

JobDirectory::~JobDirectory() {
  remove_tree(m_path);
}

// The job may already be at work in there: nothing on the way may be a link of its making.
base::Fd JobDirectory::open_folder(const fs::path& relative) const {
  fs::path path = job();
  Fd folder = base::open_directory(path);
  for (const auto& part : relative) {
    check_inner(part);
    path /= part;
    const bool made = mkdirat(folder.get(), part.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) {
      throw base::system_error(errno, fmt::format("cannot make {}", path.string()));
    }
    Fd next(openat(folder.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) {
      throw base::system_error(errno, fmt::format("cannot make {}", path.string()));
    }
    if (made) {
      give_to(next, path, m_user);
    }
    folder = std::move(next);
  }
  return folder;
}

void JobDirectory::make_folder(const fs::path& relative) const {
  open_folder(relative);
}

void JobDirectory::write(const fs::path& relative, std::string_view content, mode_t mode) const {
  check_inner(relative.filename());
  const Fd folder = open_folder(relative.parent_path());
  const fs::path path = job() / relative;
  const std::string name = relative.filename();
  unlinkat(folder.get(), name.c_str(), 0);  // whatever it is; where that is refused, what follows fails and says so
  const Fd file(openat(folder.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file) {
    throw base::system_error(errno, fmt::format("cannot write {}", path.string()));
  }
  base::write_all(file.get(), base::as_bytes(content), path.string());
  if (fchmod(file.get(), mode) != 0) {
    throw base::system_error(errno, fmt::format("cannot write {}", path.string()));
  }
  give_to(file, path, m_user);
}

bool remove_tree(const fs::path& path) {
  chmod(path.c_str(), 0700);
  const Fd top(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!top) {
    return errno == ENOENT;
  }
  const bool emptied = TreeRemover(top).run();
  return rmdir(path.c_str()) == 0 && emptied;
}

std::size_t remove_stale_jobs(const fs::path& parent) {
  std::size_t left = 0;
  std::error_code error;
  for (const auto& each : fs::directory_iterator(parent, error)) {
    const bool stale = is_job_name(each.path().filename().string()) && fs::is_directory(each.symlink_status(error));
    left += stale && !remove_tree(each.path()) ? 1U : 0U;
  }
  return left;
}

}  // namespace airlock::agent
