#include "bundle/inspection.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/draft_proof.hpp"
#include "bundle/head_checks.hpp"
#include "bundle/head_roles.hpp"
#include "bundle/inspected_artifacts.hpp"
#include "bundle/state_checks.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;
using Result = InspectionCheck::Result;

namespace {

constexpr std::string_view k_root_check = "the root is the one that is trusted here";

// Reads the roles of a head under its own newest root, and notes what holds.
class Inspector {
 public:
  Inspector(const Head& head, base::Time now, const model::BelongingRule& belongs)
      : m_head(head), m_now(now), m_belongs(belongs) {}

  Inspection run() {
    m_result.file = base::printable(m_head.file().filename().string());
    m_result.head_bytes = m_head.size();
    m_result.channel = m_head.hint().channel;
    m_result.serial = m_head.hint().serial;
    m_result.created = m_head.hint().created;
    const bool rooted = check("the chain of roots in it is whole", [&] { read_roots(); });
    const bool read = rooted && check("the roles are signed by the keys of that root", [&] { read_roles(); });
    if (read) {
      check_approvals();
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
        std::optional<Error> stranger;
        const bool whole = check("catalogs, sums and index fit the descriptor", [&] { read_state(stranger); });
        if (m_belongs && (whole || stranger)) {
          check("every path belongs to the artifact that it is listed under", [&] {
            if (stranger) {
              throw Error(*stranger);
            }
          });
        }
      }
      check("nothing has expired", [&] { check_expiry(); });
      if (m_descriptor.created > m_now + Policy().clock_tolerance) {
        check("it was not made later than now", [&] { refuse_future(); });
      }
    }
    m_result.checks.push_back({.result = Result::not_possible,
                               .what = std::string(k_root_check),
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
    m_set.root_file = newest_root_file(m_head);
    m_set.root = trust::parse_root(m_set.root_file);
    m_result.root_version = m_set.root.version;
    m_result.root_fingerprint = trust::identity(m_set.root_file).hex();
    m_result.expiry["root"] = base::to_rfc3339(m_set.root.expires);
    check_root_chain(m_head, trust::parse_root(first_file), first);
  }

  void read_roles() {
    m_set = bundle::read_roles(m_head, std::move(m_set.root_file), std::move(m_set.root));
    m_result.bundle_id = trust::identity(m_set.snapshot_file).hex();
    m_result.snapshot_version = m_set.snapshot.version;
    note_role("snapshot", m_set.snapshot);
    note_role("targets", m_set.targets);
    for (const auto& [name, role] : m_set.delegated) {
      note_role(name, role);
    }
  }

  void note_role(const std::string& role, const trust::RoleCommon& common) {
    m_result.expiry[role] = base::to_rfc3339(common.expires);
    m_earliest_expiry = std::min(m_earliest_expiry, common.expires);
  }

  bool is_draft() const { return !m_head.metadata("timestamp.json") && m_head.shipment().empty(); }

  // Of a draft, people who have not signed yet are no failure: they are those who read this.
  void check_approvals() {
    bool pending = false;
    check("enough people approved it", [&] {
      const ApprovalCount count = count_approvals(m_set.snapshot_file, m_set.root);
      m_result.approvals_needed = count.threshold;
      m_result.approvers = count.approved;
      m_result.not_approved = count.missing;
      pending = !count.complete() && is_draft();
      if (!count.complete() && !pending) {
        throw Error(ErrorCode::approval_missing,
                    fmt::format("{} of {} have signed", count.approved.size(), count.threshold));
      }
    });
    if (pending) {
      m_result.checks.back().result = Result::pending;
      m_result.checks.back().detail =
          fmt::format("{} of {} have signed", m_result.approvers.size(), m_result.approvals_needed);
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
    if (is_draft()) {
      m_result.checks.push_back({.result = Result::pending,
                                 .what = "timestamp and shipment are signed and name this state",
                                 .detail = "this is a draft"});
      return;
    }
    check("timestamp and shipment are signed and name this state", [&] {
      m_set.timestamp_file = trust::parse_signed(required("timestamp.json"), "timestamp", trust::k_timestamp_limit);
      trust::require_threshold(m_set.timestamp_file, "timestamp", m_set.root.roles.at("timestamp"), m_set.root.keys);
      m_set.timestamp = trust::parse_timestamp(m_set.timestamp_file);
      note_role("timestamp", m_set.timestamp);
      if (m_set.timestamp.channel != m_set.snapshot.channel) {
        throw Error(ErrorCode::foreign, "the timestamp is for another channel");
      }
      if (!trust::matches(m_set.timestamp.snapshot, m_set.snapshot_file.bytes)) {
        throw Error(ErrorCode::tampered, "the timestamp names another snapshot");
      }
      check_own_form(m_set.timestamp_file.bytes, "timestamp.json", trust::k_timestamp_limit);
      check_no_idle_signature(m_set.timestamp_file.canonical, m_set.timestamp_file.signatures, m_set.root,
                              "timestamp.json");
      m_result.shipment = open_shipment(m_head, m_set, m_descriptor);
      check_hint(m_head, m_descriptor, *m_result.shipment);
      check_shipment_counts(m_head, m_descriptor, *m_result.shipment);
      m_result.sealed = true;
    });
  }

  // `stranger`: the first row that fills another path than its artifact has.
  void read_state(std::optional<Error>& stranger) {
    ArtifactCollector collector(m_result, m_belongs);
    const Shipment* const shipment = m_result.shipment ? &*m_result.shipment : nullptr;
    StateContents contents = check_state(m_head, m_set, m_descriptor, shipment, [&](const model::FileRow& row) {
      collector.add(row);
      try {
        require_belonging(m_belongs, row);
      } catch (const Error& error) {
        if (!stranger) {
          stranger = error;
        }
      }
    });
    collector.finish();
    m_result.attachments = std::move(contents.attachments);
    m_result.revoked = std::move(contents.revoked);
  }

  void refuse_future() const {
    throw Error(ErrorCode::clock,
                fmt::format("it was made on {}, and here it is {}: the builder's clock, or this one, is wrong",
                            base::to_rfc3339(m_descriptor.created), base::to_rfc3339(m_now)));
  }

  void check_expiry() {
    const base::Time earliest = std::min(m_earliest_expiry, m_set.root.expires);
    if (earliest <= m_now) {
      throw Error(ErrorCode::expired, fmt::format("a role expired on {}", base::to_rfc3339(earliest)));
    }
  }

  const Head& m_head;
  base::Time m_now;
  const model::BelongingRule& m_belongs;
  Inspection m_result;
  trust::TrustedSet m_set;  // by name only: its root is the head's own
  Descriptor m_descriptor;
  base::Time m_earliest_expiry = base::Time::max();
};

}  // namespace

Inspection inspect(const Head& head, base::Time now, const model::BelongingRule& belongs) {
  return Inspector(head, now, belongs).run();
}

std::string serial_remark(const Inspection& inspection, const InspectionDiff* diff) {
  constexpr std::uint64_t k_slack = 10;  // serials: so few do no harm
  if (diff != nullptr && diff->is_previous && inspection.serial > diff->before_serial + 1) {
    return fmt::format("leaps from {} to {}, and a serial rises by one; ask the one who built it", diff->before_serial,
                       inspection.serial);
  }
  if (inspection.snapshot_version > 0 && inspection.serial > inspection.snapshot_version + k_slack) {
    return fmt::format(
        "{} is far ahead of the snapshot's version {}, and both rise by one with each state; ask the one "
        "who built it",
        inspection.serial, inspection.snapshot_version);
  }
  return "";
}

std::string_view proof_word(model::Verified verified) {
  return verified == model::Verified::none ? "unproven" : model::to_string(verified);
}

void Inspection::root_is_trusted(const std::string& root) {
  for (InspectionCheck& check : checks) {
    if (check.what == k_root_check) {
      check.result = Result::passed;
      check.detail = root;
    }
  }
}

std::string Inspection::approval_text() const {
  const std::size_t count = approvers.size();
  if (count < approvals_needed) {
    return fmt::format("a draft: {} of {} people have approved it", count, approvals_needed);
  }
  const std::string_view open = sealed || approvals_needed == 0 ? "" : "; it is not sealed yet";
  if (count == 1) {
    return fmt::format("one person approved this{}", open);
  }
  return fmt::format("{} people approved this, {} {} needed{}", count, approvals_needed,
                     approvals_needed == 1 ? "was" : "were", open);
}

std::string Inspection::next_step() const {
  if (sealed || approvals_needed == 0) {
    return "";
  }
  if (approvers.size() >= approvals_needed) {
    return "airlock bundle seal, where the timestamp key is";
  }
  return fmt::format("{} more of those who have not signed run airlock bundle sign; then airlock bundle seal",
                     approvals_needed - approvers.size());
}

std::string Inspection::person(const std::string& keyid) const {
  constexpr std::size_t k_shown = 12;  // hex digits of a keyid
  const auto name = names.find(keyid);
  const std::string key = fmt::format("key {}", keyid.substr(0, k_shown));
  return name == names.end() ? key : fmt::format("{}, {}", base::printable(name->second, 60), key);
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
