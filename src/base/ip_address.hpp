// An IPv4 or IPv6 address as a value, the question whether it lies in a range, and the addresses of a host.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace airlock::base {

class IpAddress {
 public:
  IpAddress() = default;                                                 // 0.0.0.0
  static std::optional<IpAddress> parse(std::string_view text);          // without brackets, prefix or zone
  static IpAddress from_bytes(std::span<const std::uint8_t> bytes);      // 4 or 16 of them; throws internal
  static std::optional<IpAddress> from_socket(const sockaddr* address);  // nullopt for other families

  bool is_v6() const { return m_v6; }
  std::span<const std::uint8_t> bytes() const { return {m_bytes.data(), m_v6 ? std::size_t{16} : std::size_t{4}}; }
  std::string to_string() const;

  bool is_loopback() const;
  // Of a network that no route of the Internet leads to: private, loopback, link-local, shared (RFC 6598), unique
  // local, or kept for documentation.
  bool is_internal() const;
  bool in(const IpAddress& range, int prefix) const;  // false across families
  // ::ffff:a.b.c.d as a.b.c.d, everything else as it is.
  IpAddress unmapped() const;
  // Fills `storage`; returns its length.
  socklen_t to_socket(std::uint16_t port, sockaddr_storage& storage) const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  bool m_v6 = false;
  std::array<std::uint8_t, 16> m_bytes{};
};

std::uint16_t port_of(const sockaddr_storage& storage);  // of an IPv4 or IPv6 socket
// What this host's resolver says of a name or an address, in its order; empty where it knows none.
std::vector<IpAddress> addresses_of(const std::string& host);

}  // namespace airlock::base
