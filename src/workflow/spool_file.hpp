// An unnamed file for bytes that must wait and have no place in memory. It goes away with the process, however that
// ends.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <span>

#include "base/files.hpp"

namespace airlock::workflow {

// Thread-safe. Nothing is made before the first append.
class SpoolFile {
 public:
  explicit SpoolFile(std::filesystem::path directory) : m_directory(std::move(directory)) {}

  struct Extent {
    std::uint64_t offset = 0;
    std::size_t length = 0;  // bytes
  };

  Extent append(std::span<const std::byte> data);  // throws io, no_space
  // `buffer` is `extent.length` bytes long.
  void read(const Extent& extent, std::span<std::byte> buffer) const;
  void release(const Extent& extent);  // its room on the disk is free again

  std::uint64_t written() const;  // bytes, ever
  std::uint64_t held() const;     // bytes, now

 private:
  std::filesystem::path m_directory;
  mutable std::mutex m_mutex;
  std::optional<base::UnnamedFile> m_file;
  std::uint64_t m_end = 0;
  std::uint64_t m_held = 0;
  std::uint64_t m_written = 0;
};

}  // namespace airlock::workflow
