#include "bundle/inspection.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/head_checks.hpp"
#include "bundle/inspected_artifacts.hpp"
#include "bundle/state_checks.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;
using Result = InspectionCheck::Result;

namespace {

// Reads the roles of a head under its own newest root, and notes what holds.
class Inspector {
 public:
  Inspector(const Head& head, base::Time now) : m_head(head), m_now(now) {}

  Inspection run() {
    m_result.file = base::printable(m_head.file().filename().string());
    m_result.head_bytes = m_head.size();
    m_result.channel = m_head.hint().channel;
    m_result.serial = m_head.hint().serial;
    m_result.created = m_head.hint().created;
    const bool rooted = check("the chain of roots in it is whole", [&] { read_roots(); });
    const bool read = rooted && check("the roles are signed by the keys of that root", [&] { read_roles(); });
    if (read) {
      check("enough people approved it", [&] { check_approvals(); });
      const bool described = check("the descriptor fits the roles", [&] { read_descriptor(); });
      if (described) {
        check_seal();
      }
      // After the seal, which is what makes the timestamp one of the files that belong here.
      check("every listed file is here, unchanged, and nothing else", [&] {
        check_members(m_head, m_set);
        check_delegations(m_set);
        check_top_level(m_set.targets);
      });
      if (described) {
        check("catalogs, sums and index fit the descriptor", [&] { read_state(); });
      }
      check("nothing has expired", [&] { check_expiry(); });
    }
    m_result.checks.push_back({.result = Result::not_possible,
                               .what = "the root is the one that this site trusts",
                               .detail = "compare the fingerprint over a second channel"});
    m_result.checks.push_back({.result = Result::not_possible,
                               .what = "the blobs are complete and undamaged",
                               .detail = "only the head was read; 'airlock bundle verify' reads everything"});
    return std::move(m_result);
  }

 private:
  template <typename Function>
  bool check(const std::string& what, Function&& function) {
    InspectionCheck entry{.what = what, .detail = {}};
    try {
      std::forward<Function>(function)();
    } catch (const Error& error) {
      entry.result = Result::failed;
      entry.detail = fmt::format("{} ({})", base::printable(error.message()), base::error_code_info(error.code()).name);
    }
    m_result.checks.push_back(entry);
    return entry.result == Result::passed;
  }

  std::string required(const std::string& name) const {
    auto bytes = m_head.metadata(name);
    if (!bytes) {
      throw Error(ErrorCode::tampered, fmt::format("'{}' is not in the bundle", name));
    }
    return std::move(*bytes);
  }

  void read_roots() {
    std::string first = required("1.root.json");
    const trust::SignedFile first_file = trust::parse_signed(first, "root", trust::k_root_limit);
    m_result.first_root_fingerprint = trust::identity(first_file).hex();
    for (std::uint64_t version = 1; auto bytes = m_head.metadata(trust::metadata_file_name("root", version));
         ++version) {
      m_set.root_file = trust::parse_signed(std::move(*bytes), "root", trust::k_root_limit);
    }
    m_set.root = trust::parse_root(m_set.root_file);
    m_result.root_version = m_set.root.version;
    m_result.root_fingerprint = trust::identity(m_set.root_file).hex();
    m_result.expiry["root"] = base::to_rfc3339(m_set.root.expires);
    check_root_chain(m_head, trust::parse_root(first_file), first);
  }

  // The newest file of a role: drafts have no timestamp that would name it.
  std::string newest(std::string_view role) const {
    const std::string suffix = fmt::format(".{}.json", role);
    std::pair<std::size_t, std::string> best;  // versions compare as numbers: longer is larger
    for (const std::string& name : m_head.metadata_names()) {
      if (name.ends_with(suffix)) {
        best = std::max(best, {name.size(), name});
      }
    }
    return required(best.second.empty() ? suffix.substr(1) : best.second);
  }

  void read_roles() {
    const auto& roles = m_set.root.roles;
    m_set.snapshot_file = trust::parse_signed(newest("snapshot"), "snapshot", trust::k_metadata_ceiling);
    m_set.snapshot = trust::parse_snapshot(m_set.snapshot_file);
    m_result.bundle_id = trust::identity(m_set.snapshot_file).hex();
    note_role("snapshot", m_set.snapshot);
    m_set.targets_file = read_described("targets", roles.at("targets"), m_set.root.keys);
    m_set.targets = trust::parse_targets(m_set.targets_file);
    note_role("targets", m_set.targets);
    for (const trust::DelegatedRole& role : m_set.targets.roles) {
      trust::SignedFile file = read_described(role.name, role.keys, m_set.targets.delegation_keys);
      trust::Targets value = trust::parse_targets(file);
      note_role(role.name, value);
      m_set.delegated_files.insert_or_assign(role.name, std::move(file));
      m_set.delegated.insert_or_assign(role.name, std::move(value));
    }
  }

  trust::SignedFile read_described(const std::string& role, const trust::RoleKeys& keys,
                                   const std::map<std::string, trust::PublicKey>& key_values) const {
    const auto meta = m_set.snapshot.meta.find(role + ".json");
    if (meta == m_set.snapshot.meta.end()) {
      throw Error(ErrorCode::tampered, fmt::format("snapshot does not list role '{}'", base::printable(role, 60)));
    }
    std::string bytes = required(trust::metadata_file_name(role, meta->second.version));
    if (!trust::matches(meta->second, bytes)) {
      throw Error(ErrorCode::tampered,
                  fmt::format("role '{}' differs from what snapshot lists", base::printable(role, 60)));
    }
    trust::SignedFile file = trust::parse_signed(std::move(bytes), role, trust::k_metadata_ceiling);
    trust::require_threshold(file, role, keys, key_values);
    return file;
  }

