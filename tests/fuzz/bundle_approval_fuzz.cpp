// Approvals beside a bundle: nothing but base::Error may come out, what is read is written again as it was, nobody
// approves without a key, and who has one approves once.
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "bundle/approval.hpp"
#include "bundle/draft_proof.hpp"
#include "fuzz_target.hpp"
#include "trust/root_authoring.hpp"

namespace {

using namespace airlock;

// A snapshot and the key of its only approver, made for this run. The corpus knows neither, so no approval of it holds,
// but for the one that is made here.
struct Ceremony {
  std::unique_ptr<trust::Signer> approver = trust::generate_key(trust::Scheme::ed25519);
  trust::Root root;
  bundle::HeadSnapshot snapshot;
  bundle::Approval::Signed signature;

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
    signature = {.keyid = approver->public_key().keyid(),
                 .scheme = trust::Scheme::ed25519,
                 .sig = approver->sign(snapshot.file.canonical)};
  }

  // `approval` is this snapshot's; its signatures are nobody's.
  void refuse(const bundle::Approval& approval) const {
    bundle::HeadSnapshot given = snapshot;
    try {
      bundle::merge_approval(given, approval, root);
    } catch (const base::Error&) {
      return;
    }
    fuzz::require(false, "nobody approves without a key");
  }
  void accept(bundle::Approval approval) const {
    approval.signatures = {signature};
    bundle::HeadSnapshot given = snapshot;
    fuzz::require(bundle::merge_approval(given, approval, root) == std::vector{signature.keyid},
                  "who has a key approves");
    fuzz::require(bundle::merge_approval(given, approval, root).empty(), "and does so once");
    fuzz::require(bundle::approvals_in(given, root, approval.serial).signatures == approval.signatures,
                  "the snapshot carries the approval");
  }
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Ceremony ceremony;
  const std::string_view text = fuzz::as_text(data, size);
  bundle::Approval approval;
  try {
    approval = bundle::parse_approval(text, "approval");
  } catch (const base::Error&) {
    return 0;
  }
  fuzz::require(to_text(approval) == text, "one text for one approval");
  // Whatever it says of whom it is, its signatures are nobody's here.
  approval.bundle_id = trust::identity(ceremony.snapshot.file).hex();
  approval.channel = "site-a";
  approval.version = 7;
  for (auto& signature : approval.signatures) {
    signature.keyid = ceremony.approver->public_key().keyid();
    signature.scheme = trust::Scheme::ed25519;
  }
  ceremony.refuse(approval);
  ceremony.accept(approval);
  return 0;
}
