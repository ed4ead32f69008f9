#include "agent/relay.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/files_system.hpp"

namespace airlock::agent {

namespace {

using base::Fd;

constexpr int k_connect_patience = 15'000;  // milliseconds
constexpr std::size_t k_buffer = std::size_t{128} * 1024;

// Both ends must answer at once: what a job sends is often one small request.
void prepare(const Fd& socket) {
  const int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(socket.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  fcntl(socket.get(), F_SETFL, fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
}

// A reset instead of a polite end: whoever reads must not take half of an answer for a whole one.
void break_off(const Fd& socket) {
  const linger at_once{1, 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

class Direction {
 public:
  Direction(const Fd& from, const Fd& to) : m_from(from), m_to(to), m_buffer(k_buffer) {}

  short wants_read() const { return !m_ended && m_end == 0 ? POLLIN : static_cast<short>(0); }
  short wants_write() const { return m_end != 0 ? POLLOUT : static_cast<short>(0); }
  bool done() const { return m_ended && m_end == 0; }

  bool step() {  // false when the connection is broken
    if (m_end == 0 && !m_ended) {
      const ssize_t got = base::retry([&] { return recv(m_from.get(), m_buffer.data(), m_buffer.size(), 0); });
      if (got < 0) {
        return errno == EAGAIN;
      }
      m_ended = got == 0;
      m_end = static_cast<std::size_t>(got);
    }
    while (m_begin < m_end) {
      const ssize_t sent =
          base::retry([&] { return send(m_to.get(), m_buffer.data() + m_begin, m_end - m_begin, MSG_NOSIGNAL); });
      if (sent < 0) {
        return errno == EAGAIN;
      }
      m_begin += static_cast<std::size_t>(sent);
    }
    m_begin = m_end = 0;
    if (m_ended) {
      shutdown(m_to.get(), SHUT_WR);
    }
    return true;
  }

 private:
  const Fd& m_from;
  const Fd& m_to;
  std::vector<char> m_buffer;
  std::size_t m_begin = 0;
  std::size_t m_end = 0;
  bool m_ended = false;
};

}  // namespace

std::optional<Fd> connect_to(const base::IpAddress& address, std::uint16_t port, int stopped) {
  Fd outside(socket(address.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_storage storage{};
  const socklen_t length = address.to_socket(port, storage);
  if (!outside) {
    return std::nullopt;
  }
  if (connect(outside.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0) {
    return outside;
  }
  if (errno != EINPROGRESS) {
    return std::nullopt;
  }
  std::array<pollfd, 2> watched = {{{outside.get(), POLLOUT, 0}, {stopped, POLLIN, 0}}};
  const int ready = base::retry([&] { return poll(watched.data(), watched.size(), k_connect_patience); });
  int error = 0;
  socklen_t size = sizeof error;
  if (ready <= 0 || watched[1].revents != 0 || getsockopt(outside.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 ||
      error != 0) {
    return std::nullopt;
  }
  return outside;
}

void relay(Fd inside, Fd outside, int stopped) {
  prepare(inside);
  prepare(outside);
  Direction out(inside, outside);
  Direction in(outside, inside);
  while (!out.done() || !in.done()) {
    std::array<pollfd, 3> watched = {{{inside.get(), static_cast<short>(out.wants_read() | in.wants_write()), 0},
                                      {outside.get(), static_cast<short>(in.wants_read() | out.wants_write()), 0},
                                      {stopped, POLLIN, 0}}};
    for (std::size_t i = 0; i < 2; ++i) {
      if (watched.at(i).events == 0) {
        watched.at(i).fd = -1;  // else a hang-up that nobody waits for would turn this into a busy loop
      }
    }
    poll(watched.data(), watched.size(), -1);
    if (watched[2].revents != 0 || !out.step() || !in.step()) {
      break_off(inside);
      break_off(outside);
      return;
    }
  }
}

}  // namespace airlock::agent
