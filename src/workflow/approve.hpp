// Approving and closing a bundle after it was written (docs/operations/approvals.md). Signatures go into
// the room that was left in the head, or beside it into a file of their own; nothing else of the medium is touched.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/reporter.hpp"
#include "workflow/draft.hpp"
#include "workflow/home.hpp"
#include "workflow/keys.hpp"

namespace airlock::workflow {

struct ApproveReport {
  std::filesystem::path bundle;
  std::filesystem::path written;  // the file that changed: the bundle itself, or one of approvals; empty: none
  std::string channel;
  std::uint64_t serial = 0;
  std::string bundle_id;  // hex
  std::uint64_t approvals = 0, threshold = 1;
  std::vector<std::string> approved, missing;  // keyids
  std::uint64_t added = 0;                     // signatures that were not there before
  bool sealed = false;
  std::vector<base::Finding> notes;  // approvals that were passed over
};

// Where new signatures go.
struct ApprovalOutput {
  enum class Form {
    with_all,   // every approval that is known, the seal too
    this_alone  // --detached: only what is added now, to be carried back
  } form = Form::with_all;
  // Empty: into the head; where that cannot be written, NAME-SERIAL.approval in the working directory. A file of
  // approvals of this bundle is added to; any other is kept (throws conflict).
  std::filesystem::path file;
};

// What a person has to see before he signs, computed here from the very bytes that he signs: what is in the draft, what
// changed against `before`, who has approved it. The page of inspections in short. `root` says which one the draft was
// proven under: ApproversRoot::origin.
std::string review_text(const Draft& draft, const std::optional<bundle::Head>& before, const std::string& root,
                        const Home& home, base::Time now);

// Adds signatures by `signers`. Throws untrusted for a key that is no approver's under the draft's root.
ApproveReport sign_draft(const Home& home, Draft& draft, const std::vector<const trust::Signer*>& signers,
                         const ApprovalOutput& output, const base::Clock& clock, base::Reporter& reporter);
// Adds one that was made elsewhere over tbs_of(draft), for example by `openssl`. `keyid` may be shortened to 8 digits,
// or empty: then the approvers' keys are tried. Throws untrusted when it is by none of them.
ApproveReport add_raw_signature(const Home& home, Draft& draft, std::string_view signature, std::string_view keyid,
                                const ApprovalOutput& output, const base::Clock& clock, base::Reporter& reporter);
// The exact bytes that an approver signs.
const std::string& tbs_of(const Draft& draft);

struct SealOptions {
  std::filesystem::path bundle;
  std::vector<std::filesystem::path> approvals;  // files of approvals, or heads that were signed elsewhere
  std::vector<std::filesystem::path> folders;    // further ones with volumes or approvals
  std::filesystem::path output;                  // as ApprovalOutput::file
};
// Takes the approvals that are given, in any order, and signs timestamp and shipment. What was given and is good is
// kept even where more are needed: throws approval_missing then, naming who is missing. Throws foreign and untrusted
// for an approval of another bundle or by another key (nothing is changed), volume_missing when blobs that the draft
// was made with are not at hand, conflict for a sealed bundle; but of one that this home has
// sealed what lies beside it is brought up to date, since an earlier run may have come no further.
// Roots that came into force since the draft was made go into its head. Throws conflict for a draft that does not hold
// under the newest (it is to be made again), and for one on a closed medium whose head would need those roots;
// approval_missing where those who approved it may do so no more. What is sealed was proven as a site will prove it.
ApproveReport seal_bundle(const Home& home, const SealOptions& options, const KeyRing& keys, const base::Clock& clock,
                          base::Reporter& reporter);
// The same; the keys are opened when enough people have approved, and not before.
using OpenRing = std::function<const KeyRing&()>;
ApproveReport seal_bundle(const Home& home, const SealOptions& options, const OpenRing& open_ring,
                          const base::Clock& clock, base::Reporter& reporter);

// A bundle's head as a small file of its own, for an approver's machine. Throws conflict when `output` exists. Returns
// its length in bytes.
std::uint64_t write_head_alone(const std::filesystem::path& bundle, const std::filesystem::path& output);

}  // namespace airlock::workflow
