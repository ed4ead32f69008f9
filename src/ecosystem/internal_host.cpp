#include "ecosystem/internal_host.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace airlock::ecosystem {

bool is_internal_host(std::string_view written) {
  auto host = base::to_lower(written);
  if (host.ends_with('.')) {  // the root, which may be written or not
    host.pop_back();
  }
  // A port is written with "_" in the mirror's paths.
  if (host.find('.') == std::string::npos || host.find_first_of(":_") != std::string::npos) {
    return true;
  }
  const bool is_address = std::ranges::all_of(host, [](char c) { return c == '.' || base::is_digit(c); });
  constexpr std::array<std::string_view, 14> k_domains = {
      ".internal", ".intranet", ".private", ".local",   ".localhost", ".lan",   ".localdomain",
      ".corp",     ".home",     ".test",    ".invalid", ".example",   ".onion", ".home.arpa"};
  return is_address || std::ranges::any_of(k_domains, [&](std::string_view domain) { return host.ends_with(domain); });
}

}  // namespace airlock::ecosystem
