// Reading policy.yaml: mistakes with their place and a suggestion, and where each value came from. For policy*.cpp and
// scan_settings.cpp only.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/yaml.hpp"
#include "workflow/policy.hpp"

namespace airlock::workflow {

base::Error wrong_policy(const base::YamlNode& node, std::string message);
// "unknown `what` 'word'", with what may have been meant.
base::Error unknown_in_policy(const base::YamlNode& node, std::string_view what, std::span<const std::string> known);

// Each throws config with the node's position where the value has not the form; `key` names it.
const std::vector<std::pair<base::YamlNode, base::YamlNode>>& policy_members(const base::YamlNode& node,
                                                                             std::string_view key);
std::vector<base::YamlNode> policy_items(const base::YamlNode& node, std::string_view key);  // one counts as a list
std::chrono::seconds policy_duration(const base::YamlNode& node, std::string_view key);      // more than zero
std::uint64_t policy_bytes(const base::YamlNode& node, std::string_view key);
// Runs `parse`; what it throws as usage becomes config at the node.
void at_node(const base::YamlNode& node, const std::function<void()>& parse);

// One key of a mapping: what it does with its value, and what holds where it is not there.
template <typename Target>
struct PolicyKey {
  std::string name;
  std::string otherwise;  // for people
  void (*read)(const base::YamlNode& node, Target& target);
};

// Reads a mapping by a table. `into` gets each value with its origin, `prefix` before its name.
template <typename Target>
void read_policy_mapping(const base::YamlNode& node, std::string_view what, std::string_view prefix,
                         std::span<const PolicyKey<Target>> keys, Target& target, std::vector<PolicyValue>& into);

// The value as one line of text, for PolicyValue.
std::string policy_text(const base::YamlNode& node);

// `scan`; nullopt for a node that is null.
std::optional<ScanSettings> read_scan_settings(const base::YamlNode& node, std::vector<PolicyValue>& into);

template <typename Target>
void read_policy_mapping(const base::YamlNode& node, std::string_view what, std::string_view prefix,
                         std::span<const PolicyKey<Target>> keys, Target& target, std::vector<PolicyValue>& into) {
  std::vector<std::string> names;
  for (const auto& key : keys) {
    names.push_back(key.name);
  }
  const base::YamlNode* none = nullptr;
  std::vector<const base::YamlNode*> found(keys.size(), none);
  if (!node.is_null()) {
    for (const auto& [name, value] : policy_members(node, what)) {
      const auto place = std::find(names.begin(), names.end(), name.as_string("a key"));
      if (place == names.end()) {
        throw unknown_in_policy(name, what, names);
      }
      const auto index = static_cast<std::size_t>(place - names.begin());
      keys[index].read(value, target);
      found[index] = &value;
    }
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    into.push_back({.key = std::string(prefix) + keys[i].name,
                    .value = found[i] != nullptr ? policy_text(*found[i]) : keys[i].otherwise,
                    .origin = found[i] != nullptr ? found[i]->position().to_string() : "default"});
  }
}

}  // namespace airlock::workflow
