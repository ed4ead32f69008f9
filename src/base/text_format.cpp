// Sizes and digests as people read and write them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::base {

namespace {

constexpr std::array<std::string_view, 7> k_binary_units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

// "k", "kb", "kib" and so on; 0 for anything else.
std::uint64_t unit_factor(std::string_view unit) {
  const std::string lower = to_lower(unit);
  if (lower.empty() || lower == "b") {
    return 1;
  }
  constexpr std::string_view prefixes = "kmgtpe";
  const auto power = prefixes.find(lower.front());
  const std::string_view rest = std::string_view(lower).substr(1);
  if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib")) {
    return 0;
  }
  std::uint64_t factor = 1;
  for (std::size_t i = 0; i <= power; ++i) {
    factor *= rest == "ib" ? 1024U : 1000U;
  }
  return factor;
}

}  // namespace

std::string format_bytes(std::uint64_t bytes) {
  // In tenths, by integers, so that no size is rounded up to "1024".
  std::size_t unit = 0;
  std::uint64_t whole = bytes;
  std::uint64_t rest = 0;
  while (whole >= 1024 && unit + 1 < k_binary_units.size()) {
    rest = whole % 1024;
    whole /= 1024;
    ++unit;
  }
  const std::uint64_t tenths = rest * 10 / 1024;
  if (tenths == 0 || whole >= 100) {
    return fmt::format("{} {}", whole, k_binary_units.at(unit));
  }
  return fmt::format("{}.{} {}", whole, tenths, k_binary_units.at(unit));
}

std::uint64_t parse_bytes(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto unit = trim(text.substr(static_cast<std::size_t>(end - text.data())));
  const std::uint64_t factor = unit_factor(unit);
  if (status != std::errc() || factor == 0 || number > UINT64_MAX / factor) {
    throw Error(ErrorCode::usage, "'" + printable(text, 100) + "' is not a size")
        .with_hint("write a whole number and a unit, for example 4GiB, 512KiB or 4000M");
  }
  return number * factor;
}

std::string group_digits(std::string_view hex, std::size_t group) {
  std::string text;
  for (std::size_t i = 0; i < hex.size(); i += std::max<std::size_t>(group, 1)) {
    if (i > 0) {
      text += ' ';
    }
    text += hex.substr(i, std::max<std::size_t>(group, 1));
  }
  return text;
}

std::string html_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out += c;
    }
  }
  return out;
}

std::string counted(std::uint64_t count, std::string_view one) {
  return std::to_string(count) + " " + std::string(one) + (count == 1 ? "" : "s");
}

}  // namespace airlock::base
