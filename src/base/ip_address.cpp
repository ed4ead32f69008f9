#include "base/ip_address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "base/error.hpp"

namespace airlock::base {

namespace {

struct Range {
  std::string_view address;
  int prefix;
};

constexpr std::array k_internal = {
    Range{"10.0.0.0", 8},     Range{"172.16.0.0", 12}, Range{"192.168.0.0", 16}, Range{"127.0.0.0", 8},
    Range{"169.254.0.0", 16}, Range{"100.64.0.0", 10}, Range{"192.0.2.0", 24},   Range{"198.51.100.0", 24},
    Range{"203.0.113.0", 24}, Range{"198.18.0.0", 15}, Range{"::1", 128},        Range{"fe80::", 10},
    Range{"fc00::", 7},       Range{"2001:db8::", 32},
};

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  IpAddress result;
  if (copy.find('\0') != std::string::npos) {
    return std::nullopt;  // the C library would stop there
  }
  if (inet_pton(AF_INET, copy.c_str(), result.m_bytes.data()) == 1) {
    return result;
  }
  result.m_v6 = true;
  if (inet_pton(AF_INET6, copy.c_str(), result.m_bytes.data()) == 1) {
    return result;
  }
  return std::nullopt;
}

IpAddress IpAddress::from_bytes(std::span<const std::uint8_t> bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) {
    throw Error(ErrorCode::internal, "an address has 4 or 16 bytes");
  }
  IpAddress result;
  result.m_v6 = bytes.size() == 16;
  std::ranges::copy(bytes, result.m_bytes.begin());
  return result;
}

std::optional<IpAddress> IpAddress::from_socket(const sockaddr* address) {
  if (address == nullptr) {
    return std::nullopt;
  }
  IpAddress result;
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    std::memcpy(result.m_bytes.data(), &v4->sin_addr, 4);
    return result;
  }
  if (address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    result.m_v6 = true;
    std::memcpy(result.m_bytes.data(), &v6->sin6_addr, 16);
    return result;
  }
  return std::nullopt;
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(m_v6 ? AF_INET6 : AF_INET, m_bytes.data(), text.data(), text.size());
  return text.data();
}

bool IpAddress::is_loopback() const {
  static const IpAddress v4 = *parse("127.0.0.0");
  static const IpAddress v6 = *parse("::1");
  return m_v6 ? *this == v6 : in(v4, 8);
}

bool IpAddress::is_internal() const {
  return std::ranges::any_of(k_internal, [&](const Range& range) { return in(*parse(range.address), range.prefix); });
}

bool IpAddress::in(const IpAddress& range, int prefix) const {
  if (m_v6 != range.m_v6 || prefix < 0) {
    return false;
  }
  const int whole = std::min<int>(prefix / 8, static_cast<int>(bytes().size()));
  if (std::memcmp(m_bytes.data(), range.m_bytes.data(), static_cast<std::size_t>(whole)) != 0) {
    return false;
  }
  const int rest = prefix - (whole * 8);
  if (rest <= 0 || whole >= static_cast<int>(bytes().size())) {
    return true;
  }
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  const auto index = static_cast<std::size_t>(whole);
  return (m_bytes.at(index) & mask) == (range.m_bytes.at(index) & mask);
}

IpAddress IpAddress::unmapped() const {
  static const IpAddress mapped = *parse("::ffff:0:0");
  return m_v6 && in(mapped, 96) ? from_bytes(bytes().subspan(12)) : *this;
}

socklen_t IpAddress::to_socket(std::uint16_t port, sockaddr_storage& storage) const {
  storage = {};
  if (m_v6) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, m_bytes.data(), 16);
    return sizeof v6;
  }
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  std::memcpy(&v4.sin_addr, m_bytes.data(), 4);
  return sizeof v4;
}

std::uint16_t port_of(const sockaddr_storage& storage) {
  return ntohs(storage.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(storage).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

std::vector<IpAddress> addresses_of(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  std::vector<IpAddress> found;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) {
    return found;
  }
  for (const auto* each = list; each != nullptr; each = each->ai_next) {
    if (const auto address = IpAddress::from_socket(each->ai_addr)) {
      found.push_back(*address);
    }
  }
  freeaddrinfo(list);
  return found;
}

}  // namespace airlock::base
