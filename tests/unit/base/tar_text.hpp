// Small archives for the tests, as text and as files.
#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "base/tar.hpp"

namespace airlock::test {

inline constexpr std::uint64_t k_eight_gib = 8ULL << 30;

inline std::string tar_member(std::string_view name, std::string_view content) {
  std::string text = base::tar_header(name, content.size(), 1000);
  text += content;
  text.append(base::tar_padding(content.size()), '\0');
  return text;
}

inline std::string tar_end() {
  return std::string(base::k_tar_end_size, '\0');
}

class TarFile {
 public:
  explicit TarFile(std::string_view text) : m_size(text.size()) {
    // Without the fsync of write_file_atomic, for there are many.
    std::ofstream(path(), std::ios::binary) << text;
    m_fd = base::open_for_reading(path());
  }

  base::fs::path path() const { return m_dir.path() / "file.tar"; }
  int fd() const { return m_fd.get(); }
  std::uint64_t size() const { return m_size; }

  base::TarEnd list(std::vector<base::TarMember>* members = nullptr) const {
    return base::list_tar(fd(), m_size, "file.tar", 100, [&](const base::TarMember& member) {
      if (members != nullptr) {
        members->push_back(member);
      }
      return true;
    });
  }

 private:
  base::TempDir m_dir;
  base::Fd m_fd;
  std::uint64_t m_size;
};

}  // namespace airlock::test
