#include "ecosystem/go/wanted.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "ecosystem/go/query.hpp"

namespace airlock::ecosystem::go {

namespace {

// Names that only mean something inside: without a dot, or below what nobody can register.
bool is_private_host(std::string_view host) {
  constexpr std::array<std::string_view, 14> endings = {"internal", "intranet",    "private", "local",    "localhost",
                                                        "lan",      "localdomain", "corp",    "home",     "test",
                                                        "invalid",  "example",     "onion",   "home.arpa"};
  const bool is_address =
      std::all_of(host.begin(), host.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  return host.find('.') == std::string_view::npos || is_address ||
         std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return host.ends_with(fmt::format(".{}", ending)); });
}

}  // namespace

Wanted wanted(std::string_view name) {
  const std::string_view host = name.substr(0, name.find_first_of("/@"));
  Wanted wanted;
  wanted.is_private = is_private_host(host);
  try {
    const Query query = parse_query(name);
    wanted.request = model::Request{.section = "go", .values = {{"packages", {query.path + "@" + query.version}}}};
  } catch (const base::Error&) {
    return wanted;
  }
  return wanted;
}

}  // namespace airlock::ecosystem::go
