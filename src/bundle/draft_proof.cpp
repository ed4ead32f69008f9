#include "bundle/draft_proof.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/head_checks.hpp"
#include "bundle/head_roles.hpp"
#include "bundle/state_checks.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;

namespace {

void require_fresh(const trust::RoleCommon& role, std::string_view name, base::Time now) {
  if (role.expires <= now) {
    throw Error(ErrorCode::expired, fmt::format("role '{}' expired on {}", name, base::to_rfc3339(role.expires)))
        .with_hint("have the bundle made again; no site would take it as it is");
  }
}

// The newer of what the caller trusts and of what the head's chain, which must be one with it, has.
trust::SignedFile root_to_use(const Head& head, std::string_view trusted_bytes) {
  trust::SignedFile trusted_file = trust::parse_signed(std::string(trusted_bytes), "the root", trust::k_root_limit);
  const trust::Root trusted = trust::parse_root(trusted_file);
  check_root_chain(head, trusted, trusted_bytes);
  trust::SignedFile newest = newest_root_file(head);
  return trust::parse_root(newest).version >= trusted.version ? std::move(newest) : std::move(trusted_file);
}

ProvenDraft prove(const Head& head, std::string_view root_bytes, base::Time now, const model::BelongingRule& belongs) {
  ProvenDraft draft;
  trust::SignedFile root_file = root_to_use(head, root_bytes);
  trust::Root root = trust::parse_root(root_file);
  draft.trusted = read_roles(head, std::move(root_file), std::move(root));
  draft.bundle_id = trust::identity(draft.trusted.snapshot_file).hex();
  check_members(head, draft.trusted);
  check_delegations(draft.trusted);
  check_top_level(draft.trusted.targets);
  draft.descriptor = open_descriptor(head, draft.trusted);
  // The seal takes the number over, so it may be no other than that of every draft.
  if (head.hint().channel != draft.descriptor.channel || head.hint().serial != draft.descriptor.serial ||
      head.hint().shipment != k_first_shipment) {
    throw Error(ErrorCode::tampered, fmt::format("'{}' does not say what is signed", k_hint_member));
  }
  static_cast<void>(check_state(head, draft.trusted, draft.descriptor, nullptr,
                                [&](const model::FileRow& row) { require_belonging(belongs, row); }));
  require_fresh(draft.trusted.root, "root", now);
  require_fresh(draft.trusted.snapshot, "snapshot", now);
  require_fresh(draft.trusted.targets, "targets", now);
  for (const auto& [name, role] : draft.trusted.delegated) {
    require_fresh(role, name, now);
  }
  ApprovalCount count = count_approvals(draft.trusted.snapshot_file, draft.trusted.root);
  draft.approved = std::move(count.approved);
  draft.missing = std::move(count.missing);
  draft.threshold = count.threshold;
  return draft;
}

}  // namespace

ApprovalCount count_approvals(const trust::SignedFile& snapshot, const trust::Root& root) {
  ApprovalCount count;
  const trust::RoleKeys& wanted = root.roles.at("snapshot");
  count.threshold = wanted.threshold;
  count.approved =
      trust::distinct_signers({{.message = snapshot.canonical, .signatures = snapshot.signatures}}, wanted, root.keys);
  // Another name of a key that has signed is not missing.
  for (const std::string& keyid : wanted.keyids) {
    const auto key = root.keys.find(keyid);
    const bool has_signed = std::ranges::any_of(count.approved, [&](const std::string& signer) {
      return signer == keyid || (key != root.keys.end() && key->second.same_key(root.keys.at(signer)));
    });
    if (!has_signed) {
      count.missing.push_back(keyid);
    }
  }
  return count;
}

ApprovalCount count_approvals(const Head& head) {
  return count_approvals(snapshot_of(head).file, trust::parse_root(newest_root_file(head)));
}

ProvenDraft prove_draft(const Head& head, std::string_view root, base::Time now, const model::BelongingRule& belongs) {
  return base::with_context([&] { return fmt::format("checking {}", head.file().string()); },
                            [&] {
                              try {
                                return prove(head, root, now, belongs);
                              } catch (const Error& error) {
                                const bool broken =
                                    error.code() == ErrorCode::malformed || error.code() == ErrorCode::tampered;
                                if (!broken) {
                                  throw;
                                }
                                throw Error(ErrorCode::tampered, error.message())
                                    .with_hint("do not approve this bundle; have it made again, and find out who "
                                               "changed it");
                              }
                            });
}

}  // namespace airlock::bundle
