#include "base/duration.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::base {

std::chrono::seconds parse_duration(std::string_view text) {
  constexpr std::int64_t k_day = 24 * 60 * 60;
  constexpr std::int64_t k_longest = 1000 * 366 * k_day;  // no sum of times overflows below it
  constexpr std::array<std::pair<char, std::int64_t>, 5> k_units = {
      {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', k_day}, {'w', 7 * k_day}}};
  std::int64_t unit = 1;
  std::string_view digits = text;
  for (const auto& [letter, seconds] : k_units) {
    if (digits.ends_with(letter)) {
      unit = seconds;
      digits.remove_suffix(1);
      break;
    }
  }
  std::int64_t number = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (status != std::errc{} || end != digits.data() + digits.size() || number < 0 || number > k_longest / unit) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is not a duration", printable(text, 60)))
        .with_hint("a number with s, m, h, d or w, for example 36h or 35d");
  }
  return std::chrono::seconds(number * unit);
}

}  // namespace airlock::base
