// A head that is worked on after it was written: who may approve it, what of it was proven, and where new signatures
// can be put.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "bundle/approval.hpp"
#include "bundle/draft_proof.hpp"
#include "bundle/head.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

// The root under which somebody approves, and how he comes to trust it.
struct ApproversRoot {
  std::string bytes;
  std::string origin;                   // "the root pinned in …"
  std::vector<std::string> chain = {};  // the roots up to it, oldest first, where it is this home's own
};

struct RootWish {
  std::optional<std::filesystem::path> file;  // --root
  std::string fingerprint;                    // hex, compared with paper; empty: not given
};
// The root of `wish`, else the one that this home pinned or made. nullopt: there is none, so a person has to compare
// fingerprints first. Throws untrusted when none of those that are here is the bundle's.
std::optional<ApproversRoot> find_approvers_root(const bundle::Head& head, const Home& home, const RootWish& wish);

struct Draft {
  bundle::Head head;
  bundle::HeadContents contents;
  bundle::ProvenDraft proof;         // as it was opened
  bundle::HeadSnapshot snapshot;     // grows with each approval
  bundle::ApprovalPlaces places;     // where approvals may lie
  std::vector<base::Finding> notes;  // approvals beside it that do not belong to it, or do not hold
  std::vector<std::string> chain;    // roots that the head is to have; those that its file lacks are in `head`

  const trust::Root& root() const { return proof.trusted.root; }
  bundle::ApprovalCount count() const { return bundle::count_approvals(snapshot.file, root()); }
  // Puts the snapshot with its approvals into `contents`.
  void update_contents() { contents.metadata[snapshot.name] = snapshot.file.bytes; }
};

// Opens a draft with the approvals that lie beside it, in `places`, or where an earlier run left them in the working
// directory, and proves that it belongs together under `root` (bundle::prove_draft). With `chain`, the roots up to that
// one, the draft has those that came into force after it was made. Throws untrusted, tampered, foreign, expired;
// conflict for a sealed one.
Draft open_draft(const std::filesystem::path& path, bundle::ApprovalPlaces places, std::string_view root,
                 base::Time now, std::vector<std::string> chain = {});
// What to say of a draft that was made later than it is here, by more than a site lets pass: a clock is wrong, and if
// it is the builder's, no site takes the bundle for so long. nullopt: it was not.
std::optional<std::string> future_warning(const Draft& draft, base::Time now);
// What others have added since the draft was opened; to be called under a HeadLock, which is held until what is added
// now is written. Throws conflict when it was sealed meanwhile, foreign when another bundle has its name.
void take_up_changes(Draft& draft);
// The head that `path` names, whole also where a run was killed while it wrote it.
bundle::Head read_whole_head(const std::filesystem::path& path);
// NAME-SERIAL.approval: what is written in the working directory for a head that cannot take it.
std::filesystem::path default_approval_file(std::string_view channel, std::uint64_t serial, std::uint64_t shipment);

// Whether a head's own file can take signatures: not on a medium that is closed.
bool can_write(const std::filesystem::path& head);
bool can_store_head(const Draft& draft);
// Puts `contents` in the place of the draft's head: into its room where blobs follow, else as a whole file. Throws
// limit when they do not fit. Until a head is in its room, it lies whole beside the bundle, in NAME.airlock.new-head: a
// run that is killed, or a power cut, is made good by the next open_draft.
void store_head(const Draft& draft);

}  // namespace airlock::workflow
