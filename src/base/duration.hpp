// Durations as people write them in settings and policies.
#pragma once

#include <chrono>
#include <string_view>

namespace airlock::base {

// "45s", "10m", "36h", "35d", "5w"; a bare number counts seconds. Throws usage.
std::chrono::seconds parse_duration(std::string_view text);

}  // namespace airlock::base
