// One file of a set while it is written: strictly forwards, in large aligned writes, hashed on the way where that is
// wanted, with one mark to which it can be taken back. For the files of this folder only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/files.hpp"
#include "bundle/write_behind.hpp"

namespace airlock::bundle {

enum class FileHashing { off, on };

class OutputFile {
 public:
  // A new file; one of that name is emptied. `worker` outlives it.
  OutputFile(WriteBehind& worker, std::filesystem::path path, FileHashing hashing);

  // A new file that will begin with `front`, and is hashed as if it did; zeros stand there until write_front(front).
  OutputFile(WriteBehind& worker, std::filesystem::path path, std::string_view front);

  // An existing file that goes on at `position`, what lies behind it cut off. With hashing, `hash` is of what is
  // before `position`, and `mark_hash` of what is before `mark`.
  struct Continued {
    std::uint64_t position = 0;
    std::optional<base::Hasher> hash;
    std::uint64_t mark = 0;
    std::optional<base::Hasher> mark_hash;
  };
  OutputFile(WriteBehind& worker, std::filesystem::path path, Continued state);

  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  void write(std::span<const std::byte> data);
  void write(std::string_view text);
  void write_zeros(std::uint64_t count);
  std::uint64_t position() const { return m_start + m_buffer.size(); }

  void mark() { m_mark = position(); }
  void back_to_mark();
  // Overwrites what follows the mark. With hashing, everything behind the mark is read back for the hash.
  void patch_at_mark(std::string_view bytes);
  void patch(std::uint64_t offset, std::string_view bytes);  // without hashing only
  void write_front(std::string_view front);

  void flush();           // hands everything to the system and waits for that
  base::Digest digest();  // of everything written so far; with hashing only
  void sync();            // on the medium

  const std::filesystem::path& path() const { return m_path; }

 private:
  static constexpr std::uint64_t k_write_size = 1024 * 1024;  // bytes; writes end at multiples of it
  void submit_buffer();
  void store(std::span<const std::byte> data, std::uint64_t offset, std::optional<std::uint64_t> checkpoint);
  void push_to_medium(std::uint64_t end);

  WriteBehind& m_worker;
  std::filesystem::path m_path;
  std::string m_name;  // printable
  base::Fd m_fd;
  std::vector<std::byte> m_buffer;
  std::uint64_t m_start = 0;  // offset of the buffer in the file
  std::uint64_t m_mark = 0;

  // Touched by jobs, and by others only after drain().
  std::optional<base::Hasher> m_hash;
  std::optional<base::Hasher> m_mark_hash;
  std::uint64_t m_pushed = 0;
};

}  // namespace airlock::bundle
