// The day on which the source of this program was committed, or SOURCE_DATE_EPOCH says that it was: no clock can be
// right that is before it.
#pragma once

#include <optional>

#include "base/clock.hpp"

namespace airlock::base {

// nullopt: not known to the build. The begin of the day, so that a build of the same source gives the same bytes and a
// day's commits do not each change the program.
std::optional<Time> build_date();

}  // namespace airlock::base
