// What a person may rely on who is asked to approve: the whole head belongs together, below a root that he trusts.
// As verify_head, for a head that is not sealed yet and without a site's state.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "bundle/approval.hpp"
#include "bundle/documents.hpp"
#include "model/belonging.hpp"
#include "trust/client.hpp"

namespace airlock::bundle {

struct ProvenDraft {
  trust::TrustedSet trusted;  // without a timestamp
  Descriptor descriptor;
  std::string bundle_id;              // hex
  std::vector<std::string> approved;  // keyids of distinct approvers whose signatures hold
  std::vector<std::string> missing;   // keyids that may approve and have not
  std::uint64_t threshold = 1;
};

// `root` is the bytes of one that the caller trusts, of any version; the head's newer ones have to follow from it.
// `belongs` as in VerifyOptions. Throws untrusted (another producer's), tampered, foreign, expired.
ProvenDraft prove_draft(const Head& head, std::string_view root, base::Time now,
                        const model::BelongingRule& belongs = {});

// Who of those that `root` lists for snapshot has signed it, by distinct keys, and who has not.
struct ApprovalCount {
  std::vector<std::string> approved, missing;  // keyids
  std::uint64_t threshold = 1;
  bool complete() const { return approved.size() >= threshold; }
};
ApprovalCount count_approvals(const trust::SignedFile& snapshot, const trust::Root& root);
// Of a head's newest snapshot under its own newest root; nothing is proven by it. Throws tampered, malformed.
ApprovalCount count_approvals(const Head& head);

}  // namespace airlock::bundle
