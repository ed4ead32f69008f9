// "127.0.0.1:8480", "[::1]:8480", "0.0.0.0:0": where a server listens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace airlock::cli {

struct ListenAddress {
  std::string host;  // an address, IPv6 without brackets
  std::uint16_t port = 0;

  bool is_any() const { return host == "0.0.0.0" || host == "::"; }
  bool is_loopback() const;
  // "host:port" of a URL on this host, with the port that was bound.
  std::string reachable_as(std::uint16_t bound) const;
};

// Also a port alone, or "localhost:PORT". Throws usage.
ListenAddress parse_listen_address(std::string_view text);

}  // namespace airlock::cli
