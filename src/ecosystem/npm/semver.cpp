#include "ecosystem/npm/semver.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/text.hpp"
#include "ecosystem/npm/semver_text.hpp"

namespace airlock::ecosystem::npm {

namespace {

constexpr std::size_t k_version_limit = 256;  // characters
constexpr std::size_t k_range_limit = 4096;
constexpr std::size_t k_sets_limit = 256;              // alternatives of one range
constexpr std::uint64_t k_largest = 9007199254740991;  // 2^53-1, what a number in JavaScript can tell apart

std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failure != std::errc() || end != digits.data() + digits.size() || value > k_largest) {
    return std::nullopt;
  }
  return value;
}

bool is_number(std::string_view text) {
  return std::all_of(text.begin(), text.end(), base::is_digit);
}

std::weak_ordering compare_numbers(std::string_view a, std::string_view b) {
  const auto strip = [](std::string_view digits) {
    return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
  };
  a = strip(a);
  b = strip(b);
  if (a.size() != b.size()) {
    return a.size() <=> b.size();
  }
  return a.compare(b) <=> 0;
}

std::weak_ordering compare_identifiers(const std::string& a, const std::string& b) {
  const bool a_number = is_number(a);
  const bool b_number = is_number(b);
  if (a_number && b_number) {
    return compare_numbers(a, b);
  }
  if (a_number != b_number) {
    return a_number ? std::weak_ordering::less : std::weak_ordering::greater;
  }
  return a.compare(b) <=> 0;
}

}  // namespace

std::optional<SemVer> SemVer::parse(std::string_view text) {
  text = base::trim(text);
  if (text.size() > k_version_limit) {
    return std::nullopt;
  }
  const auto parts = match_partial(text);
  if (!parts || !parts->is_full()) {
    return std::nullopt;
  }
  const auto major = number(parts->major);
  const auto minor = number(parts->minor);
  const auto patch = number(parts->patch);
  if (!major || !minor || !patch) {
    return std::nullopt;
  }
  SemVer version;
  version.m_major = *major;
  version.m_minor = *minor;
  version.m_patch = *patch;
  if (!parts->prerelease.empty()) {
    version.m_prerelease = base::split(parts->prerelease, '.');
  }
  return version;
}

std::string SemVer::to_string() const {
  return fmt::format("{}.{}.{}{}{}", m_major, m_minor, m_patch, m_prerelease.empty() ? "" : "-",
                     base::join(m_prerelease, "."));
}

std::weak_ordering SemVer::operator<=>(const SemVer& other) const {
  for (const auto& [a, b] :
       {std::pair(m_major, other.m_major), std::pair(m_minor, other.m_minor), std::pair(m_patch, other.m_patch)}) {
    if (a != b) {
      return a <=> b;
    }
  }
  if (m_prerelease.empty() || other.m_prerelease.empty()) {
    return m_prerelease.empty() <=> other.m_prerelease.empty();  // a release is the greater
  }
  for (std::size_t i = 0; i < std::min(m_prerelease.size(), other.m_prerelease.size()); ++i) {
    if (const auto order = compare_identifiers(m_prerelease[i], other.m_prerelease[i]); order != 0) {
      return order;
    }
  }
  return m_prerelease.size() <=> other.m_prerelease.size();
}

bool Range::Comparator::test(const SemVer& candidate) const {
  if (!version) {
    return true;
  }
  const auto order = candidate <=> *version;
  switch (op) {
  case Operator::equal:
    return order == 0;
  case Operator::less:
    return order < 0;
  case Operator::less_equal:
    return order <= 0;
  case Operator::greater:
    return order > 0;
  case Operator::greater_equal:
    return order >= 0;
  }
  return false;
}

bool Range::Comparator::is_null_set() const {
  static const SemVer lowest = SemVer::parse("0.0.0-0").value();
  return version && op == Operator::less && *version == lowest;
}

