// The `overrides` of a root package.json: which dependency is replaced by what, depending on who asks (npm's
// package.json documentation, overrides; what Arborist's override sets do).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "ecosystem/npm/names.hpp"

namespace airlock::ecosystem::npm {

// One level of rules; those of the levels around it hold too, unless it has one for the same key.
class OverrideSet {
 public:
  // nullptr without overrides. "$name" means what the root itself asks for under that name. Throws malformed, limit.
  static std::shared_ptr<const OverrideSet> parse(const base::Json& package, std::string_view what);

  // The rule for a dependency `key` that asks for `requirement`; nullptr when there is none.
  const OverrideSet* of_dependency(const std::string& key, const Requirement& requirement) const;
  // Called on that rule, or on this where there was none: what holds for the dependencies of what was chosen.
  const OverrideSet* of_package(const std::string& key, const std::string& version) const;
  const std::string& value() const { return m_value; }  // "": nothing is replaced

 private:
  OverrideSet() = default;
  void read(const base::Json& rules, const base::Json& package, std::string_view what, int depth);

  std::string m_name;   // of the rule that made this set; empty for the root
  std::string m_range;  // "*": for any
  std::string m_value;
  std::vector<std::unique_ptr<OverrideSet>> m_own;
  std::vector<const OverrideSet*> m_rules;  // own ones first, then those around
};

}  // namespace airlock::ecosystem::npm
