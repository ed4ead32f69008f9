#include "workflow/policy.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/refusal.hpp"
#include "base/text.hpp"
#include "base/yaml.hpp"
#include "bundle/layout.hpp"
#include "ecosystem/ecosystem.hpp"
#include "workflow/policy_reader.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::YamlNode;

constexpr std::size_t k_policy_limit = 1024 * 1024;  // bytes
constexpr std::uint64_t k_most_signers = 64;         // signatures that a file may carry (docs/formats/trust.md)

std::vector<std::string> ecosystem_ids() {
  std::vector<std::string> ids;
  for (const auto* each : ecosystem::all_ecosystems()) {
    ids.push_back(each->id);
  }
  return ids;
}

// A role that nobody has would be a floor that nobody meets, and that looks as if it held.
std::string policy_role(const YamlNode& node) {
  auto known = ecosystem_ids();
  for (const auto* role : {"root", "timestamp", "snapshot", "targets", "delegated"}) {
    known.emplace_back(role);
  }
  const auto name = node.as_string("a role");
  if (std::ranges::find(known, name) == known.end()) {
    throw unknown_in_policy(node, "role", known);
  }
  return name;
}

void read_thresholds(const YamlNode& node, bundle::Policy& policy) {
  for (const auto& [role, number] : policy_members(node, "minimum_threshold")) {
    const auto threshold = number.as_uint("a threshold");
    if (threshold == 0 || threshold > k_most_signers) {
      throw wrong_policy(number, fmt::format("a threshold is a number from 1 to {}", k_most_signers));
    }
    policy.trust.minimum_threshold[policy_role(role)] = threshold;
  }
}

void read_schemes(const YamlNode& node, bundle::Policy& policy) {
  static const std::vector<std::string> k_schemes = {"ed25519", "ecdsa-sha2-nistp256", "rsassa-pss-sha256"};
  for (const auto& item : policy_items(node, "schemes")) {
    const auto found = trust::find_scheme(item.as_string("a scheme"));
    if (!found) {
      throw unknown_in_policy(item, "signature scheme", k_schemes);
    }
    policy.trust.schemes.push_back(*found);
  }
}

void read_lifetimes(const YamlNode& node, bundle::Policy& policy) {
  for (const auto& [role, longest] : policy_members(node, "longest_lifetime")) {
    policy.trust.longest_lifetime[policy_role(role)] = policy_duration(longest, "longest_lifetime");
  }
}

void read_namespaces(const YamlNode& node, bundle::Policy& policy) {
  const auto ids = ecosystem_ids();
  for (const auto& [channel, rules] : policy_members(node, "namespaces")) {
    const auto key = channel.as_string("a channel");
    at_node(channel, [&] { bundle::check_namespaces_key(key); });
    auto& namespaces = policy.namespaces[key];
    // An empty list is a channel that may bring nothing; that is said so, and not by a list that was forgotten.
    for (const auto& item : rules.is_sequence() ? rules.items() : policy_items(rules, "namespaces")) {
      const auto rule = item.as_string("a namespace");
      at_node(item, [&] { namespaces.add(rule); });
      const std::string ecosystem(bundle::Namespaces::ecosystem_of(rule));
      if (std::ranges::find(ids, ecosystem) == ids.end()) {
        throw unknown_in_policy(YamlNode::make_scalar(ecosystem, item.position()), "ecosystem", ids);
      }
    }
  }
}

void read_channels(const YamlNode& node, bundle::Policy& policy) {
  for (const auto& item : policy_items(node, "channels")) {
    const auto name = item.as_string("a channel");
    if (!bundle::is_channel_name(name)) {
      throw wrong_policy(item, fmt::format("'{}' is no channel's name", base::printable(name, 80)))
          .with_hint("lower-case letters, digits and -, 63 at most: the `name` of the producer's manifest");
    }
    if (std::ranges::find(policy.channel_order, name) != policy.channel_order.end()) {
      throw wrong_policy(item, fmt::format("channel '{}' is named twice", name));
    }
    policy.channel_order.push_back(name);
  }
}

using LimitKey = PolicyKey<bundle::BundleLimits>;
const std::array k_limit_keys = {
    LimitKey{"blob", "no limit",
             [](const YamlNode& node, bundle::BundleLimits& limits) { limits.blob = policy_bytes(node, "blob"); }},
    LimitKey{"bytes", "no limit",
             [](const YamlNode& node, bundle::BundleLimits& limits) { limits.bytes = policy_bytes(node, "bytes"); }},
    LimitKey{"blobs", "no limit",
             [](const YamlNode& node, bundle::BundleLimits& limits) { limits.blobs = node.as_uint("blobs"); }},
    LimitKey{"files", "no limit",
             [](const YamlNode& node, bundle::BundleLimits& limits) { limits.files = node.as_uint("files"); }},
    LimitKey{"artifacts", "no limit",
             [](const YamlNode& node, bundle::BundleLimits& limits) { limits.artifacts = node.as_uint("artifacts"); }},
    LimitKey{"roles", "no limit",
             [](const YamlNode& node, bundle::BundleLimits& limits) { limits.roles = node.as_uint("roles"); }},
};

