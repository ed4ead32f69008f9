#include "support/fault_wire.hpp"

#include <sys/socket.h>
#include <sys/types.h>

#include <algorithm>
#include <cctype>

namespace airlock::test {

namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

std::optional<std::string> find_field(const std::vector<std::pair<std::string, std::string>>& fields,
                                      std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (same_name(key, name)) {
      return value;
    }
  }
  return std::nullopt;
}

std::optional<std::string> Wire::read_until(std::string_view mark) {
  for (;;) {
    const std::size_t at = m_kept.find(mark);
    if (at != std::string::npos) {
      std::string part = m_kept.substr(0, at);
      m_kept.erase(0, at + mark.size());
      return part;
    }
    if (!fill()) {
      return std::nullopt;
    }
  }
}

std::optional<std::string> Wire::read_exactly(std::size_t count) {
  while (m_kept.size() < count) {
    if (!fill()) {
      return std::nullopt;
    }
  }
  std::string part = m_kept.substr(0, count);
  m_kept.erase(0, count);
  return part;
}

bool Wire::write(std::string_view data, std::atomic<std::uint64_t>* count) const {
  while (!data.empty()) {
    const ssize_t sent = ::send(m_fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    if (count != nullptr) {
      *count += static_cast<std::uint64_t>(sent);
    }
    data.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Wire::fill() {
  char buffer[16384];
  const ssize_t got = ::recv(m_fd, buffer, sizeof buffer, 0);
  if (got <= 0) {
    return false;
  }
  m_kept.append(buffer, static_cast<std::size_t>(got));
  return true;
}

std::optional<FaultRequest> read_request(Wire& wire) {
  const auto head = wire.read_until("\r\n\r\n");
  if (!head) {
    return std::nullopt;
  }
  FaultRequest request;
  std::size_t start = 0;
  while (start <= head->size()) {
    const std::size_t end = std::min(head->find("\r\n", start), head->size());
    const std::string line = head->substr(start, end - start);
    start = end + 2;
    if (request.method.empty()) {
      const std::size_t space = line.find(' ');
      request.method = line.substr(0, space);
      request.target = line.substr(space + 1, line.rfind(' ') - space - 1);
    } else if (const std::size_t colon = line.find(": "); colon != std::string::npos) {
      request.fields.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
  }
  if (request.field("Expect")) {
    wire.write("HTTP/1.1 100 Continue\r\n\r\n");
  }
  if (request.field("Transfer-Encoding")) {
    for (;;) {
      const auto size = wire.read_until("\r\n");
      const auto chunk = size ? wire.read_exactly(std::stoul(*size, nullptr, 16) + 2) : std::nullopt;
      if (!chunk) {
        return std::nullopt;
      }
      if (chunk->size() == 2) {
        return request;
      }
      request.body += chunk->substr(0, chunk->size() - 2);
    }
  }
  if (const auto length = request.field("Content-Length")) {
    auto body = wire.read_exactly(std::stoul(*length));
    if (!body) {
      return std::nullopt;
    }
    request.body = std::move(*body);
  }
  return request;
}

}  // namespace airlock::test
