#include "bundle/output_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;

namespace {

// How far writing may run ahead of the medium. Without this, gigabytes of dirty pages gather for a slow stick, and
// the last sync takes minutes during which nothing can be seen to happen.
constexpr std::uint64_t k_push_size = 16ull << 20;    // bytes
constexpr std::uint64_t k_push_behind = 64ull << 20;  // bytes

base::Fd open_file(const std::filesystem::path& path, int flags, std::string_view name) {
  int fd = -1;
  do {
    fd = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, 0644);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) {
    throw base::system_error(errno, "cannot write " + std::string(name));
  }
  return base::Fd(fd);
}

// Of what stands under that name already, a link, a device or a second name of another file say, nothing is touched.
base::Fd make_file(const std::filesystem::path& path, std::string_view name) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    throw base::system_error(errno, "cannot replace " + std::string(name));
  }
  return open_file(path, O_CREAT | O_EXCL, name);
}

base::Fd open_own_file(const std::filesystem::path& path, std::string_view name) {
  struct stat info = {};
  const auto is_own = [&info] { return S_ISREG(info.st_mode) && info.st_nlink == 1; };
  if (lstat(path.c_str(), &info) == 0 && is_own()) {  // opening a device may do something already
    base::Fd fd = open_file(path, 0, name);
    if (fstat(fd.get(), &info) == 0 && is_own()) {
      return fd;
    }
  }
  throw Error(ErrorCode::io, fmt::format("{} is no file that an interrupted run has left", name))
      .with_hint("take it away and run the same command with --restart");
}

void cut(int fd, std::uint64_t length, std::string_view name) {
  if (ftruncate(fd, static_cast<off_t>(length)) != 0) {
    throw base::system_error(errno, "cannot shorten " + std::string(name));
  }
}

}  // namespace

OutputFile::OutputFile(WriteBehind& worker, std::filesystem::path path, FileHashing hashing)
    : m_worker(worker), m_path(std::move(path)), m_name("'" + base::printable(m_path.string()) + "'"),
      m_fd(make_file(m_path, m_name)) {
  if (hashing == FileHashing::on) {
    m_hash.emplace();
    m_mark_hash.emplace();
  }
}

OutputFile::OutputFile(WriteBehind& worker, std::filesystem::path path, std::string_view front)
    : OutputFile(worker, std::move(path), FileHashing::on) {
  m_hash->update(front);
  m_mark_hash = m_hash->clone();
  m_start = m_mark = m_pushed = front.size();
  cut(m_fd.get(), front.size(), m_name);
}

OutputFile::OutputFile(WriteBehind& worker, std::filesystem::path path, Continued state)
    : m_worker(worker), m_path(std::move(path)), m_name("'" + base::printable(m_path.string()) + "'"),
      m_fd(open_own_file(m_path, m_name)), m_start(state.position), m_mark(state.mark), m_hash(std::move(state.hash)),
      m_mark_hash(std::move(state.mark_hash)), m_pushed(state.position) {
  cut(m_fd.get(), state.position, m_name);
}

OutputFile::~OutputFile() {
  try {
    flush();  // what was given is kept for the next run; jobs refer to this object
  } catch (...) {
    // An error here was, or will be, reported by whoever asked for the bytes to be written.
    return;
  }
}

void OutputFile::write(std::span<const std::byte> data) {
  while (!data.empty()) {
    const std::uint64_t room = k_write_size - (m_start + m_buffer.size()) % k_write_size;
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(room, data.size()));
    if (m_buffer.capacity() == 0) {
      m_buffer.reserve(k_write_size);
    }
    m_buffer.insert(m_buffer.end(), data.begin(), data.begin() + static_cast<std::ptrdiff_t>(step));
    data = data.subspan(step);
    if (step == room) {
      submit_buffer();
    }
  }
}

void OutputFile::write(std::string_view text) {
  write(base::as_bytes(text));
}

