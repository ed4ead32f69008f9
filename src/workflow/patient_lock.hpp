// Locks for what takes a moment: one waits for the other, instead of being refused.
#pragma once

#include <filesystem>

#include "base/files.hpp"

namespace airlock::workflow {

// base::FileLock, waited for. Throws busy after half a minute, and interrupted.
base::FileLock wait_for_lock(const std::filesystem::path& path);

// Holds a bundle's head while it is changed, so that two people who approve it at once do not lose each other's
// signature. Without effect where the file cannot be opened, or its file system knows no locks. Whoever holds it reads
// the head anew: it may have changed while this waited.
class HeadLock {
 public:
  explicit HeadLock(const std::filesystem::path& head);  // throws busy after half a minute, and interrupted

 private:
  base::Fd m_fd;
};

}  // namespace airlock::workflow
