// How one line of progress is worded; pure, so that it can be tested.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/reporter.hpp"

namespace airlock::cli {

struct ProgressState {
  std::string_view label;
  std::uint64_t done = 0;
  std::uint64_t total = 0;  // 0: not known
  double seconds = 0;       // since the start
  double rate = 0;          // units a second, over the last while
  base::ProgressUnit unit = base::ProgressUnit::bytes;
};

// "importing  [#########.........]  48 %  1.2 GiB of 2.5 GiB  310 MiB/s  4 s left", at most `width` columns.
std::string bar_line(const ProgressState& state, std::size_t width);
// "importing: 48 %, 1.2 GiB of 2.5 GiB, 310 MiB/s, 4 s left"
std::string plain_line(const ProgressState& state);
// "4 s", "3 min 20 s", "2 h 5 min"
std::string format_seconds(double seconds);

}  // namespace airlock::cli
