// Approvals beside a head: found by their content, composed with it, hostile ones told apart from good ones.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/text.hpp"
#include "bundle/approval.hpp"
#include "bundle/documents.hpp"
#include "bundle/folder.hpp"
#include "bundle/layout.hpp"
#include "trust/dsse.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;
using base::Severity;

namespace {

namespace fs = std::filesystem;

struct Found {
  std::string name;  // printable
  Approval approval;
};

class ApprovalSearch {
 public:
  ApprovalSearch(const Head& head, std::vector<base::Finding>& findings)
      : m_head(head), m_findings(findings), m_snapshot(snapshot_of(head)),
        m_bundle_id(trust::identity(m_snapshot.file).hex()), m_root(newest_root()) {}

  void look_at(const ApprovalPlaces& places) {
    ApprovalListing anew;
    ApprovalListing& listing = places.listing ? *places.listing : anew;
    look_into(listing.in(m_head.file().has_parent_path() ? m_head.file().parent_path() : fs::path(".")));
    for (const fs::path& folder : places.folders) {
      look_into(listing.in(folder));
    }
    for (const fs::path& file : places.files) {
      if (const auto entry = ApprovalListing::look_at(file)) {
        take(*entry);
      }
    }
  }

  Head result() {
    if (m_sealed) {
      return m_head.with({{m_snapshot.name, sealed_snapshot(m_sealed->approval).file.bytes},
                          {"timestamp.json", m_sealed->approval.seal->timestamp}},
                         m_sealed->approval.seal->shipment);
    }
    HeadSnapshot merged = m_snapshot;
    for (const Found& found : m_found) {
      guarded(found, [&] {
        HeadSnapshot next = merged;  // all of a file or nothing of it
        merge_approval(next, found.approval, m_root);
        merged = std::move(next);
      });
    }
    return m_head.with({{m_snapshot.name, merged.file.bytes}}, "");
  }

 private:
  trust::Root newest_root() const {
    trust::Root root;
    for (std::uint64_t version = 1; auto bytes = m_head.metadata(trust::metadata_file_name("root", version));
         ++version) {
      root = trust::parse_root(trust::parse_signed(std::move(*bytes), "root", trust::k_root_limit));
    }
    if (root.version == 0) {
      throw Error(ErrorCode::malformed, "the head has no root");
    }
    return root;
  }

  template <typename Function>
  void guarded(const Found& found, Function&& function) {
    try {
      std::forward<Function>(function)();
    } catch (const Error& error) {
      note(Severity::warning, error.code() == ErrorCode::malformed ? ErrorCode::tampered : error.code(), found.name,
           error.message());
    }
  }

  void note(Severity severity, ErrorCode code, const std::string& name, std::string message) {
    if (++m_noted[severity] > k_approval_files_limit) {
      return;  // a flood says no more than its beginning
    }
    const auto same = [&](const base::Finding& finding) {
      return finding.subject == name && finding.message == message;
    };
    if (std::ranges::none_of(m_findings, same)) {
      m_findings.push_back({.severity = severity, .code = code, .subject = name, .message = std::move(message)});
    }
  }

  void look_into(const std::vector<ApprovalListing::Entry>& entries) {
    for (const auto& entry : entries) {
      take(entry);
    }
  }

  void take(const ApprovalListing::Entry& entry) {
    const bool counts = !entry.failure && entry.bundle_id == m_bundle_id;
    const Severity severity = entry.failure ? Severity::warning : Severity::note;
    if ((!counts && m_noted[severity] >= k_approval_files_limit) || !m_seen.insert(entry.place).second) {
      return;
    }
    if (entry.failure) {
      note(Severity::warning, entry.failure->code(), printable_path(entry.file), entry.failure->message());
      return;
    }
    if (!counts) {
      note(Severity::note, ErrorCode::foreign, printable_path(entry.file),
           fmt::format("approves another bundle, '{}' {}, and was passed over", entry.channel, entry.serial));
      return;
    }
    Found found{.name = printable_path(entry.file), .approval = {}};
    try {
      found.approval = read_approval(entry.file);
    } catch (const Error& failure) {
      note(Severity::warning, failure.code(), found.name, failure.message());
      return;
    }
    if (found.approval.bundle_id != m_bundle_id) {
      return;  // another file lies there since
    }
    if (m_taken == k_approval_files_limit) {
      note(Severity::warning, ErrorCode::limit, found.name,
           fmt::format("was passed over: more than {} files approve this bundle", k_approval_files_limit));
      return;
    }
    ++m_taken;
    if (!found.approval.seal) {
      m_found.push_back(std::move(found));
      return;
    }
    // Seals are large, and one is enough. One that does not hold counts as a whole or not at all.
    guarded(found, [&] {
      if (const std::uint64_t version = check_seal(found.approval); version > m_sealed_version) {
        m_sealed_version = version;
        m_sealed = std::move(found);
      }
    });
  }

