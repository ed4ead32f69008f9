// Which time counts where clocks are poor (docs/operations/verify-and-import.md, step 2).
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.hpp"

namespace airlock::workflow {

struct TimeMarks {
  std::optional<base::Time> floor;      // newest `created` of any import
  std::optional<base::Time> last_wall;  // what the clock said at the last import
  std::optional<base::Time> built;      // of this program (base::build_date)
};

// max(wall, floor, built). Throws clock when the wall clock is behind one of the marks by more than `tolerance`. A
// last_wall far beyond the floor says more of a clock that was once wrong than of the time, so it counts at most 400
// days.
base::Time reference_time(base::Time wall, const TimeMarks& marks, std::chrono::seconds tolerance);

}  // namespace airlock::workflow
