#include "model/version.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace airlock::model {

namespace {

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), base::is_digit);
}

bool is_identifier(std::string_view text) {  // Semantic Versioning 2.0.0, 9 and 10
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return base::is_alphanumeric(c) || c == '-'; });
}

std::string_view without_leading_zeros(std::string_view digits) {
  const std::size_t first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
  return digits.substr(first);
}

std::weak_ordering compare_numbers(std::string_view a, std::string_view b) {  // without leading zeros
  if (a.size() != b.size()) {
    return a.size() <=> b.size();
  }
  return a.compare(b) <=> 0;
}

std::weak_ordering compare_identifiers(std::string_view a, std::string_view b) {
  const bool a_number = is_digits(a);
  const bool b_number = is_digits(b);
  if (a_number && b_number) {
    return compare_numbers(without_leading_zeros(a), without_leading_zeros(b));
  }
  if (a_number != b_number) {
    return a_number ? std::weak_ordering::less : std::weak_ordering::greater;
  }
  return a.compare(b) <=> 0;
}

}  // namespace

std::optional<Version> Version::parse(std::string_view text) {
  Version version;
  version.m_text = text;
  std::string_view rest = text;
  if (rest.starts_with('v') || rest.starts_with('V')) {
    rest.remove_prefix(1);
  }
  if (const std::size_t plus = rest.find('+'); plus != std::string_view::npos) {
    for (const std::string& identifier : base::split(rest.substr(plus + 1), '.')) {
      if (!is_identifier(identifier)) {
        return std::nullopt;
      }
    }
    rest = rest.substr(0, plus);
  }
  if (const std::size_t minus = rest.find('-'); minus != std::string_view::npos) {
    version.m_prerelease = base::split(rest.substr(minus + 1), '.');
    if (!std::all_of(version.m_prerelease.begin(), version.m_prerelease.end(), is_identifier)) {
      return std::nullopt;
    }
    rest = rest.substr(0, minus);
  }
  for (const std::string& number : base::split(rest, '.')) {
    if (!is_digits(number)) {
      return std::nullopt;
    }
    version.m_numbers.emplace_back(without_leading_zeros(number));
  }
  return version;
}

std::weak_ordering Version::operator<=>(const Version& other) const {
  const std::size_t parts = std::max(m_numbers.size(), other.m_numbers.size());
  for (std::size_t i = 0; i < parts; ++i) {  // a part that is not given counts as 0
    const std::string_view mine = i < m_numbers.size() ? std::string_view(m_numbers[i]) : "0";
    const std::string_view theirs = i < other.m_numbers.size() ? std::string_view(other.m_numbers[i]) : "0";
    if (const auto order = compare_numbers(mine, theirs); order != 0) {
      return order;
    }
  }
  if (m_prerelease.empty() != other.m_prerelease.empty()) {
    return m_prerelease.empty() ? std::weak_ordering::greater : std::weak_ordering::less;
  }
  const std::size_t common = std::min(m_prerelease.size(), other.m_prerelease.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (const auto order = compare_identifiers(m_prerelease[i], other.m_prerelease[i]); order != 0) {
      return order;
    }
  }
  return m_prerelease.size() <=> other.m_prerelease.size();
}

}  // namespace airlock::model
