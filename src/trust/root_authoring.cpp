#include "trust/root_authoring.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/text.hpp"
#include "trust/root_chain.hpp"

namespace airlock::trust {

namespace {

using base::Error;
using base::ErrorCode;
using std::chrono::days;

constexpr std::array<std::string_view, 4> k_roles = {"root", "timestamp", "snapshot", "targets"};
constexpr std::array<std::string_view, 3> k_cadences = {"weekly", "monthly", "quarterly"};

void check_plan(const RootPlan& plan) {
  for (const auto& [name, holders] : plan.roles) {
    if (std::ranges::find(k_roles, name) == k_roles.end()) {
      throw Error(ErrorCode::usage, "a root has no " + role_in_quotes(name));
    }
    for (const auto& key : holders.keys) {
      if (key.scheme() == Scheme::rsa_pss_sha256 && key.bits() < k_rsa_bits_new) {
        throw Error(ErrorCode::usage, role_in_quotes(name) + " has an RSA key of " + std::to_string(key.bits()) +
                                          " bits; new roots take " + std::to_string(k_rsa_bits_new) + " or more");
      }
    }
  }
  for (const auto name : k_roles) {
    if (!plan.roles.contains(std::string(name))) {
      throw Error(ErrorCode::usage, "the plan of a root lacks " + role_in_quotes(name));
    }
  }
  if (!plan.channel.empty() && !is_channel_name(plan.channel)) {
    throw Error(ErrorCode::usage, "'" + base::printable(plan.channel, 80) + "' is not a channel's name");
  }
}

// Which two roles one key holds; nullopt when none does.
std::optional<std::pair<std::string, std::string>> shared_by(const Root& root, std::string_view only_with = "") {
  for (const auto& [one, one_role] : root.roles) {
    for (const auto& [two, two_role] : root.roles) {
      const bool wanted = one < two && (only_with.empty() || one == only_with || two == only_with);
      if (!wanted) {
        continue;
      }
      // Together they have fewer different keys than each for itself.
      RoleKeys both = one_role;
      both.keyids.insert(both.keyids.end(), two_role.keyids.begin(), two_role.keyids.end());
      if (count_distinct_keys(both, root.keys) <
          count_distinct_keys(one_role, root.keys) + count_distinct_keys(two_role, root.keys)) {
        return std::pair(one, two);
      }
    }
  }
  return std::nullopt;
}

Root make_root(const RootPlan& plan, std::uint64_t version) {
  check_plan(plan);
  Root root;
  root.version = version;
  root.expires = plan.created + lifetime("root", plan.cadence);
  root.channel = plan.channel;
  for (const auto& [name, holders] : plan.roles) {
    RoleKeys role{.keyids = {}, .threshold = holders.threshold};
    for (const auto& key : holders.keys) {
      if (std::ranges::find(role.keyids, key.keyid()) == role.keyids.end()) {
        role.keyids.push_back(key.keyid());
      }
      root.keys.emplace(key.keyid(), key);
    }
    std::ranges::sort(role.keyids);  // the order of a command line is not part of what is signed
    const std::size_t keys = count_distinct_keys(role, root.keys);
    if (role.threshold < 1 || role.threshold > keys) {
      throw Error(ErrorCode::usage, role_in_quotes(name) + " cannot have a threshold of " +
                                        std::to_string(role.threshold) + " with " + std::to_string(keys) +
                                        " different keys");
    }
    root.roles.emplace(name, std::move(role));
  }
  if (const auto shared = shared_by(root)) {
    throw Error(ErrorCode::usage,
                role_in_quotes(shared->first) + " and " + role_in_quotes(shared->second) + " share a key")
        .with_hint("give each role keys of its own: one that is stolen then opens one door");
  }
  return root;
}

}  // namespace

std::string_view to_string(Cadence cadence) {
  return k_cadences[static_cast<std::size_t>(cadence)];
}

std::optional<Cadence> find_cadence(std::string_view name) {
  for (const auto cadence : {Cadence::weekly, Cadence::monthly, Cadence::quarterly}) {
    if (to_string(cadence) == name) {
      return cadence;
    }
  }
  return std::nullopt;
}

std::chrono::seconds lifetime(std::string_view role, Cadence cadence) {
  constexpr std::array<days, 3> snapshot = {days(60), days(120), days(270)};
  constexpr std::array<days, 3> timestamp = {days(30), days(90), days(200)};
  constexpr days year(365);
  const auto index = static_cast<std::size_t>(cadence);
  if (role == "root") {
    return 3 * year;
  }
  if (role == "snapshot") {
    return snapshot.at(index);
  }
  if (role == "timestamp") {
    return timestamp.at(index);
  }
  return year;
}

Root make_first_root(const RootPlan& plan) {
  return make_root(plan, 1);
}

Root make_next_root(const Root& old, const RootPlan& plan) {
  return make_root(plan, old.version + 1);
}

RootApprovals approvals_of_root(const SignedFile& file) {
  return approvals_of_root(file, parse_root(file));
}

RootApprovals approvals_of_root(const SignedFile& file, const Root& old) {
  const Root root = parse_root(file);
  const RoleKeys& old_role = old.roles.at("root");
  const RoleKeys& new_role = root.roles.at("root");
  return {.old_signers = count_signers(file, old_role, old.keys),
          .old_threshold = old_role.threshold,
          .new_signers = count_signers(file, new_role, root.keys),
          .new_threshold = new_role.threshold};
}

Root verify_next_root(const SignedFile& file, const Root& old) {
  return open_next_root(old, file, KeyidCheck::enforce);
}

PinnableRoot check_pinnable(std::string_view root_bytes, const Policy& policy) {
  PinnableRoot result;
  result.file = parse_signed(std::string(root_bytes), "root", k_root_limit);
  result.root = open_self_signed_root(result.file, KeyidCheck::enforce);
  result.fingerprint = identity(result.file);
  check_thresholds_can_be_met(result.root);
  check_policy(result.root, policy);
  if (const auto shared = shared_by(result.root, "root")) {
    throw Error(ErrorCode::untrusted, "in this root, " + role_in_quotes(shared->first) + " and " +
                                          role_in_quotes(shared->second) + " share a key");
  }
  return result;
}

}  // namespace airlock::trust
