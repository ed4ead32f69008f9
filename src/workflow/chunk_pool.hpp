// The memory that fetched bytes wait in: blocks of one size that are used again and again, so that a long run asks the
// allocator only while it starts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace airlock::workflow {

struct Chunk {
  std::unique_ptr<std::byte[]> data;
  std::size_t capacity = 0;  // bytes
  std::size_t size = 0;      // bytes that are filled

  std::span<const std::byte> filled() const { return {data.get(), size}; }
  std::span<std::byte> space() { return {data.get() + size, capacity - size}; }
  explicit operator bool() const { return data != nullptr; }
};

// Thread-safe. Who may take how much is decided elsewhere (FetchWindow).
class ChunkPool {
 public:
  explicit ChunkPool(std::size_t block) : m_block(block) {}

  std::size_t block() const { return m_block; }  // bytes
  // An empty chunk of one block, or of exactly `wanted` bytes where that is less.
  Chunk take(std::uint64_t wanted);
  void give_back(Chunk chunk);

 private:
  const std::size_t m_block;
  std::mutex m_mutex;
  std::vector<std::unique_ptr<std::byte[]>> m_free;
};

}  // namespace airlock::workflow