std::optional<Range::Comparator> Range::parse_comparator(std::string_view text) {
  Comparator comparator;
  std::string_view rest = text;
  const std::string_view op = take_operator(rest);
  rest = base::trim(rest);
  if (rest.empty()) {
    // Only "" is "any"; an operator without a version is nothing.
    return op.empty() ? std::optional(comparator) : std::nullopt;
  }
  comparator.version = SemVer::parse(rest);
  if (!comparator.version) {
    return std::nullopt;
  }
  comparator.op = op == "<"    ? Operator::less
                  : op == "<=" ? Operator::less_equal
                  : op == ">"  ? Operator::greater
                  : op == ">=" ? Operator::greater_equal
                               : Operator::equal;
  return comparator;
}

// One alternative. What is no comparator is left out, as node-semver does with `loose`; one with a number that no
// version can have spoils the range, and nullopt says so.
std::optional<Range::Set> Range::parse_set(const std::string& text) {
  Set set;
  for (const std::string& word : plain_comparators(text)) {
    if (const auto comparator = parse_comparator(word)) {
      if (comparator->is_null_set()) {
        return Set{*comparator};
      }
      set.push_back(*comparator);
      continue;
    }
    std::string_view version = word;
    take_operator(version);
    if (const auto parts = match_partial(version); parts && parts->is_full()) {
      return std::nullopt;
    }
  }
  if (set.size() > 1) {
    const auto limits = std::remove_if(set.begin(), set.end(), [](const Comparator& one) { return !one.version; });
    set.erase(limits == set.begin() ? limits + 1 : limits, set.end());
  }
  return set;
}

std::optional<Range> Range::parse(std::string_view text) {
  if (text.size() > k_range_limit) {
    return std::nullopt;
  }
  const std::string raw = single_spaced(text);
  Range range;
  std::size_t at = 0;
  std::size_t alternatives = 0;
  while (at <= raw.size()) {
    const std::size_t end = std::min(raw.find("||", at), raw.size());
    auto set = parse_set(std::string(base::trim(std::string_view(raw).substr(at, end - at))));
    if (set && !set->empty()) {
      range.m_sets.push_back(std::move(*set));
    }
    if (!set || ++alternatives > k_sets_limit) {
      return std::nullopt;
    }
    at = end + 2;
  }
  if (range.m_sets.empty()) {
    return std::nullopt;
  }
  return range;
}

bool Range::satisfies(const Set& set, const SemVer& version) {
  if (!std::all_of(set.begin(), set.end(), [&](const Comparator& one) { return one.test(version); })) {
    return false;
  }
  return !version.is_prerelease() || std::any_of(set.begin(), set.end(), [&](const Comparator& one) {
    return one.version && one.version->is_prerelease() && one.version->major() == version.major() &&
           one.version->minor() == version.minor() && one.version->patch() == version.patch();
  });
}

bool Range::satisfied_by(const SemVer& version) const {
  return std::any_of(m_sets.begin(), m_sets.end(), [&](const Set& set) { return satisfies(set, version); });
}

bool Range::overlap(const Set& a, const Set& b) {
  // Every lower bound must lie below every upper bound, and every exact version within the others.
  Set all = a;
  all.insert(all.end(), b.begin(), b.end());
  for (const Comparator& low : all) {
    if (!low.version || low.op == Operator::less || low.op == Operator::less_equal) {
      if (low.is_null_set()) {
        return false;
      }
      continue;
    }
    for (const Comparator& high : all) {
      if (!high.version || high.op == Operator::greater || high.op == Operator::greater_equal) {
        continue;
      }
      const auto order = *low.version <=> *high.version;
      const bool touches = low.op != Operator::greater && high.op != Operator::less;
      if (order > 0 || (order == 0 && !touches)) {
        return false;
      }
    }
  }
  return true;
}

bool Range::intersects(const Range& other) const {
  return std::any_of(m_sets.begin(), m_sets.end(), [&](const Set& a) {
    return std::any_of(other.m_sets.begin(), other.m_sets.end(), [&](const Set& b) { return overlap(a, b); });
  });
}

bool Range::is_any() const {
  return std::any_of(m_sets.begin(), m_sets.end(), [](const Set& set) {
    return std::all_of(set.begin(), set.end(), [](const Comparator& one) { return !one.version; });
  });
}

}  // namespace airlock::ecosystem::npm
