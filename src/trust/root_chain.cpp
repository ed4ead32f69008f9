#include "trust/root_chain.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::trust {

namespace {

using base::Error;
using base::ErrorCode;

void check_role(std::string_view name, const RoleKeys& role, const std::map<std::string, PublicKey>& keys,
                std::uint64_t floor, const Policy& policy) {
  if (role.threshold < floor) {
    throw Error(ErrorCode::untrusted, "role '" + std::string(name) + "' needs " + std::to_string(role.threshold) +
                                          " signatures; this site's policy wants at least " + std::to_string(floor));
  }
  for (const auto& keyid : role.keyids) {
    const auto key = keys.find(keyid);
    if (key == keys.end() || policy.schemes.empty()) {
      continue;
    }
    if (std::ranges::find(policy.schemes, key->second.scheme()) == policy.schemes.end()) {
      throw Error(ErrorCode::untrusted, "role '" + std::string(name) + "' has a key for " +
                                            std::string(to_string(key->second.scheme())) +
                                            ", which this site's policy does not allow");
    }
  }
}

std::uint64_t floor_of(const Policy& policy, const std::string& role, const std::string& otherwise) {
  const auto found = policy.minimum_threshold.find(role);
  const auto fallback = policy.minimum_threshold.find(otherwise);
  return found != policy.minimum_threshold.end()      ? found->second
         : fallback != policy.minimum_threshold.end() ? fallback->second
                                                      : 1;
}

}  // namespace

Root open_self_signed_root(const SignedFile& file, KeyidCheck check) {
  Root root = parse_root(file, check);
  require_threshold(file, "root", root.roles.at("root"), root.keys);
  return root;
}

Root open_next_root(const Root& trusted, const SignedFile& next, KeyidCheck check) {
  // The old keys first: what nobody vouches for is not interpreted.
  require_threshold(next, "root", trusted.roles.at("root"), trusted.keys);
  Root root = parse_root(next, check);
  require_threshold(next, "root", root.roles.at("root"), root.keys);
  if (root.version <= trusted.version) {
    throw Error(ErrorCode::rollback, "root version " + std::to_string(root.version) +
                                         " cannot follow the trusted version " + std::to_string(trusted.version));
  }
  if (root.version != trusted.version + 1) {
    throw Error(ErrorCode::tampered, "root version " + std::to_string(root.version) + " stands where version " +
                                         std::to_string(trusted.version + 1) + " belongs");
  }
  return root;
}

void check_policy(const Root& root, const Policy& policy) {
  for (const auto& [name, role] : root.roles) {
    check_role(name, role, root.keys, floor_of(policy, name, name), policy);
  }
}

bool keeps_to(const Root& root, const Policy& policy) {
  try {
    check_policy(root, policy);
    return true;
  } catch (const Error&) {
    return false;
  }
}

void check_policy(const DelegatedRole& role, const std::map<std::string, PublicKey>& keys, const Policy& policy) {
  check_role(base::printable(role.name, 100), role.keys, keys, floor_of(policy, role.name, "delegated"), policy);
}

void check_thresholds_can_be_met(const Root& root) {
  for (const auto& [name, role] : root.roles) {
    const std::size_t keys = count_distinct_keys(role, root.keys);
    if (role.threshold > keys) {
      throw Error(ErrorCode::untrusted, "role '" + name + "' needs " + std::to_string(role.threshold) +
                                            " signatures but has only " + std::to_string(keys) + " different keys");
    }
  }
}

}  // namespace airlock::trust
