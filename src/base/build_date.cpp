// The only file that the build's date is given to (CMakeLists.txt): another day compiles nothing else again.
#include "base/build_date.hpp"

namespace airlock::base {

std::optional<Time> build_date() {
  constexpr long long seconds = AIRLOCK_BUILD_DATE;
  return seconds > 0 ? std::optional(Time(std::chrono::seconds(seconds))) : std::nullopt;
}

}  // namespace airlock::base
