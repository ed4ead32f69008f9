// ByteSource and ByteSink: the only way that large content moves. No interface here can hold a blob in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/digest.hpp"

namespace airlock::base {

inline constexpr std::size_t k_copy_buffer_size = std::size_t{1024} * 1024;  // bytes

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills the front of `buffer` and returns how many bytes; 0 only at the end. Throws Error.
  virtual std::size_t read(std::span<std::byte> buffer) = 0;
};

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Takes all of `data` or throws Error.
  virtual void write(std::span<const std::byte> data) = 0;
};

// Reads `length` bytes of a file descriptor from `offset` with pread; the descriptor is borrowed and its own
// position does not move. A file that is shorter throws `truncated`.
class FileSource : public ByteSource {
 public:
  FileSource(int fd, std::uint64_t offset, std::uint64_t length, std::string name);
  std::size_t read(std::span<std::byte> buffer) override;

 private:
  int m_fd;
  std::uint64_t m_offset;
  std::uint64_t m_left;
  std::string m_name;
};

class StringSource : public ByteSource {  // borrows the text
 public:
  explicit StringSource(std::string_view text) : m_left(text) {}
  std::size_t read(std::span<std::byte> buffer) override;

 private:
  std::string_view m_left;
};

class StringSink : public ByteSink {  // throws limit beyond `limit` bytes
 public:
  explicit StringSink(std::size_t limit) : m_limit(limit) {}
  void write(std::span<const std::byte> data) override;
  std::string take() { return std::move(m_text); }

 private:
  std::size_t m_limit;
  std::string m_text;
};

// Passes on what it gets, and hashes and counts it.
class HashingSink : public ByteSink {
 public:
  explicit HashingSink(ByteSink& next, HashAlgorithm algorithm = HashAlgorithm::sha256)
      : m_next(&next), m_hasher(algorithm) {}
  void write(std::span<const std::byte> data) override;
  std::uint64_t count() const { return m_count; }
  Digest finish() { return m_hasher.finish(); }

 private:
  ByteSink* m_next;
  Hasher m_hasher;
  std::uint64_t m_count = 0;
};

class NullSink : public ByteSink {
 public:
  void write(std::span<const std::byte>) override {}
};

class FunctionSink : public ByteSink {
 public:
  using Function = std::function<void(std::span<const std::byte>)>;
  explicit FunctionSink(Function function) : m_function(std::move(function)) {}
  void write(std::span<const std::byte> data) override { m_function(data); }

 private:
  Function m_function;
};

// Moves everything; returns the number of bytes. Throws `limit` when the source gives more than `limit` bytes,
// and `interrupted` when the user asked to stop.
std::uint64_t copy(ByteSource& source, ByteSink& sink, std::uint64_t limit = UINT64_MAX);
// The whole source as text; throws `limit` beyond `limit` bytes.
std::string read_all(ByteSource& source, std::size_t limit);

}  // namespace airlock::base