  void note_role(const std::string& role, const trust::RoleCommon& common) {
    m_result.expiry[role] = base::to_rfc3339(common.expires);
    m_earliest_expiry = std::min(m_earliest_expiry, common.expires);
    if (m_channel.empty()) {
      m_channel = common.channel;
    }
    if (common.channel.empty() || common.channel != m_channel) {
      throw Error(ErrorCode::foreign, fmt::format("role '{}' is for another channel", base::printable(role, 60)));
    }
  }

  void check_approvals() {
    const trust::RoleKeys& wanted = m_set.root.roles.at("snapshot");
    m_result.approvals_needed = wanted.threshold;
    for (const trust::Signature& signature : m_set.snapshot_file.signatures) {
      trust::SignedFile alone = m_set.snapshot_file;
      alone.signatures = {signature};
      if (trust::count_signers(alone, wanted, m_set.root.keys) == 1) {
        m_result.approvers.push_back(signature.keyid);
      }
    }
    if (trust::count_signers(m_set.snapshot_file, wanted, m_set.root.keys) < wanted.threshold) {
      throw Error(ErrorCode::approval_missing,
                  fmt::format("{} of {} have signed", m_result.approvers.size(), wanted.threshold));
    }
  }

  void read_descriptor() {
    m_descriptor = open_descriptor(m_head, m_set);
    m_result.channel = m_descriptor.channel;
    m_result.serial = m_descriptor.serial;
    m_result.created = base::to_rfc3339(m_descriptor.created);
    m_result.tool = m_descriptor.tool;
    m_result.previous = m_descriptor.previous;
    m_result.platforms = m_descriptor.platforms;
    m_result.waivers = m_descriptor.waivers;
    m_result.blobs = m_descriptor.blobs;
    m_result.bytes = m_descriptor.bytes;
  }

  void check_seal() {
    if (!m_head.metadata("timestamp.json") && m_head.shipment().empty()) {
      m_result.checks.push_back({.result = Result::not_possible,
                                 .what = "timestamp and shipment are signed and name this state",
                                 .detail = "this is a draft: it was not sealed yet"});
      return;
    }
    check("timestamp and shipment are signed and name this state", [&] {
      m_set.timestamp_file = trust::parse_signed(required("timestamp.json"), "timestamp", trust::k_timestamp_limit);
      trust::require_threshold(m_set.timestamp_file, "timestamp", m_set.root.roles.at("timestamp"), m_set.root.keys);
      m_set.timestamp = trust::parse_timestamp(m_set.timestamp_file);
      note_role("timestamp", m_set.timestamp);
      if (!trust::matches(m_set.timestamp.snapshot, m_set.snapshot_file.bytes)) {
        throw Error(ErrorCode::tampered, "the timestamp names another snapshot");
      }
      check_own_form(m_set.timestamp_file.bytes, "timestamp.json");
      check_no_idle_signature(m_set.timestamp_file.canonical, m_set.timestamp_file.signatures, m_set.root,
                              "timestamp.json");
      m_result.shipment = open_shipment(m_head, m_set, m_descriptor);
      check_hint(m_head, m_descriptor, *m_result.shipment);
      check_shipment_counts(m_head, m_descriptor, *m_result.shipment);
      m_result.sealed = true;
    });
  }

  void read_state() {
    ArtifactCollector collector(m_result);
    const Shipment* const shipment = m_result.shipment ? &*m_result.shipment : nullptr;
    StateContents contents =
        check_state(m_head, m_set, m_descriptor, shipment, [&](const model::FileRow& row) { collector.add(row); });
    collector.finish();
    m_result.attachments = std::move(contents.attachments);
    m_result.revoked = std::move(contents.revoked);
  }

  void check_expiry() {
    const base::Time earliest = std::min(m_earliest_expiry, m_set.root.expires);
    if (earliest <= m_now) {
      throw Error(ErrorCode::expired, fmt::format("a role expired on {}", base::to_rfc3339(earliest)));
    }
  }

  const Head& m_head;
  base::Time m_now;
  Inspection m_result;
  trust::TrustedSet m_set;  // by name only: its root is the head's own
  Descriptor m_descriptor;
  std::string m_channel;
  base::Time m_earliest_expiry = base::Time::max();
};

}  // namespace

Inspection inspect(const Head& head, base::Time now) {
  return Inspector(head, now).run();
}

std::string Inspection::approval_text() const {
  const std::size_t count = approvers.size();
  if (count < approvals_needed) {
    return fmt::format("a draft with {} of {} approvals", count, approvals_needed);
  }
  if (approvals_needed == 1 && count == 1) {
    return "one person approved this";
  }
  return fmt::format("{} people approved this, {} were needed", count, approvals_needed);
}

std::string Inspection::shipment_text() const {
  if (!shipment) {
    return "draft";
  }
  if (shipment->kind != Shipment::Kind::delta) {
    return shipment->kind == Shipment::Kind::full ? "full" : "metadata only";
  }
  std::string text = "delta";
  for (std::size_t i = 0; i < shipment->bases.size(); ++i) {
    text += fmt::format("{}{}", i == 0 ? " on " : ", ", shipment->bases[i].serial);
  }
  return text;
}

}  // namespace airlock::bundle
