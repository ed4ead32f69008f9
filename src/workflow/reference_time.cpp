#include "workflow/reference_time.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"

namespace airlock::workflow {

namespace {

constexpr std::chrono::days k_wall_trust{400};

base::Error clock_is_back(base::Time wall, base::Time mark, std::string_view what) {
  return base::Error(base::ErrorCode::clock,
                     fmt::format("the clock says {}, but {} {}", base::to_rfc3339(wall), what, base::to_rfc3339(mark)))
      .with_hint("set this host's clock; if it was once far ahead and is right now, an administrator runs "
                 "`airlock trust reset-clock --reason TEXT`");
}

}  // namespace

base::Time reference_time(base::Time wall, const TimeMarks& marks, std::chrono::seconds tolerance) {
  if (marks.floor && wall + tolerance < *marks.floor) {
    throw clock_is_back(wall, *marks.floor, "the newest bundle that was imported was made at");
  }
  // A host that has taken in nothing yet knows at least this.
  if (marks.built && wall + tolerance < *marks.built) {
    throw clock_is_back(wall, *marks.built, "this airlock was built at");
  }
  const auto floor = std::max(marks.floor, marks.built);  // one that is not known is the least
  if (marks.last_wall) {
    const auto counted = floor ? std::min(*marks.last_wall, *floor + k_wall_trust) : *marks.last_wall;
    if (wall + tolerance < counted) {
      throw clock_is_back(wall, counted, "the last import was at");
    }
  }
  return floor ? std::max(wall, *floor) : wall;
}

}  // namespace airlock::workflow