// Keys whose value is a mapping with a table of its own are read after the others.
using SiteKey = PolicyKey<SitePolicy>;
void read_later(const YamlNode& /*node*/, SitePolicy& /*policy*/) {}

const std::array k_site_keys = {
    SiteKey{"minimum_threshold", "1 for every role",
            [](const YamlNode& node, SitePolicy& policy) { read_thresholds(node, policy.bundle); }},
    SiteKey{"schemes", "all: ed25519, ecdsa-sha2-nistp256, rsassa-pss-sha256",
            [](const YamlNode& node, SitePolicy& policy) { read_schemes(node, policy.bundle); }},
    SiteKey{"longest_lifetime", "no limit",
            [](const YamlNode& node, SitePolicy& policy) { read_lifetimes(node, policy.bundle); }},
    SiteKey{"largest_version_jump", "1000000",
            [](const YamlNode& node, SitePolicy& policy) {
              policy.bundle.trust.largest_version_jump = node.as_uint("largest_version_jump");
            }},
    SiteKey{"local_approvals", "0",
            [](const YamlNode& node, SitePolicy& policy) {
              policy.bundle.local_approvals = node.as_uint("local_approvals");
            }},
    SiteKey{
        "expired_approvals", "0",
        [](const YamlNode& node, SitePolicy& policy) { policy.expired_approvals = node.as_uint("expired_approvals"); }},
    SiteKey{"namespaces", "every channel may bring everything",
            [](const YamlNode& node, SitePolicy& policy) { read_namespaces(node, policy.bundle); }},
    SiteKey{"channels", "the newest import first",
            [](const YamlNode& node, SitePolicy& policy) { read_channels(node, policy.bundle); }},
    SiteKey{"clock_tolerance", "24h",
            [](const YamlNode& node, SitePolicy& policy) {
              at_node(node, [&] { policy.bundle.clock_tolerance = policy_duration(node, "clock_tolerance"); });
            }},
    SiteKey{"limits", "", &read_later},
    SiteKey{"scan", "", &read_later},
};

void read_all(const YamlNode& root, SitePolicy& policy) {
  read_policy_mapping<SitePolicy>(root, "policy", "", k_site_keys, policy, policy.values);
  const auto section = [&root](std::string_view name) {
    const auto* found = root.is_mapping() ? root.find(name) : nullptr;
    return found != nullptr ? *found : YamlNode();
  };
  std::erase_if(policy.values, [](const PolicyValue& value) { return value.key == "limits" || value.key == "scan"; });
  read_policy_mapping<bundle::BundleLimits>(section("limits"), "limit", "limits.", k_limit_keys, policy.bundle.limits,
                                            policy.values);
  policy.scan = read_scan_settings(section("scan"), policy.values);
}

// A policy that others can change decides nothing.
void require_ours(const struct stat& info, const fs::path& path, const Home& home) {
  struct stat home_info = {};
  const bool has_home = ::stat(home.root.c_str(), &home_info) == 0;
  const bool ours = info.st_uid == 0 || info.st_uid == ::geteuid() || (has_home && info.st_uid == home_info.st_uid);
  if (!ours) {
    throw Error(ErrorCode::config,
                fmt::format("{} belongs to user {}, who could change this site's policy", path.string(), info.st_uid))
        .with_hint(fmt::format("make it root's or your own: chown root {}", path.string()));
  }
  const bool kept_by_sticky = S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0;
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !kept_by_sticky) {
    throw Error(ErrorCode::config,
                fmt::format("others than its owner can write to {} (mode {:04o}), and so change this "
                            "site's policy",
                            path.string(), info.st_mode & 07777U))
        .with_hint(fmt::format("chmod go-w {}", path.string()));
  }
}

}  // namespace

SitePolicy parse_site_policy(std::string_view text, const std::string& file) {
  SitePolicy policy;
  policy.file = file;
  policy.present = true;
  try {
    read_all(base::parse_yaml(text, file), policy);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::manifest) {
      throw;
    }
    // The reader of YAML serves manifests first and names them; here the mistake is in the policy.
    throw base::with_code(error, ErrorCode::config);
  }
  return policy;
}

SitePolicy load_site_policy(const Home& home) {
  const auto path = home.config / "policy.yaml";
  std::error_code ignored;
  if (fs::symlink_status(path, ignored).type() == fs::file_type::not_found) {
    auto policy = parse_site_policy("", path.string());
    policy.present = false;
    return policy;
  }
  const auto file = base::open_for_reading(path);
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) {
    throw base::system_error(errno, fmt::format("cannot look at {}", path.string()));
  }
  require_ours(info, path, home);
  struct stat folder_info = {};
  if (::stat(home.config.c_str(), &folder_info) == 0) {
    require_ours(folder_info, home.config, home);
  }
  base::FileSource source(file.get(), 0, base::file_size(file.get(), path.string()), path.string());
  return parse_site_policy(base::read_all(source, k_policy_limit), path.string());
}

bundle::Policy load_policy(const Home& home) {
  return load_site_policy(home).bundle;
}

bundle::Policy parse_policy(std::string_view text, const std::string& file) {
  return parse_site_policy(text, file).bundle;
}

}  // namespace airlock::workflow
