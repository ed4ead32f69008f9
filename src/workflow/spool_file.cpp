#include "workflow/spool_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"

namespace airlock::workflow {

namespace {
constexpr std::string_view k_name = "the spool file";
}

SpoolFile::Extent SpoolFile::append(std::span<const std::byte> data) {
  int fd = -1;
  Extent extent;
  {
    const std::lock_guard lock(m_mutex);
    if (!m_file) {
      base::make_directories(m_directory, 0700);
      m_file.emplace(m_directory, 0600);
    }
    fd = m_file->fd();
    extent = {m_end, data.size()};
    m_end += data.size();
    m_held += data.size();
    m_written += data.size();
  }
  try {
    base::pwrite_all(fd, data, extent.offset, k_name);
  } catch (...) {
    release(extent);
    throw;
  }
  return extent;
}

void SpoolFile::read(const Extent& extent, std::span<std::byte> buffer) const {
  int fd = -1;
  {
    const std::lock_guard lock(m_mutex);
    fd = m_file.value().fd();
  }
  base::pread_exact(fd, buffer, extent.offset, k_name);
}

void SpoolFile::release(const Extent& extent) {
  const std::lock_guard lock(m_mutex);
  m_held -= extent.length;
  if (m_held == 0) {
    // Nobody holds an extent now, so the file may begin anew; a failure only leaves the room taken a little longer.
    if (ftruncate(m_file.value().fd(), 0) == 0) {
      m_end = 0;
    }
    return;
  }
  // File systems without holes keep the room until the file is empty.
  static_cast<void>(fallocate(m_file.value().fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                              static_cast<off_t>(extent.offset), static_cast<off_t>(extent.length)));
}

std::uint64_t SpoolFile::written() const {
  const std::lock_guard lock(m_mutex);
  return m_written;
}

std::uint64_t SpoolFile::held() const {
  const std::lock_guard lock(m_mutex);
  return m_held;
}

}  // namespace airlock::workflow
