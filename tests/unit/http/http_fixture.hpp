// What the tests of this folder share: a server with routes of one's own, a client that reaches it, raw
// sockets.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/files.hpp"
#include "http/client.hpp"
#include "http/server.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::http {

// Retries come at once, environment proxies are left aside.
inline ClientOptions quick_options() {
  ClientOptions options;
  options.first_backoff = std::chrono::milliseconds(1);
  options.retries = 3;
  for (const char* host : {"127.0.0.1", "localhost"}) {
    options.hosts[host].proxy = "direct";
  }
  return options;
}

inline base::Url url_of(std::string_view text) {
  return base::Url::parse(text);
}

// `size` bytes in which each position differs from its neighbours.
inline std::string pattern_text(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& c : text) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>('a' + (state >> 24) % 26);
  }
  return text;
}

// A file without a name that holds `text`.
inline base::FileSlice file_with(std::string_view text) {
  base::UnnamedFile file(std::filesystem::temp_directory_path());
  file.write(base::as_bytes(text));
  auto fd = std::make_shared<base::Fd>(::fcntl(file.fd(), F_DUPFD_CLOEXEC, 0));
  REQUIRE(*fd);
  return {std::move(fd), 0, text.size()};
}

// A running server on a free port.
class RunningServer {
 public:
  explicit RunningServer(Router router, ServerOptions options = {})
      : m_server(
            [&] {
              options.port = 0;
              return options;
            }(),
            std::move(router)),
        m_scheme(options.tls_certificate.empty() ? "http" : "https") {
    m_server.start();
  }
  Server& server() { return m_server; }
  std::uint16_t port() const { return m_server.port(); }
  base::Url url(std::string_view path) const {
    return url_of(m_scheme + "://127.0.0.1:" + std::to_string(port()) + std::string(path));
  }

 private:
  Server m_server;
  std::string m_scheme;
};

// A socket to 127.0.0.1 that sends what it is told and reads until the other side closes.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : m_socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(m_socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const timeval patience{20, 0};  // a test that waits longer has failed
    ::setsockopt(m_socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  // False when the server closed meanwhile.
  bool send(std::string_view data) const {
    while (!data.empty()) {
      const ssize_t sent = ::send(m_socket.get(), data.data(), data.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return false;
      }
      data.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end_sending() const { ::shutdown(m_socket.get(), SHUT_WR); }

  // Everything until the server closes; fails the test when it does not.
  std::string read_to_end() {
    while (fill()) {
    }
    return std::move(m_kept);
  }
  // One response whose body has a Content-Length, or none; nullopt when the server closed instead.
  std::optional<std::string> read_response(bool head_only = false) {
    std::size_t end = std::string::npos;
    while ((end = m_kept.find("\r\n\r\n")) == std::string::npos) {
      if (!fill()) {
        return std::nullopt;
      }
    }
    std::size_t size = end + 4;
    const std::size_t field = m_kept.substr(0, size).find("Content-Length: ");
    if (field != std::string::npos && !head_only) {
      size += std::stoul(m_kept.substr(field + 16));
    }
    while (m_kept.size() < size) {
      if (!fill()) {
        return std::nullopt;
      }
    }
    std::string response = m_kept.substr(0, size);
    m_kept.erase(0, size);
    return response;
  }
  int fd() const { return m_socket.get(); }
  void close() { m_socket = base::Fd(); }

 private:
  bool fill() {
    char buffer[16384];
    const ssize_t got = ::recv(m_socket.get(), buffer, sizeof buffer, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      FAIL("the server neither answered nor closed");
    }
    if (got <= 0) {
      return false;
    }
    m_kept.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  base::Fd m_socket;
  std::string m_kept;
};

inline int status_of_response(std::string_view response) {
  return response.starts_with("HTTP/1.1 ") ? std::atoi(std::string(response.substr(9, 3)).c_str()) : 0;
}

inline std::string body_of_response(std::string_view response) {
  const std::size_t end = response.find("\r\n\r\n");
  return end == std::string_view::npos ? std::string() : std::string(response.substr(end + 4));
}

}  // namespace airlock::http
