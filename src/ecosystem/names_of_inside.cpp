#include "ecosystem/names_of_inside.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace airlock::ecosystem {

bool is_name_of_inside(std::string_view written) {
  const auto host = base::to_lower(written);
  // A port is written with "_" in the mirror's paths.
  if (host.find('.') == std::string::npos || host.find_first_of(":_") != std::string::npos) {
    return true;
  }
  const bool is_address =
      std::all_of(host.begin(), host.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
  constexpr std::array<std::string_view, 8> k_inside = {".internal", ".local",   ".lan",  ".corp",
                                                        ".home",     ".example", ".test", ".intranet"};
  return is_address ||
         std::any_of(k_inside.begin(), k_inside.end(), [&](std::string_view suffix) { return host.ends_with(suffix); });
}

}  // namespace airlock::ecosystem
