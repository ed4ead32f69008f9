// Files that are there whole or not at all, and what is left of those whose writer was killed.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <span>

#include "base/bytes.hpp"
#include "base/files.hpp"

namespace airlock::base {

// A whole file that takes the place of `target` at `commit`, or nothing: a temporary beside it, fsync, rename, fsync of
// the directory. Without a commit the temporary goes; a process that is killed leaves it to remove_leftovers().
class AtomicFile : public ByteSink {
 public:
  explicit AtomicFile(fs::path target, mode_t mode = 0644);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() override;

  void write(std::span<const std::byte> data) override;  // throws io, no_space
  void commit();

 private:
  fs::path m_target;
  Fd m_fd;
  fs::path m_name;  // empty once it was renamed
};

// Removes temporaries of AtomicFile and UnnamedFile whose process is gone; those of living ones are locked and stay. A
// directory that is not there has none. What cannot be removed stays, since it costs room and nothing else.
void remove_leftovers(const fs::path& directory);

// What is read next comes from the medium, but for bytes that were never written to it. After a write that failed,
// memory still shows what the medium does not hold, and the kernel calls it clean: a later sync says nothing of it.
void forget_cached(int fd);

}  // namespace airlock::base
