#include "workflow/policy.hpp"

#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "base/yaml.hpp"
#include "workflow/duration.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using base::YamlNode;

constexpr std::size_t k_policy_limit = 1024 * 1024;  // bytes

Error wrong(const YamlNode& node, std::string message) {
  return Error(ErrorCode::config, std::move(message)).at(node.position());
}

const std::vector<std::pair<YamlNode, YamlNode>>& members(const YamlNode& node, std::string_view key) {
  if (!node.is_mapping()) {
    throw wrong(node, fmt::format("'{}' takes a mapping", key));
  }
  return node.members();
}

std::chrono::seconds duration(const YamlNode& node, std::string_view key) {
  try {
    return parse_duration(node.as_string(key));
  } catch (const Error& error) {
    throw wrong(node, error.message()).with_hint(error.hint());
  }
}

trust::Scheme scheme(const YamlNode& node, const std::string& name) {
  if (const auto found = trust::find_scheme(name)) {
    return *found;
  }
  throw wrong(node, fmt::format("unknown signature scheme '{}'", base::printable(name, 60)))
      .with_hint("ed25519, ecdsa-sha2-nistp256 or rsassa-pss-sha256");
}

void apply(const std::string& key, const YamlNode& value, bundle::Policy& policy) {
  if (key == "minimum_threshold") {
    for (const auto& [role, number] : members(value, key)) {
      policy.trust.minimum_threshold[role.as_string("a role")] = number.as_uint("a threshold");
    }
  } else if (key == "schemes") {
    for (const auto& name : value.as_strings(key)) {
      policy.trust.schemes.push_back(scheme(value, name));
    }
  } else if (key == "longest_lifetime") {
    for (const auto& [role, longest] : members(value, key)) {
      policy.trust.longest_lifetime[role.as_string("a role")] = duration(longest, key);
    }
  } else if (key == "namespaces") {
    for (const auto& [channel, ecosystems] : members(value, key)) {
      policy.namespaces[channel.as_string("a channel")] = ecosystems.as_strings(key);
    }
  } else if (key == "largest_version_jump") {
    policy.trust.largest_version_jump = value.as_uint("a number of versions");
  } else {
    policy.clock_tolerance = duration(value, key);
  }
}

}  // namespace

bundle::Policy parse_policy(std::string_view text, const std::string& file) {
  static const std::vector<std::string> k_keys = {
      "minimum_threshold", "schemes", "longest_lifetime", "namespaces", "largest_version_jump", "clock_tolerance"};
  bundle::Policy policy;
  try {
    const auto root = base::parse_yaml(text, file);
    if (root.is_null()) {
      return policy;
    }
    for (const auto& [key, value] : members(root, "policy")) {
      const auto name = key.as_string("a key");
      if (std::find(k_keys.begin(), k_keys.end(), name) == k_keys.end()) {
        auto error = wrong(key, fmt::format("unknown policy '{}'", base::printable(name, 60)));
        if (const auto near = base::nearest(name, k_keys)) {
          error.with_hint(fmt::format("did you mean '{}'?", *near));
        } else {
          error.with_hint("known are: " + base::join(k_keys, ", "));
        }
        throw error;
      }
      apply(name, value, policy);
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::manifest) {
      throw;
    }
    // The reader of YAML serves manifests first and names them; here the mistake is in the policy.
    auto renamed = Error(ErrorCode::config, error.message()).with_hint(error.hint());
    if (error.position()) {
      renamed.at(*error.position());
    }
    throw renamed;
  }
  return policy;
}

bundle::Policy load_policy(const Home& home) {
  const auto path = home.config / "policy.yaml";
  const auto text = base::read_file_if_exists(path, k_policy_limit);
  return text ? parse_policy(*text, path.string()) : bundle::Policy{};
}

}  // namespace airlock::workflow
