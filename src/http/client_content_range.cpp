#include "http/client_content_range.hpp"

#include <charconv>

#include "base/text.hpp"

namespace airlock::http {

namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

std::optional<ContentRange> parse_content_range(std::string_view field) {
  constexpr std::string_view k_unit = "bytes ";
  field = base::trim(field);
  if (!base::starts_with_ignoring_case(field, k_unit)) {
    return std::nullopt;
  }
  field = base::trim(field.substr(k_unit.size()));
  const std::size_t slash = field.find('/');
  if (slash == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view range_text = field.substr(0, slash);
  const std::string_view total_text = field.substr(slash + 1);
  ContentRange range;
  if (total_text != "*") {
    range.total = parse_number(total_text);
    if (!range.total) {
      return std::nullopt;
    }
  }
  if (range_text == "*") {
    return range.total ? std::optional(range) : std::nullopt;
  }
  const std::size_t dash = range_text.find('-');
  if (dash == std::string_view::npos) {
    return std::nullopt;
  }
  range.first = parse_number(range_text.substr(0, dash));
  const auto last = parse_number(range_text.substr(dash + 1));
  if (!range.first || !last || *last < *range.first || *last == UINT64_MAX || (range.total && *last >= *range.total)) {
    return std::nullopt;
  }
  range.last = *last;
  return range;
}

}  // namespace airlock::http
