// Reading and writing whole spans, and small files in one piece.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/files_system.hpp"

namespace airlock::base {

namespace {

// pread and pwrite take a signed offset; a hostile size must not become a negative one.
void check_range(std::uint64_t offset, std::uint64_t size, std::string_view name) {
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
  if (offset > largest || size > largest - offset) {
    throw Error(ErrorCode::limit, "an offset in " + std::string(name) + " is beyond what a file can have");
  }
}

Error too_long(const fs::path& path, std::size_t limit) {
  return Error(ErrorCode::limit, quote_path(path) + " has more than " + std::to_string(limit) + " bytes");
}

}  // namespace

std::uint64_t file_size(int fd, std::string_view name) {
  struct stat info = {};
  if (fstat(fd, &info) != 0) {
    throw system_error(errno, "cannot examine " + std::string(name));
  }
  return static_cast<std::uint64_t>(info.st_size);
}

std::string read_file(const fs::path& path, std::size_t limit) {
  const Fd fd = open_for_reading(path);
  // The size is a hint only: files of the kernel say 0 or a page, and others may grow meanwhile.
  const auto expected = std::min<std::uint64_t>(file_size(fd.get(), quote_path(path)), limit);
  std::string text;
  std::size_t filled = 0;
  text.resize(static_cast<std::size_t>(expected) + 1);
  while (true) {
    const ssize_t got = retry([&] { return read(fd.get(), text.data() + filled, text.size() - filled); });
    if (got < 0) {
      throw system_error(errno, "cannot read " + quote_path(path));
    }
    if (got == 0) {
      text.resize(filled);
      return text;
    }
    filled += static_cast<std::size_t>(got);
    if (filled > limit) {
      throw too_long(path, limit);
    }
    if (filled == text.size()) {
      text.resize(std::max<std::size_t>(4096, text.size() * 2));
    }
  }
}

std::optional<std::string> read_file_if_exists(const fs::path& path, std::size_t limit) {
  try {
    return read_file(path, limit);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) {
      throw;
    }
    return std::nullopt;
  }
}

void write_all(int fd, std::span<const std::byte> data, std::string_view name) {
  while (!data.empty()) {
    const ssize_t written = retry([&] { return write(fd, data.data(), data.size()); });
    if (written < 0) {
      throw system_error(errno, "cannot write " + std::string(name));
    }
    data = data.subspan(static_cast<std::size_t>(written));
  }
}

void pwrite_all(int fd, std::span<const std::byte> data, std::uint64_t offset, std::string_view name) {
  check_range(offset, data.size(), name);
  while (!data.empty()) {
    const ssize_t written = retry([&] { return pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset)); });
    if (written < 0) {
      throw system_error(errno, "cannot write " + std::string(name));
    }
    offset += static_cast<std::uint64_t>(written);
    data = data.subspan(static_cast<std::size_t>(written));
  }
}

void pread_exact(int fd, std::span<std::byte> data, std::uint64_t offset, std::string_view name) {
  check_range(offset, data.size(), name);
  while (!data.empty()) {
    const ssize_t got = retry([&] { return pread(fd, data.data(), data.size(), static_cast<off_t>(offset)); });
    if (got < 0) {
      throw system_error(errno, "cannot read " + std::string(name));
    }
    if (got == 0) {
      throw Error(ErrorCode::truncated,
                  std::string(name) + " ends " + std::to_string(data.size()) + " bytes too early");
    }
    offset += static_cast<std::uint64_t>(got);
    data = data.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace airlock::base