void OutputFile::write_zeros(std::uint64_t count) {
  static constexpr std::array<std::byte, 64 * 1024> zeros{};
  while (count > 0) {
    const std::uint64_t step = std::min<std::uint64_t>(count, zeros.size());
    write(std::span(zeros).first(static_cast<std::size_t>(step)));
    count -= step;
  }
}

void OutputFile::submit_buffer() {
  if (m_buffer.empty()) {
    return;
  }
  const std::uint64_t start = m_start;
  const bool has_mark = m_mark >= start && m_mark < start + m_buffer.size();
  m_start += m_buffer.size();
  const auto buffer = std::make_shared<std::vector<std::byte>>(std::move(m_buffer));
  m_buffer = {};
  m_worker.submit([this, buffer, start, checkpoint = has_mark ? std::optional(m_mark) : std::nullopt] {
    store(*buffer, start, checkpoint);
  });
}

void OutputFile::store(std::span<const std::byte> data, std::uint64_t offset, std::optional<std::uint64_t> checkpoint) {
  base::pwrite_all(m_fd.get(), data, offset, m_name);
  if (m_hash) {
    if (checkpoint) {
      const auto before = static_cast<std::size_t>(*checkpoint - offset);
      m_hash->update(data.first(before));
      m_mark_hash = m_hash->clone();
      data = data.subspan(before);
      offset = *checkpoint;
    }
    m_hash->update(data);
  }
  push_to_medium(offset + data.size());
}

void OutputFile::push_to_medium(std::uint64_t end) {
  if (end < m_pushed + k_push_size) {
    return;
  }
  base::push_to_medium(m_fd.get(), m_pushed, end - m_pushed, base::Push::begin, m_name);
  if (m_pushed >= k_push_behind) {
    const std::uint64_t old = m_pushed - k_push_behind;
    base::push_to_medium(m_fd.get(), old, k_push_size, base::Push::wait, m_name);
    if (m_hash) {  // else it is read once more for its checksum, and had better be in memory then
      posix_fadvise(m_fd.get(), static_cast<off_t>(old), static_cast<off_t>(k_push_size), POSIX_FADV_DONTNEED);
    }
  }
  m_pushed = end;
}

void OutputFile::flush() {
  submit_buffer();
  m_worker.drain();
}

void OutputFile::back_to_mark() {
  m_worker.drain();
  if (m_mark >= m_start) {
    m_buffer.resize(static_cast<std::size_t>(m_mark - m_start));
    return;
  }
  m_buffer.clear();
  cut(m_fd.get(), m_mark, m_name);
  m_start = m_mark;
  m_pushed = std::min(m_pushed, m_mark);
  if (m_hash) {
    m_hash = m_mark_hash->clone();
  }
}

void OutputFile::patch_at_mark(std::string_view bytes) {
  flush();
  base::pwrite_all(m_fd.get(), base::as_bytes(bytes), m_mark, m_name);
  if (!m_hash) {
    return;
  }
  m_hash = m_mark_hash->clone();
  base::FileSource source(m_fd.get(), m_mark, m_start - m_mark, m_name);
  base::FunctionSink sink([&](std::span<const std::byte> data) { m_hash->update(data); });
  base::copy(source, sink);
}

void OutputFile::patch(std::uint64_t offset, std::string_view bytes) {
  flush();
  if (m_hash) {
    throw Error(ErrorCode::internal, "a hashed file cannot be changed in its middle");
  }
  base::pwrite_all(m_fd.get(), base::as_bytes(bytes), offset, m_name);
}

void OutputFile::write_front(std::string_view front) {
  flush();
  base::pwrite_all(m_fd.get(), base::as_bytes(front), 0, m_name);
}

base::Digest OutputFile::digest() {
  flush();
  return m_hash->peek();
}

void OutputFile::sync() {
  flush();
  base::sync_file(m_fd.get(), m_name);
}

}  // namespace airlock::bundle
