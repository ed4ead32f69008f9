#include "workflow/chunk_pool.hpp"

#include <algorithm>

namespace airlock::workflow {

Chunk ChunkPool::take(std::uint64_t wanted) {
  Chunk chunk;
  chunk.capacity = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, m_block));
  if (chunk.capacity == m_block) {
    const std::lock_guard lock(m_mutex);
    if (!m_free.empty()) {
      chunk.data = std::move(m_free.back());
      m_free.pop_back();
      return chunk;
    }
  }
  chunk.data = std::make_unique_for_overwrite<std::byte[]>(chunk.capacity);
  return chunk;
}

void ChunkPool::give_back(Chunk chunk) {
  if (chunk.capacity == m_block && chunk.data) {
    const std::lock_guard lock(m_mutex);
    m_free.push_back(std::move(chunk.data));
  }
}

}  // namespace airlock::workflow