  // The snapshot as the one who sealed it had it: the signatures of the file, and no others.
  HeadSnapshot sealed_snapshot(const Approval& approval) const {
    HeadSnapshot snapshot = m_snapshot;
    snapshot.file = trust::parse_signed(trust::sign_role(m_snapshot.file.signed_part, {}), snapshot.name,
                                        trust::k_metadata_ceiling);
    merge_approval(snapshot, approval, m_root);
    return snapshot;
  }

  // Enough to choose by; returns the timestamp's version.
  std::uint64_t check_seal(const Approval& approval) const {
    const HeadSnapshot snapshot = sealed_snapshot(approval);
    trust::require_threshold(snapshot.file, "snapshot", m_root.roles.at("snapshot"), m_root.keys);
    const auto file = trust::parse_signed(approval.seal->timestamp, "timestamp.json", trust::k_timestamp_limit);
    trust::require_threshold(file, "timestamp", m_root.roles.at("timestamp"), m_root.keys);
    const trust::Timestamp timestamp = trust::parse_timestamp(file);
    if (!trust::matches(timestamp.snapshot, snapshot.file.bytes) ||
        timestamp.snapshot.version != snapshot.value.version) {
      throw Error(ErrorCode::tampered, "its timestamp names another snapshot");
    }
    if (!is_timestamp_version(timestamp.version, snapshot.value.version)) {
      throw Error(ErrorCode::untrusted, "its timestamp has a version that is none of its snapshot's");
    }
    const Shipment shipment =
        parse_shipment(trust::open_envelope(approval.seal->shipment, k_shipment_type, k_shipment_name,
                                            m_root.roles.at("timestamp"), m_root.keys, k_shipment_limit),
                       k_shipment_name);
    if (shipment.bundle_id != m_bundle_id || shipment.channel != approval.channel ||
        timestamp.channel != approval.channel) {
      throw Error(ErrorCode::tampered, "its shipment belongs to another state");
    }
    return timestamp.version;
  }

  const Head& m_head;
  std::vector<base::Finding>& m_findings;
  HeadSnapshot m_snapshot;
  std::string m_bundle_id;
  trust::Root m_root;
  std::set<fs::path> m_seen;
  std::map<Severity, std::size_t> m_noted;
  std::size_t m_taken = 0;
  std::vector<Found> m_found;     // without a seal
  std::optional<Found> m_sealed;  // the newest that holds
  std::uint64_t m_sealed_version = 0;
};

}  // namespace

std::optional<ApprovalListing::Entry> ApprovalListing::look_at(const fs::path& file) {
  if (!is_approval_file(file)) {
    return std::nullopt;
  }
  std::error_code error;
  const fs::path place = fs::weakly_canonical(file, error);
  Entry entry{.file = file, .place = error ? file : place, .channel = {}, .bundle_id = {}, .serial = 0, .failure = {}};
  try {
    Approval approval = read_approval(file);
    entry.channel = std::move(approval.channel);
    entry.bundle_id = std::move(approval.bundle_id);
    entry.serial = approval.serial;
  } catch (const Error& failure) {
    entry.failure = failure;
  }
  return entry;
}

const std::vector<ApprovalListing::Entry>& ApprovalListing::in(const fs::path& folder) {
  const auto [known, is_new] = m_folders.try_emplace(folder);
  if (is_new) {
    try {
      for (const fs::path& file : list_regular_files(folder)) {
        if (auto entry = look_at(file)) {
          known->second.push_back(std::move(*entry));
        }
      }
    } catch (const Error&) {
      // A folder that cannot be listed is told of where its volumes are looked for.
    }
  }
  return known->second;
}

Head with_approvals(const Head& head, const ApprovalPlaces& places, std::vector<base::Finding>& findings) {
  if (!head.shipment().empty() || head.metadata("timestamp.json")) {
    return head;
  }
  try {
    ApprovalSearch search(head, findings);
    search.look_at(places);
    return search.result();
  } catch (const Error&) {
    return head;  // a head in which nothing fits together is refused by whoever looks at it next
  }
}

}  // namespace airlock::bundle
