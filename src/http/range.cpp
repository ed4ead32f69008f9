#include <limits>

#include "base/text.hpp"
#include "http/message.hpp"

namespace airlock::http {

namespace {

constexpr std::uint64_t k_max = std::numeric_limits<std::uint64_t>::max();

// 1*DIGIT; a number too large to hold counts as the largest, which is past the end of every file.
std::optional<std::uint64_t> parse_position(std::string_view text) {
  if (text.empty()) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    const auto digit = static_cast<std::uint64_t>(c - '0');
    value = value > (k_max - digit) / 10 ? k_max : value * 10 + digit;
  }
  return value;
}

}  // namespace

RangeVerdict parse_range(std::string_view field, std::uint64_t total, ByteRange& range) {
  constexpr std::string_view k_unit = "bytes=";
  field = base::trim(field);
  if (!base::starts_with_ignoring_case(field, k_unit)) {
    return RangeVerdict::whole;
  }
  field.remove_prefix(k_unit.size());
  const std::size_t dash = field.find('-');
  if (dash == std::string_view::npos) {
    return RangeVerdict::whole;
  }
  const std::string_view first_text = field.substr(0, dash);
  const std::string_view last_text = field.substr(dash + 1);
  const auto first = parse_position(first_text);
  const auto last = parse_position(last_text);
  if ((!first && !first_text.empty()) || (!last && !last_text.empty()) || (!first && !last)) {
    return RangeVerdict::whole;  // several ranges end here too: a comma is not a digit
  }
  if (first && last && *last < *first) {
    return RangeVerdict::unsatisfiable;
  }
  if (total == 0) {
    return RangeVerdict::whole;  // clients that send "bytes=0-" with everything must get their empty file
  }
  if (!first) {  // the last so many bytes
    if (*last == 0) {
      return RangeVerdict::unsatisfiable;
    }
    range.length = *last < total ? *last : total;
    range.first = total - range.length;
    return RangeVerdict::partial;
  }
  if (*first >= total) {
    return RangeVerdict::unsatisfiable;
  }
  const std::uint64_t end = last && *last < total - 1 ? *last : total - 1;
  range.first = *first;
  range.length = end - *first + 1;
  return RangeVerdict::partial;
}

}  // namespace airlock::http
