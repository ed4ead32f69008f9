#include "ecosystem/terraform/constraint.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::ecosystem::terraform {

using model::Version;

namespace {

constexpr std::size_t k_most_terms = 32;
constexpr std::size_t k_longest_number = 9;  // digits

std::string add_one(const std::string& number) {
  return std::to_string(std::stoul(number) + 1);
}

}  // namespace

bool Constraint::Term::allows(const Version& version) const {
  switch (op) {
  case Operator::equal:
    return version == bound;
  case Operator::not_equal:
    return version != bound;
  case Operator::above:
    return version > bound;
  case Operator::at_least:
    return version >= bound;
  case Operator::below:
    return version < bound;
  case Operator::at_most:
    return version <= bound;
  case Operator::pessimistic:
    return version >= bound && version < *ceiling;
  }
  return false;
}

std::optional<Constraint::Term> Constraint::parse_term(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Operator>, 7> k_operators{{{"~>", Operator::pessimistic},
                                                                                     {">=", Operator::at_least},
                                                                                     {"<=", Operator::at_most},
                                                                                     {"!=", Operator::not_equal},
                                                                                     {">", Operator::above},
                                                                                     {"<", Operator::below},
                                                                                     {"=", Operator::equal}}};
  Operator op = Operator::equal;
  text = base::trim(text);
  for (const auto& [spelling, candidate] : k_operators) {
    if (text.starts_with(spelling)) {
      op = candidate;
      text = base::trim(text.substr(spelling.size()));
      break;
    }
  }
  if (text.starts_with('v')) {
    text.remove_prefix(1);
  }
  const std::string_view core = text.substr(0, text.find_first_of("-+"));
  std::vector<std::string> numbers = base::split(core, '.');
  const auto is_number = [](const std::string& number) {
    return !number.empty() && number.size() <= k_longest_number &&
           std::all_of(number.begin(), number.end(), base::is_digit);
  };
  if (numbers.size() > 3 || !std::all_of(numbers.begin(), numbers.end(), is_number)) {
    return std::nullopt;
  }
  const std::size_t given = numbers.size();
  const std::string_view rest = text.substr(core.size());
  if (!rest.empty() && given != 3) {
    return std::nullopt;
  }
  numbers.resize(3, "0");
  auto bound = Version::parse(base::join(numbers, ".") + std::string(rest));
  if (!bound) {
    return std::nullopt;
  }
  std::optional<Version> ceiling;
  if (op == Operator::pessimistic) {
    // The last number that is given may rise, or the first where it is the only one.
    const std::size_t fixed = given == 1 ? 0 : given - 2;
    std::vector<std::string> above = numbers;
    above[fixed] = add_one(above[fixed]);
    std::fill(above.begin() + static_cast<std::ptrdiff_t>(fixed) + 1, above.end(), "0");
    ceiling = Version::parse(base::join(above, "."));
  }
  return Term{.op = op, .bound = std::move(*bound), .ceiling = std::move(ceiling)};
}

std::optional<Constraint> Constraint::parse(std::string_view text) {
  Constraint constraint;
  constraint.m_text = base::trim(text);
  if (constraint.m_text.empty()) {
    return constraint;
  }
  for (const std::string& part : base::split(constraint.m_text, ',')) {
    auto term = parse_term(part);
    if (!term || constraint.m_terms.size() == k_most_terms) {
      return std::nullopt;
    }
    constraint.m_terms.push_back(std::move(*term));
  }
  return constraint;
}

Constraint Constraint::exactly(const std::string& version) {
  Constraint constraint;
  constraint.m_text = version;
  if (const auto bound = Version::parse(version)) {
    constraint.m_terms.push_back({.op = Operator::equal, .bound = *bound, .ceiling = {}});
  }
  return constraint;
}

bool Constraint::allows(const Version& version) const {
  if (!std::all_of(m_terms.begin(), m_terms.end(), [&](const Term& term) { return term.allows(version); })) {
    return false;
  }
  return !version.is_prerelease() || std::any_of(m_terms.begin(), m_terms.end(), [&](const Term& term) {
    return term.op == Operator::equal && term.bound == version;
  });
}

std::optional<Version> newest_allowed(const std::vector<Version>& versions,
                                      const std::vector<Constraint>& constraints) {
  std::optional<Version> newest;
  for (const Version& version : versions) {
    // What one constraint asks for by name, the others need not name again.
    const bool named = std::any_of(constraints.begin(), constraints.end(),
                                   [&](const Constraint& constraint) { return constraint.allows(version); });
    const bool allowed = std::all_of(constraints.begin(), constraints.end(), [&](const Constraint& constraint) {
      return constraint.allows(version) || (named && version.is_prerelease() && constraint.text().empty());
    });
    if (allowed && (constraints.empty() ? !version.is_prerelease() : true) && (!newest || *newest < version)) {
      newest = version;
    }
  }
  return newest;
}

}  // namespace airlock::ecosystem::terraform
