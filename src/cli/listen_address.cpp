#include "cli/listen_address.hpp"

#include <charconv>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/ip_address.hpp"
#include "base/text.hpp"

namespace airlock::cli {

namespace {

base::Error malformed(std::string_view text) {
  return base::Error(base::ErrorCode::usage, fmt::format("'{}' is no address to listen on", base::printable(text, 80)))
      .with_hint("ADDR:PORT, for example 127.0.0.1:8480, 0.0.0.0:8480 or [::1]:8480");
}

}  // namespace

bool ListenAddress::is_loopback() const {
  return host.starts_with("127.") || host == "::1";
}

std::string ListenAddress::reachable_as(std::uint16_t bound) const {
  const std::string shown = host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "::1" : host;
  return shown.find(':') == std::string::npos ? fmt::format("{}:{}", shown, bound)
                                              : fmt::format("[{}]:{}", shown, bound);
}

ListenAddress parse_listen_address(std::string_view text) {
  ListenAddress address;
  const auto colon = text.rfind(':');
  std::string_view host = colon == std::string_view::npos ? "127.0.0.1" : text.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    throw malformed(text);
  }
  address.host = host == "localhost" ? "127.0.0.1" : std::string(host);
  const auto [end, status] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (status != std::errc{} || end != port.data() + port.size() || port.empty() ||
      !base::IpAddress::parse(address.host)) {
    throw malformed(text);
  }
  return address;
}

}  // namespace airlock::cli
