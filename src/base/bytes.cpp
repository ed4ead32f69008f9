#include "base/bytes.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "base/error.hpp"
#include "base/interrupt.hpp"

namespace airlock::base {

FileSource::FileSource(int fd, std::uint64_t offset, std::uint64_t length, std::string name)
    : m_fd(fd), m_offset(offset), m_left(length), m_name(std::move(name)) {
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
  if (offset > largest || length > largest - offset) {
    throw Error(ErrorCode::truncated, m_name + " cannot reach as far as asked for");
  }
}

std::size_t FileSource::read(std::span<std::byte> buffer) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), m_left));
  if (wanted == 0) {
    return 0;
  }
  ssize_t got = 0;
  do {
    got = pread(m_fd, buffer.data(), wanted, static_cast<off_t>(m_offset));
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    throw system_error(errno, "cannot read " + m_name);
  }
  if (got == 0) {
    throw Error(ErrorCode::truncated, m_name + " ends " + std::to_string(m_left) + " bytes too early");
  }
  m_offset += static_cast<std::uint64_t>(got);
  m_left -= static_cast<std::uint64_t>(got);
  return static_cast<std::size_t>(got);
}

std::size_t StringSource::read(std::span<std::byte> buffer) {
  const std::size_t count = std::min(buffer.size(), m_left.size());
  if (count > 0) {
    std::memcpy(buffer.data(), m_left.data(), count);
    m_left.remove_prefix(count);
  }
  return count;
}

void StringSink::write(std::span<const std::byte> data) {
  if (data.size() > m_limit - m_text.size()) {
    throw Error(ErrorCode::limit, "more than " + std::to_string(m_limit) + " bytes");
  }
  m_text.append(reinterpret_cast<const char*>(data.data()), data.size());
}

void HashingSink::write(std::span<const std::byte> data) {
  m_next->write(data);
  m_hasher.update(data);
  m_count += data.size();
}

std::uint64_t copy(ByteSource& source, ByteSink& sink, std::uint64_t limit) {
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(k_copy_buffer_size);
  std::uint64_t total = 0;
  while (true) {
    throw_if_interrupted();
    const std::size_t got = source.read({buffer.get(), k_copy_buffer_size});
    if (got == 0) {
      return total;
    }
    if (got > limit - total) {
      throw Error(ErrorCode::limit, "more than " + std::to_string(limit) + " bytes");
    }
    sink.write({buffer.get(), got});
    total += got;
  }
}

std::string read_all(ByteSource& source, std::size_t limit) {
  StringSink sink(limit);
  copy(source, sink);
  return sink.take();
}

}  // namespace airlock::base
