#include "ecosystem/npm/spilled_text.hpp"

#include <sys/mman.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/error.hpp"

namespace airlock::ecosystem::npm {

namespace {

constexpr std::size_t k_in_memory = std::size_t{256} * 1024;

}  // namespace

SpilledText::~SpilledText() {
  if (m_mapped != nullptr) {
    ::munmap(const_cast<char*>(m_mapped), m_size);
  }
}

void SpilledText::write(std::span<const std::byte> data) {
  if (data.size() > m_limit - m_size) {
    throw base::Error(base::ErrorCode::limit, fmt::format("{} has more than {} bytes", m_what, m_limit));
  }
  m_size += data.size();
  if (!m_file && m_size > k_in_memory) {
    m_file.emplace(base::fs::temp_directory_path(), 0600);
    m_file->write(base::as_bytes(m_memory));
    m_memory = {};
  }
  if (m_file) {
    m_file->write(data);
  } else {
    m_memory.append(reinterpret_cast<const char*>(data.data()), data.size());
  }
}

void SpilledText::finish() {
  if (m_file) {
    void* const mapped = ::mmap(nullptr, m_size, PROT_READ, MAP_PRIVATE, m_file->fd(), 0);
    if (mapped == MAP_FAILED) {
      throw base::system_error(errno, fmt::format("cannot map {}", m_what));
    }
    m_mapped = static_cast<const char*>(mapped);
  }
}

std::string_view SpilledText::text() const {
  return m_mapped != nullptr ? std::string_view(m_mapped, m_size) : std::string_view(m_memory);
}

}  // namespace airlock::ecosystem::npm
