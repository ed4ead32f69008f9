// A file that only this process has, for parsers that read from a descriptor or a path.
#pragma once

#include <sys/mman.h>

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

}  // namespace airlock::fuzz
