// The `signed` part of each role, read (TUF 1.0.34, sections 4.3 to 4.6).
#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "trust/metadata.hpp"

namespace airlock::trust {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;

constexpr std::size_t k_name_limit = 1'024;  // bytes of a role name or target path

[[noreturn]] void refuse(std::string_view role, const std::string& why) {
  throw Error(ErrorCode::malformed, std::string(role) + ": " + why);
}

const Json& object_member(const Json& object, std::string_view key, std::string_view role) {
  const Json& value = base::member(object, key, role);
  if (!value.is_object()) {
    refuse(role, "`" + std::string(key) + "` is not an object");
  }
  return value;
}

bool bool_member(const Json& object, std::string_view key, std::string_view role) {
  const Json& value = base::member(object, key, role);
  if (!value.is_boolean()) {
    refuse(role, "`" + std::string(key) + "` is neither true nor false");
  }
  return value.get<bool>();
}

std::uint64_t positive_member(const Json& object, std::string_view key, std::string_view role) {
  const std::uint64_t value = base::uint_member(object, key, role);
  if (value == 0) {
    refuse(role, "`" + std::string(key) + "` is 0");
  }
  return value;
}

std::vector<std::string> string_list(const Json& value, std::string_view key, std::string_view role) {
  if (!value.is_array()) {
    refuse(role, "`" + std::string(key) + "` is not an array");
  }
  std::vector<std::string> list;
  for (const auto& element : value) {
    if (!element.is_string()) {
      refuse(role, "`" + std::string(key) + "` holds something else than strings");
    }
    list.push_back(element.get<std::string>());
  }
  return list;
}

bool has_only(std::string_view text, std::string_view other_characters) {
  return std::ranges::all_of(text, [&](char c) {
    const bool alphanumeric = base::is_alphanumeric(c);
    return alphanumeric || other_characters.find(c) != std::string_view::npos;
  });
}

bool is_own_role_name(std::string_view name) {
  constexpr std::size_t limit = 32;
  return !name.empty() && name.size() <= limit && name.front() >= 'a' && name.front() <= 'z' && has_only(name, "-") &&
         base::to_lower(name) == name;
}

bool is_own_target_path(std::string_view path) {
  return !path.empty() && has_only(path, "._+~/@-");
}

// "1.x" or "1.x.y" with plain numbers; early repositories wrote "1.0".
bool is_spec_version_1(std::string_view text) {
  const auto parts = base::split(text, '.');
  const auto is_number = [](std::string_view part) {
    return !part.empty() && part.size() <= 5 && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return (parts.size() == 2 || parts.size() == 3) && parts[0] == "1" && std::ranges::all_of(parts, is_number);
}

void read_common(const Json& part, std::string_view role, RoleCommon& common) {
  const std::string type = base::string_member(part, "_type", role);
  if (type != role) {
    refuse(role, "`_type` is '" + base::printable(type, 60) + "'");
  }
  const std::string spec_version = base::string_member(part, "spec_version", role);
  if (!is_spec_version_1(spec_version)) {
    throw Error(ErrorCode::unsupported, std::string(role) + ": written for version '" +
                                            base::printable(spec_version, 60) +
                                            "' of the TUF specification; this airlock reads version 1");
  }
  common.version = positive_member(part, "version", role);
  if (part.contains("channel")) {
    common.channel = base::string_member(part, "channel", role);
    if (!is_channel_name(common.channel)) {
      refuse(role, "`channel` is not a channel's name");
    }
  }
  const std::string expires = base::string_member(part, "expires", role);
  if (!common.channel.empty() && !base::is_plain_utc(expires)) {
    refuse(role, "`expires` is not of the form 2026-07-01T12:00:00Z");
  }
  common.expires = base::parse_rfc3339(expires);
}

std::map<std::string, PublicKey> read_keys(const Json& object, std::string_view role, KeyidCheck check) {
  if (object.size() > k_key_limit) {
    throw Error(ErrorCode::limit, std::string(role) + ": more than " + std::to_string(k_key_limit) + " keys");
  }
  std::map<std::string, PublicKey> keys;
  for (const auto& [keyid, value] : object.items()) {
    try {
      PublicKey key = PublicKey::from_json(value, check == KeyidCheck::enforce ? KeyForms::own : KeyForms::foreign);
      if (check == KeyidCheck::enforce && key.keyid() != keyid) {
        throw Error(ErrorCode::untrusted, "the keyid is not the hash of its key");
      }
      keys.emplace(keyid, std::move(key));
    } catch (Error& error) {
      // A foreign key that we cannot verify with only makes its role harder to satisfy.
      if (check == KeyidCheck::enforce || error.code() != ErrorCode::unsupported) {
        error.with_context("reading key '" + base::printable(keyid, 80) + "' of " + std::string(role));
        throw;
      }
    }
  }
  return keys;
}

RoleKeys read_role_keys(const Json& object, std::string_view role, const std::map<std::string, PublicKey>& keys,
                        KeyidCheck check) {
  RoleKeys result;
  result.keyids = string_list(base::member(object, "keyids", role), "keyids", role);
  result.threshold = positive_member(object, "threshold", role);
  std::set<std::string> seen;
  for (const auto& keyid : result.keyids) {
    if (!seen.insert(keyid).second) {
      refuse(role, "a role lists one keyid twice");
    }
    if (check == KeyidCheck::enforce && !keys.contains(keyid)) {
      refuse(role, "a role lists a keyid for which there is no key");
    }
  }
  return result;
}

std::map<std::string, std::string> read_hashes(const Json& object, std::string_view role) {
  std::map<std::string, std::string> hashes;
  for (const auto& [algorithm, value] : object.items()) {
    if (!value.is_string()) {
      refuse(role, "a hash is not a string");
    }
    hashes.emplace(algorithm, value.get<std::string>());
  }
  return hashes;
}

MetaFile read_meta(const Json& object, std::string_view role) {
  MetaFile meta;
  meta.version = positive_member(object, "version", role);
  if (object.contains("length")) {
    meta.length = base::uint_member(object, "length", role);
  }
  if (object.contains("hashes")) {
    meta.hashes = read_hashes(object_member(object, "hashes", role), role);
  }
  return meta;
}

TargetFile read_target(const Json& object, std::string_view role) {
  TargetFile target;
  target.length = base::uint_member(object, "length", role);
  target.hashes = read_hashes(object_member(object, "hashes", role), role);
  if (target.hashes.empty()) {
    refuse(role, "a target has no hash");
  }
  if (object.contains("custom")) {
    target.custom = object_member(object, "custom", role);
  }
  return target;
}

DelegatedRole read_delegated_role(const Json& object, const Targets& parent, KeyidCheck check) {
  DelegatedRole role;
  role.name = base::string_member(object, "name", "targets");
  if (role.name.empty() || role.name.size() > k_name_limit || is_top_level_role(role.name) ||
      (!parent.channel.empty() && !is_own_role_name(role.name))) {
    refuse("targets", "'" + base::printable(role.name, 60) + "' cannot be the name of a delegated role");
  }
  role.keys = read_role_keys(object, "targets", parent.delegation_keys, check);
  role.terminating = bool_member(object, "terminating", "targets");
  const bool has_paths = object.contains("paths");
  if (has_paths == object.contains("path_hash_prefixes")) {
    refuse("targets", "a delegation needs either `paths` or `path_hash_prefixes`");
  }
  if (has_paths) {
    role.paths = string_list(object["paths"], "paths", "targets");
  } else {
    role.path_hash_prefixes = string_list(object["path_hash_prefixes"], "path_hash_prefixes", "targets");
  }
  return role;
}

void read_delegations(const Json& object, Targets& targets, KeyidCheck check) {
  if (object.contains("succinct_roles")) {
    throw Error(ErrorCode::unsupported, "targets: succinct delegations (TAP 15) are not supported");
  }
  targets.delegation_keys = read_keys(object_member(object, "keys", "targets"), "targets", check);
  const Json& roles = base::member(object, "roles", "targets");
  if (!roles.is_array()) {
    refuse("targets", "`roles` is not an array");
  }
  if (roles.size() > k_role_limit) {
    throw Error(ErrorCode::limit, "targets: more than " + std::to_string(k_role_limit) + " delegated roles");
  }
  std::set<std::string> seen;
  for (const auto& entry : roles) {
    DelegatedRole role = read_delegated_role(entry, targets, check);
    if (!seen.insert(role.name).second) {
      refuse("targets", "role '" + base::printable(role.name, 60) + "' is delegated to twice");
    }
    targets.roles.push_back(std::move(role));
  }
}

}  // namespace

bool is_top_level_role(std::string_view name) {
  return name == "root" || name == "timestamp" || name == "snapshot" || name == "targets";
}

bool is_channel_name(std::string_view name) {
  constexpr std::size_t limit = 63;
  return !name.empty() && name.size() <= limit && name.front() != '-' && has_only(name, "-") &&
         base::to_lower(name) == name;
}

Root parse_root(const SignedFile& file, KeyidCheck check) {
  const Json& part = file.signed_part;
  Root root;
  read_common(part, "root", root);
  root.consistent_snapshot = part.contains("consistent_snapshot") && bool_member(part, "consistent_snapshot", "root");
  root.keys = read_keys(object_member(part, "keys", "root"), "root", check);
  const Json& roles = object_member(part, "roles", "root");
  for (const std::string_view name : {"root", "timestamp", "snapshot", "targets"}) {
    root.roles.emplace(std::string(name), read_role_keys(object_member(roles, name, "root"), "root", root.keys, check));
  }
  return root;
}

Timestamp parse_timestamp(const SignedFile& file) {
  Timestamp timestamp;
  read_common(file.signed_part, "timestamp", timestamp);
  const Json& meta = object_member(file.signed_part, "meta", "timestamp");
  timestamp.snapshot = read_meta(object_member(meta, "snapshot.json", "timestamp"), "timestamp");
  return timestamp;
}

Snapshot parse_snapshot(const SignedFile& file) {
  constexpr std::string_view suffix = ".json";
  Snapshot snapshot;
  read_common(file.signed_part, "snapshot", snapshot);
  const Json& meta = object_member(file.signed_part, "meta", "snapshot");
  if (meta.size() > k_role_limit) {
    throw Error(ErrorCode::limit, "snapshot: more than " + std::to_string(k_role_limit) + " roles");
  }
  for (const auto& [name, value] : meta.items()) {
    if (!name.ends_with(suffix) || name.size() == suffix.size() || name.size() > k_name_limit) {
      refuse("snapshot", "'" + base::printable(name, 60) + "' is not the name of a metadata file");
    }
    const bool own_name = is_own_role_name(std::string_view(name).substr(0, name.size() - suffix.size()));
    if (!snapshot.channel.empty() && !own_name) {
      refuse("snapshot", "'" + base::printable(name, 60) + "' is not the name of one of this channel's files");
    }
    snapshot.meta.emplace(name, read_meta(value, "snapshot"));
  }
  return snapshot;
}

Targets parse_targets(const SignedFile& file, KeyidCheck check) {
  Targets targets;
  read_common(file.signed_part, "targets", targets);
  for (const auto& [path, value] : object_member(file.signed_part, "targets", "targets").items()) {
    if (path.size() > k_name_limit || (!targets.channel.empty() && !is_own_target_path(path))) {
      refuse("targets", "'" + base::printable(path, 100) + "' cannot be a target's path");
    }
    targets.targets.emplace(path, read_target(value, "targets"));
  }
  if (file.signed_part.contains("delegations")) {
    read_delegations(object_member(file.signed_part, "delegations", "targets"), targets, check);
  }
  return targets;
}

}  // namespace airlock::trust
