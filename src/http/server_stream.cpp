#include "http/server_stream.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <vector>

namespace airlock::http {

namespace {

constexpr std::uint64_t k_slowest_rate = 256;                // bytes a second
constexpr std::size_t k_copy_buffer = 256 * 1024;            // bytes; of a file over TLS
constexpr std::uint64_t k_sendfile_piece = 8 * 1024 * 1024;  // bytes; between two looks at the deadline
constexpr std::uint64_t k_linger_limit = 1024 * 1024;        // bytes read and dropped after the last answer
constexpr auto k_linger_time = std::chrono::seconds(2);

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

}  // namespace

Stream::Stream(base::Fd socket) : m_socket(std::move(socket)) {
  const int flags = ::fcntl(m_socket.get(), F_GETFL);
  ::fcntl(m_socket.get(), F_SETFL, flags | O_NONBLOCK);
  const int on = 1;
  ::setsockopt(m_socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// Not by peeking: the last words of TLS stand before the end.
bool Stream::peer_closed() const {
  pollfd entry{};
  entry.fd = m_socket.get();
  entry.events = POLLRDHUP;
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

void Stream::wait_until(Clock::time_point deadline) {
  m_has_deadline = true;
  m_deadline = deadline;
}

void Stream::wait_while_moving(std::chrono::milliseconds window) {
  m_has_deadline = false;
  m_window = window;
  m_waited = {};
  m_moved = 0;
}

bool Stream::wait(Direction direction) {
  pollfd entry{};
  entry.fd = m_socket.get();
  entry.events = direction == Direction::in ? POLLIN : POLLOUT;
  for (;;) {
    const auto start = Clock::now();
    if (!m_has_deadline && m_waited >= m_window) {
      const auto seconds = std::chrono::duration_cast<std::chrono::milliseconds>(m_waited).count() / 1000;
      if (m_moved == 0 || m_moved < k_slowest_rate * static_cast<std::uint64_t>(seconds)) {
        return false;
      }
      m_waited = {};
      m_moved = 0;
    }
    const auto left = m_has_deadline ? m_deadline - start : Clock::duration(m_window) - m_waited;
    if (left <= Clock::duration::zero()) {
      return false;
    }
    const auto millis = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(millis, INT_MAX)));
    m_waited += Clock::now() - start;
    if (ready > 0) {
      return true;
    }
    if (ready < 0 && errno != EINTR) {
      return false;
    }
  }
}

bool Stream::start_tls(const TlsContext& tls, Clock::time_point deadline) {
  wait_until(deadline);
  m_ssl = tls.make(m_socket.get());
  for (;;) {
    ERR_clear_error();
    const int result = SSL_accept(m_ssl.get());
    if (result == 1) {
      m_kernel_tls = BIO_get_ktls_send(SSL_get_wbio(m_ssl.get())) != 0;
      return true;
    }
    IoStatus status = IoStatus::ok;
    if (!should_repeat(result, status)) {
      m_ssl.reset();  // nothing may be said any more, not even a shutdown
      return false;
    }
  }
}

bool Stream::should_repeat(int result, IoStatus& status) {
  const int error = SSL_get_error(m_ssl.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
    if (wait(error == SSL_ERROR_WANT_READ ? Direction::in : Direction::out)) {
      return true;
    }
    status = IoStatus::timeout;
    return false;
  }
  status = IoStatus::closed;
  return false;
}

IoResult Stream::read_some(std::span<std::byte> buffer) {
  for (;;) {
    if (m_ssl) {
      ERR_clear_error();
      std::size_t got = 0;
      const int result = SSL_read_ex(m_ssl.get(), buffer.data(), buffer.size(), &got);
      if (result == 1) {
        moved(got);
        return {IoStatus::ok, got};
      }
      IoStatus status = IoStatus::ok;
      if (!should_repeat(result, status)) {
        return {status, 0};
      }
      continue;
    }
    const ssize_t got = ::recv(m_socket.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) {
      moved(static_cast<std::size_t>(got));
      return {IoStatus::ok, static_cast<std::size_t>(got)};
    }
    if (got == 0 || (errno != EINTR && !would_block(errno))) {
      return {IoStatus::closed, 0};
    }
    if (errno != EINTR && !wait(Direction::in)) {
      return {IoStatus::timeout, 0};
    }
  }
}

IoStatus Stream::write_plain(std::span<const std::byte> data, int flags) {
  while (!data.empty()) {
    const ssize_t sent = ::send(m_socket.get(), data.data(), data.size(), MSG_NOSIGNAL | flags);
    if (sent >= 0) {
      moved(static_cast<std::size_t>(sent));
      data = data.subspan(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) {
      continue;
    }
    if (!would_block(errno)) {
      return IoStatus::closed;
    }
    if (!wait(Direction::out)) {
      return IoStatus::timeout;
    }
  }
  return IoStatus::ok;
}

IoStatus Stream::write_tls(std::span<const std::byte> data) {
  while (!data.empty()) {
    ERR_clear_error();
    std::size_t sent = 0;
    const int result = SSL_write_ex(m_ssl.get(), data.data(), data.size(), &sent);
    if (result == 1) {
      moved(sent);
      data = data.subspan(sent);
      continue;
    }
    IoStatus status = IoStatus::ok;
    if (!should_repeat(result, status)) {
      return status;
    }
  }
  return IoStatus::ok;
}

IoStatus Stream::write(std::span<const std::byte> data) {
  return m_ssl ? write_tls(data) : write_plain(data, 0);
}

IoStatus Stream::write_more(std::span<const std::byte> data) {
  return m_ssl ? write_tls(data) : write_plain(data, MSG_MORE);
}

IoStatus Stream::write(std::span<const std::byte> first, std::span<const std::byte> second) {
  if (second.empty()) {
    return write(first);
  }
  constexpr std::size_t k_one_record = 16 * 1024;
  if (first.size() + second.size() <= k_one_record) {  // one packet, one TLS record
    std::vector<std::byte> joined(first.begin(), first.end());
    joined.insert(joined.end(), second.begin(), second.end());
    return write(joined);
  }
  const IoStatus status = write_more(first);
  return status == IoStatus::ok ? write(second) : status;
}

IoStatus Stream::send_file(const base::FileSlice& slice, std::uint64_t& sent) {
  if (!m_ssl) {
    return send_file_plain(slice, sent);
  }
  return m_kernel_tls ? send_file_kernel_tls(slice, sent) : send_file_copied(slice, sent);
}

IoStatus Stream::send_file_plain(const base::FileSlice& slice, std::uint64_t& sent) {
  while (sent < slice.length) {
    auto offset = static_cast<off_t>(slice.offset + sent);
    const auto piece = static_cast<std::size_t>(std::min(slice.length - sent, k_sendfile_piece));
    const ssize_t count = ::sendfile(m_socket.get(), slice.fd->get(), &offset, piece);
    if (count > 0) {
      moved(static_cast<std::size_t>(count));
      sent += static_cast<std::uint64_t>(count);
      continue;
    }
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0 && (errno == EINVAL || errno == ENOSYS || errno == EPERM || errno == EOPNOTSUPP)) {
      return send_file_copied(slice, sent);  // a file system without it, or a sandbox that refuses it
    }
    if (count == 0 || !would_block(errno)) {
      return IoStatus::closed;  // the peer is gone, or the file is shorter than it was
    }
    if (!wait(Direction::out)) {
      return IoStatus::timeout;
    }
  }
  return IoStatus::ok;
}

IoStatus Stream::send_file_kernel_tls(const base::FileSlice& slice, std::uint64_t& sent) {
  while (sent < slice.length) {
    ERR_clear_error();
    const auto piece = static_cast<std::size_t>(std::min(slice.length - sent, k_sendfile_piece));
    const ossl_ssize_t count =
        SSL_sendfile(m_ssl.get(), slice.fd->get(), static_cast<off_t>(slice.offset + sent), piece, 0);
    if (count > 0) {
      moved(static_cast<std::size_t>(count));
      sent += static_cast<std::uint64_t>(count);
      continue;
    }
    IoStatus status = IoStatus::closed;
    if (count == 0 || !should_repeat(static_cast<int>(count), status)) {
      return status;
    }
  }
  return IoStatus::ok;
}

IoStatus Stream::send_file_copied(const base::FileSlice& slice, std::uint64_t& sent) {
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(slice.length - sent, k_copy_buffer)));
  while (sent < slice.length) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(slice.length - sent, buffer.size()));
    const ssize_t got = ::pread(slice.fd->get(), buffer.data(), wanted, static_cast<off_t>(slice.offset + sent));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return IoStatus::closed;
    }
    const auto data = std::span<const std::byte>(buffer).first(static_cast<std::size_t>(got));
    if (const IoStatus status = write(data); status != IoStatus::ok) {
      return status;
    }
    sent += data.size();
  }
  return IoStatus::ok;
}

void Stream::finish(Linger linger) {
  wait_until(Clock::now() + k_linger_time);
  if (m_ssl) {
    ERR_clear_error();
    SSL_shutdown(m_ssl.get());  // our close_notify; the peer's is not waited for
    ERR_clear_error();
  }
  ::shutdown(m_socket.get(), SHUT_WR);
  if (linger == Linger::no) {
    return;
  }
  m_ssl.reset();  // what still comes is not for us, encrypted or not
  std::array<std::byte, 16 * 1024> dropped;
  for (std::uint64_t total = 0; total < k_linger_limit;) {
    const IoResult result = read_some(dropped);
    if (result.status != IoStatus::ok) {
      return;
    }
    total += result.bytes;
  }
}

void Stream::end_input() {
  ::shutdown(m_socket.get(), SHUT_RD);
}

void Stream::interrupt() {
  ::shutdown(m_socket.get(), SHUT_RDWR);
}

}  // namespace airlock::http
