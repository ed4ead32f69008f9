#include "ecosystem/npm/overrides.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/npm/semver.hpp"

namespace airlock::ecosystem::npm {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr int k_override_depth_limit = 16;
constexpr std::size_t k_rule_limit = 1000;  // of one level

std::string referenced(const std::string& value, const Json& package, std::string_view what) {
  if (!value.starts_with('$')) {
    return value;
  }
  const std::string name = value.substr(1);
  for (const char* key : {"dependencies", "devDependencies", "optionalDependencies", "peerDependencies"}) {
    const auto map = package.find(key);
    if (map != package.end() && map->is_object() && map->contains(name) && map->at(name).is_string()) {
      return map->at(name).get<std::string>();
    }
  }
  throw Error(ErrorCode::malformed, fmt::format("{}: an override refers to '{}', which is no dependency of the root",
                                                what, base::printable(value, 100)));
}

}  // namespace

std::shared_ptr<const OverrideSet> OverrideSet::parse(const Json& package, std::string_view what) {
  const auto rules = package.find("overrides");
  if (rules == package.end() || !rules->is_object() || rules->empty()) {
    return nullptr;
  }
  std::shared_ptr<OverrideSet> root(new OverrideSet);
  root->read(*rules, package, what, 0);
  return root;
}

void OverrideSet::read(const Json& rules, const Json& package, std::string_view what, int depth) {
  if (depth > k_override_depth_limit || rules.size() > k_rule_limit) {
    throw Error(ErrorCode::limit, fmt::format("{} has too many overrides", what));
  }
  const std::vector<const OverrideSet*> around = std::move(m_rules);
  m_rules.clear();
  static const Json nothing = Json::object();
  std::vector<const Json*> below;  // the rules within each own set
  for (const auto& [key, value] : rules.items()) {
    if (key == ".") {
      continue;
    }
    const std::size_t at = key.find('@', 1);
    std::unique_ptr<OverrideSet> set(new OverrideSet);
    set->m_name = key.substr(0, at);
    set->m_range = at == std::string::npos ? "*" : key.substr(at + 1);
    const Json own = value.is_object() ? value.value(".", Json("")) : value;
    if (!own.is_string() || !is_package_name(set->m_name) || !Range::parse(set->m_range)) {
      throw Error(ErrorCode::malformed,
                  fmt::format("{}: the override of '{}' cannot be read", what, base::printable(key, 100)));
    }
    set->m_value = referenced(own.get<std::string>(), package, what);
    m_rules.push_back(set.get());
    m_own.push_back(std::move(set));
    below.push_back(value.is_object() ? &value : &nothing);
  }
  for (const OverrideSet* one : around) {
    const bool replaced = std::any_of(m_own.begin(), m_own.end(), [&](const auto& own) {
      return own->m_name == one->m_name && own->m_range == one->m_range;
    });
    if (!replaced) {
      m_rules.push_back(one);
    }
  }
  for (std::size_t i = 0; i < m_own.size(); ++i) {
    m_own[i]->m_rules = m_rules;
    m_own[i]->read(*below[i], package, what, depth + 1);
  }
}

const OverrideSet* OverrideSet::of_dependency(const std::string& key, const Requirement& requirement) const {
  for (const OverrideSet* rule : m_rules) {
    if (rule->m_name != key) {
      continue;
    }
    const auto limits = Range::parse(rule->m_range);
    const auto wanted = Range::parse(requirement.wanted);
    if (rule->m_range == "*" || requirement.kind != Requirement::Kind::range || !wanted ||
        (limits && limits->intersects(*wanted))) {
      return rule;
    }
  }
  return nullptr;
}

const OverrideSet* OverrideSet::of_package(const std::string& key, const std::string& version) const {
  const auto exact = SemVer::parse(version);
  for (const OverrideSet* rule : m_rules) {
    if (rule->m_name != key || !exact) {
      continue;
    }
    const auto limits = Range::parse(rule->m_range);
    const auto value = Range::parse(rule->m_value);
    if ((rule->m_range == "*" || (limits && limits->satisfied_by(*exact))) &&
        (rule->m_value.empty() || (value && value->satisfied_by(*exact)))) {
      return rule;
    }
  }
  return this;
}

}  // namespace airlock::ecosystem::npm
