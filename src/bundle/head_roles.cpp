#include "bundle/head_roles.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/approval.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;

namespace {

std::string required_metadata(const Head& head, const std::string& name) {
  auto bytes = head.metadata(name);
  if (!bytes) {
    throw Error(ErrorCode::tampered, fmt::format("'{}' is not in the bundle", name));
  }
  return std::move(*bytes);
}

trust::SignedFile read_described(const Head& head, const trust::Snapshot& snapshot, const std::string& role,
                                 const trust::RoleKeys& keys, const std::map<std::string, trust::PublicKey>& values) {
  const auto meta = snapshot.meta.find(role + ".json");
  if (meta == snapshot.meta.end()) {
    throw Error(ErrorCode::tampered, fmt::format("snapshot does not list role '{}'", base::printable(role, 60)));
  }
  std::string bytes = required_metadata(head, trust::metadata_file_name(role, meta->second.version));
  if (!trust::matches(meta->second, bytes)) {
    throw Error(ErrorCode::tampered,
                fmt::format("role '{}' differs from what snapshot lists", base::printable(role, 60)));
  }
  trust::SignedFile file = trust::parse_signed(std::move(bytes), role, trust::k_targets_limit);
  trust::require_threshold(file, role, keys, values);
  return file;
}

void require_channel(const trust::RoleCommon& common, std::string_view role, std::string_view channel) {
  if (common.channel.empty() || common.channel != channel) {
    throw Error(ErrorCode::foreign, fmt::format("role '{}' is for another channel", base::printable(role, 60)));
  }
}

}  // namespace

trust::SignedFile newest_root_file(const Head& head) {
  std::string newest = required_metadata(head, "1.root.json");
  for (std::uint64_t version = 2; auto bytes = head.metadata(trust::metadata_file_name("root", version)); ++version) {
    newest = std::move(*bytes);
  }
  return trust::parse_signed(std::move(newest), "root", trust::k_root_limit);
}

trust::TrustedSet read_roles(const Head& head, trust::SignedFile root_file, trust::Root root) {
  trust::TrustedSet set;
  set.root_file = std::move(root_file);
  set.root = std::move(root);
  HeadSnapshot snapshot = snapshot_of(head);
  set.snapshot_file = std::move(snapshot.file);
  set.snapshot = std::move(snapshot.value);
  require_channel(set.snapshot, "snapshot", set.snapshot.channel);
  set.targets_file = read_described(head, set.snapshot, "targets", set.root.roles.at("targets"), set.root.keys);
  set.targets = trust::parse_targets(set.targets_file);
  require_channel(set.targets, "targets", set.snapshot.channel);
  for (const trust::DelegatedRole& role : set.targets.roles) {
    trust::SignedFile file = read_described(head, set.snapshot, role.name, role.keys, set.targets.delegation_keys);
    trust::Targets value = trust::parse_targets(file);
    require_channel(value, role.name, set.snapshot.channel);
    set.delegated_files.insert_or_assign(role.name, std::move(file));
    set.delegated.insert_or_assign(role.name, std::move(value));
  }
  return set;
}

}  // namespace airlock::bundle
