// A file that only this process has, for parsers that read from a descriptor or a path; and where files lie in memory
// that need a name.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/files.hpp"

namespace airlock::fuzz {

class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : m_fd(memfd_create("fuzz", MFD_CLOEXEC)) {
    base::write_all(m_fd.get(), base::as_bytes(bytes), "fuzz");
  }
  int fd() const { return m_fd.get(); }
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(m_fd.get()); }

 private:
  base::Fd m_fd;
};

// For base::TempDir: inputs come by the thousand, and no disk need see them.
inline std::filesystem::path memory_place() {
  const std::filesystem::path shared = "/dev/shm";
  return access(shared.c_str(), W_OK | X_OK) == 0 ? shared : std::filesystem::temp_directory_path();
}

}  // namespace airlock::fuzz
