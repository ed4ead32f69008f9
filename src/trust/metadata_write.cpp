// The `signed` part of each role, written, and what a parent says of a file (TUF 1.0.34, section 4).
#include <algorithm>

#include "base/text.hpp"
#include "base/url.hpp"
#include "trust/metadata.hpp"

namespace airlock::trust {

namespace {

using base::Json;

Json common_part(std::string_view type, const RoleCommon& role) {
  Json part = {{"_type", type},
               {"spec_version", k_spec_version},
               {"version", role.version},
               {"expires", base::to_rfc3339(role.expires)}};
  if (!role.channel.empty()) {
    part["channel"] = role.channel;
  }
  return part;
}

Json to_json(const std::map<std::string, PublicKey>& keys) {
  Json object = Json::object();
  for (const auto& [keyid, key] : keys) {
    object[keyid] = key.json();
  }
  return object;
}

Json to_json(const RoleKeys& keys) {
  return {{"keyids", keys.keyids}, {"threshold", keys.threshold}};
}

Json to_json(const MetaFile& meta) {
  Json object = {{"version", meta.version}};
  if (meta.length) {
    object["length"] = *meta.length;
  }
  if (!meta.hashes.empty()) {
    object["hashes"] = meta.hashes;
  }
  return object;
}

Json to_json(const TargetFile& target) {
  Json object = {{"length", target.length}, {"hashes", target.hashes}};
  if (!target.custom.is_null()) {
    object["custom"] = target.custom;
  }
  return object;
}

Json to_json(const DelegatedRole& role) {
  Json object = to_json(role.keys);
  object["name"] = role.name;
  object["terminating"] = role.terminating;
  if (role.path_hash_prefixes.empty()) {
    object["paths"] = role.paths;
  } else {
    object["path_hash_prefixes"] = role.path_hash_prefixes;
  }
  return object;
}

}  // namespace

Json to_signed_part(const Root& role) {
  Json part = common_part("root", role);
  part["consistent_snapshot"] = role.consistent_snapshot;
  part["keys"] = to_json(role.keys);
  Json roles = Json::object();
  for (const auto& [name, keys] : role.roles) {
    roles[name] = to_json(keys);
  }
  part["roles"] = std::move(roles);
  return part;
}

Json to_signed_part(const Timestamp& role) {
  Json part = common_part("timestamp", role);
  part["meta"] = {{"snapshot.json", to_json(role.snapshot)}};
  return part;
}

Json to_signed_part(const Snapshot& role) {
  Json part = common_part("snapshot", role);
  Json meta = Json::object();
  for (const auto& [name, file] : role.meta) {
    meta[name] = to_json(file);
  }
  part["meta"] = std::move(meta);
  return part;
}

Json to_signed_part(const Targets& role) {
  Json part = common_part("targets", role);
  Json targets = Json::object();
  for (const auto& [path, target] : role.targets) {
    targets[path] = to_json(target);
  }
  part["targets"] = std::move(targets);
  if (!role.roles.empty()) {
    Json roles = Json::array();
    for (const auto& delegated : role.roles) {
      roles.push_back(to_json(delegated));
    }
    part["delegations"] = {{"keys", to_json(role.delegation_keys)}, {"roles", std::move(roles)}};
  }
  return part;
}

MetaFile describe(std::string_view bytes, std::uint64_t version) {
  return {.version = version, .length = bytes.size(), .hashes = {{"sha256", base::sha256(bytes).hex()}}};
}

TargetFile describe_target(std::string_view bytes) {
  return {.length = bytes.size(), .hashes = {{"sha256", base::sha256(bytes).hex()}}, .custom = {}};
}

bool hashes_match(const std::map<std::string, std::string>& hashes, std::string_view bytes) {
  bool known = false;
  for (const auto algorithm : {base::HashAlgorithm::sha256, base::HashAlgorithm::sha512}) {
    const auto found = hashes.find(std::string(base::to_string(algorithm)));
    if (found == hashes.end()) {
      continue;
    }
    base::Hasher hasher(algorithm);
    hasher.update(bytes);
    if (base::to_lower(found->second) != hasher.finish().hex()) {
      return false;
    }
    known = true;
  }
  return known;
}

bool matches(const MetaFile& meta, std::string_view bytes) {
  return meta.length.value_or(bytes.size()) == bytes.size() && hashes_match(meta.hashes, bytes);
}

bool matches(const TargetFile& target, std::string_view bytes) {
  return target.length == bytes.size() && hashes_match(target.hashes, bytes);
}

std::string metadata_file_name(std::string_view role, std::optional<std::uint64_t> version) {
  const std::string prefix = version ? std::to_string(*version) + "." : "";
  return prefix + base::percent_encode(role) + ".json";
}

bool delegates(const DelegatedRole& delegated, std::string_view path) {
  if (std::ranges::any_of(delegated.paths, [&](const auto& pattern) { return base::glob_match(pattern, path); })) {
    return true;
  }
  if (delegated.path_hash_prefixes.empty()) {
    return false;
  }
  const std::string digest = base::sha256(path).hex();
  return std::ranges::any_of(delegated.path_hash_prefixes,
                             [&](const auto& prefix) { return digest.starts_with(base::to_lower(prefix)); });
}

}  // namespace airlock::trust
