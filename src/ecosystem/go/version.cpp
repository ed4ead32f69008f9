#include "ecosystem/go/version.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace airlock::ecosystem::go {

namespace {

constexpr std::string_view k_incompatible = "+incompatible";

struct Parts {
  std::array<std::string_view, 3> numbers;
  std::size_t count = 0;  // of numbers that are there
  std::string_view prerelease;
  std::string_view build;
};

bool is_identifier_character(char c) {
  return base::is_alphanumeric(c) || c == '-';
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), base::is_digit);
}

// Takes a number without leading zeros from the front.
bool take_number(std::string_view& rest, std::string_view& number) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), base::is_digit);
  number = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  if (number.empty() || (number.size() > 1 && number.front() == '0')) {
    return false;
  }
  rest.remove_prefix(number.size());
  return true;
}

enum class LeadingZeros { allowed, refused };

bool are_identifiers(std::string_view text, LeadingZeros zeros) {
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view one = text.substr(0, dot);
    if (one.empty() || !std::all_of(one.begin(), one.end(), is_identifier_character)) {
      return false;
    }
    if (zeros == LeadingZeros::refused && one.size() > 1 && one.front() == '0' && all_digits(one)) {
      return false;
    }
    if (dot == std::string_view::npos) {
      return true;
    }
    text.remove_prefix(dot + 1);
  }
}

std::optional<Parts> parse(std::string_view version) {
  Parts parts;
  if (version.size() > 256 || !version.starts_with('v')) {
    return std::nullopt;
  }
  std::string_view rest = version.substr(1);
  while (true) {
    if (!take_number(rest, parts.numbers[parts.count++])) {
      return std::nullopt;
    }
    if (parts.count == 3 || !rest.starts_with('.')) {
      break;
    }
    rest.remove_prefix(1);
  }
  if (rest.empty()) {
    return parts;
  }
  if (parts.count < 3) {
    return std::nullopt;
  }
  if (const std::size_t plus = rest.find('+'); plus != std::string_view::npos) {
    parts.build = rest.substr(plus);
    rest = rest.substr(0, plus);
    if (!are_identifiers(parts.build.substr(1), LeadingZeros::allowed)) {
      return std::nullopt;
    }
  }
  if (rest.starts_with('-')) {
    parts.prerelease = rest.substr(1);
    rest = {};
    if (!are_identifiers(parts.prerelease, LeadingZeros::refused)) {
      return std::nullopt;
    }
  }
  return rest.empty() ? std::optional(parts) : std::nullopt;
}

int compare_numbers(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) {
    return a.size() < b.size() ? -1 : 1;
  }
  return a.compare(b);
}

int compare_prereleases(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) {
    return a.empty() && b.empty() ? 0 : a.empty() ? 1 : -1;
  }
  while (true) {
    const std::size_t end_a = a.find('.');
    const std::size_t end_b = b.find('.');
    const std::string_view one_a = a.substr(0, end_a);
    const std::string_view one_b = b.substr(0, end_b);
    if (one_a != one_b) {
      const bool number_a = all_digits(one_a);
      const bool number_b = all_digits(one_b);
      if (number_a != number_b) {
        return number_a ? -1 : 1;
      }
      return number_a ? compare_numbers(one_a, one_b) : one_a.compare(one_b);
    }
    if (end_a == std::string_view::npos || end_b == std::string_view::npos) {
      return end_a == end_b ? 0 : end_a == std::string_view::npos ? -1 : 1;
    }
    a.remove_prefix(end_a + 1);
    b.remove_prefix(end_b + 1);
  }
}

}  // namespace

bool is_canonical(std::string_view version) {
  const auto parts = parse(version);
  return parts && parts->count == 3 && (parts->build.empty() || parts->build == k_incompatible);
}

bool is_version_prefix(std::string_view version) {
  const auto parts = parse(version);
  return parts && parts->count < 3;
}

bool is_prerelease(std::string_view version) {
  const auto parts = parse(version);
  return parts && !parts->prerelease.empty();
}

bool is_incompatible(std::string_view version) {
  return version.ends_with(k_incompatible);
}

bool is_pseudo_version(std::string_view version) {
  const auto parts = parse(version);
  if (!parts || parts->prerelease.empty()) {
    return false;
  }
  const std::string_view text = parts->prerelease;
  const std::size_t dash = text.rfind('-');
  if (dash == std::string_view::npos || dash < 14 || text.size() - dash - 1 != 12) {
    return false;
  }
  const std::string_view time = text.substr(dash - 14, 14);
  const std::string_view before = text.substr(0, dash - 14);
  const std::string_view revision = text.substr(dash + 1);
  const auto is_revision = base::is_alphanumeric;
  return all_digits(time) && std::all_of(revision.begin(), revision.end(), is_revision) &&
         (before.empty() || before == "0." || before.ends_with(".0."));
}

int compare_versions(std::string_view a, std::string_view b) {
  const auto parts_a = parse(a);
  const auto parts_b = parse(b);
  if (!parts_a || !parts_b) {
    return parts_a ? 1 : parts_b ? -1 : 0;  // what is no version stands before all that are
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const std::string_view number_a = parts_a->numbers[i].empty() ? "0" : parts_a->numbers[i];
    const std::string_view number_b = parts_b->numbers[i].empty() ? "0" : parts_b->numbers[i];
    if (const int order = compare_numbers(number_a, number_b); order != 0) {
      return order;
    }
  }
  return compare_prereleases(parts_a->prerelease, parts_b->prerelease);
}

bool answers_prefix(std::string_view version, std::string_view prefix) {
  return version.starts_with(prefix) && version.size() > prefix.size() && version[prefix.size()] == '.';
}

}  // namespace airlock::ecosystem::go
