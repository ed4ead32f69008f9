// Folders that are read entry by entry, below a folder that is open already.
#pragma once

#include <dirent.h>
#include <fcntl.h>

#include <memory>
#include <string>

#include "base/files.hpp"

namespace airlock::agent {

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

// Null where there is no such folder, or where it cannot be opened; errno tells why.
inline Folder open_folder(int parent, const std::string& name) {
  base::Fd fd(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return Folder(fd ? fdopendir(fd.release()) : nullptr);
}

}  // namespace airlock::agent
