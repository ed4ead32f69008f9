// Approvals beside a bundle: nothing but base::Error may come out, what is read is written again as it was, and nobody
// approves without a key.
#include <memory>

#include "base/error.hpp"
#include "bundle/approval.hpp"
#include "bundle/draft_proof.hpp"
#include "fuzz_target.hpp"
#include "trust/root_authoring.hpp"

namespace {

using namespace airlock;

// A snapshot and the key of its only approver, made for this run. The corpus knows neither, so no approval of it holds.
struct Ceremony {
  std::unique_ptr<trust::Signer> approver = trust::generate_key(trust::Scheme::ed25519);
  trust::Root root;
  bundle::HeadSnapshot snapshot;

  Ceremony() {
    root.version = 1;
    root.keys.emplace(approver->public_key().keyid(), approver->public_key());
    root.roles["snapshot"] = {.keyids = {approver->public_key().keyid()}, .threshold = 1};
    trust::Snapshot value;
    value.version = 7;
    value.channel = "site-a";
    value.expires = base::parse_rfc3339("2030-01-01T00:00:00Z");
    value.meta["targets.json"] = {.version = 1, .length = {}, .hashes = {}};
    snapshot.name = "7.snapshot.json";
    snapshot.file =
        trust::parse_signed(trust::sign_role(trust::to_signed_part(value), {}), "snapshot", trust::k_snapshot_limit);
    snapshot.value = value;
  }
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Ceremony ceremony;
  const std::string_view text = fuzz::as_text(data, size);
  try {
    bundle::Approval approval = bundle::parse_approval(text, "approval");
    fuzz::require(to_text(approval) == text, "one text for one approval");
    // Whatever it says of whom it is, its signatures are nobody's here.
    approval.bundle_id = trust::identity(ceremony.snapshot.file).hex();
    approval.channel = "site-a";
    approval.version = 7;
    for (auto& signature : approval.signatures) {
      signature.keyid = ceremony.approver->public_key().keyid();
      signature.scheme = trust::Scheme::ed25519;
    }
    bundle::HeadSnapshot snapshot = ceremony.snapshot;
    bundle::merge_approval(snapshot, approval, ceremony.root);
    fuzz::require(false, "nobody approves without a key");
  } catch (const base::Error&) {
  }
  return 0;
}
