// Takes bundles in: proven, complete, and visible in one step, or not at all (docs/operations/verify-and-import.md; the
// steps in comments are those of that page).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/reporter.hpp"
#include "store/catalog.hpp"
#include "store/state_db.hpp"
#include "trust/client.hpp"
#include "workflow/artifact_changes.hpp"
#include "workflow/home.hpp"
#include "workflow/scanner.hpp"

namespace airlock::workflow {

enum class Activation { at_once, hold };

struct ImportReport;

struct ImportOptions {
  Home home;
  std::vector<std::filesystem::path> bundles;  // files, heads, volumes, folders
  std::vector<std::filesystem::path> volumes;  // further folders
  std::vector<std::filesystem::path> beside;   // further heads: not imported, but blobs of their sets are taken
  Activation activation = Activation::at_once;
  std::set<base::Digest> withhold;                // approved, but not to be taken or served; stays so in later imports
  std::set<base::Digest> release;                 // withheld before, wanted now
  trust::Expiry expiry = trust::Expiry::enforce;  // accept: timestamp and snapshot may have expired, this once
  std::string reason;                             // of withhold, release or accepted expiry; required by them
  bool rescan = false;                            // ask the scanner also about what it was asked before
  std::string ticket;                             // of the site's own records; kept in the audit log
  std::optional<base::Time> built = {};           // no clock is right before (base::build_date)
  // Called before a refusal is thrown, where other bundles of the same run are in, or were refused too.
  std::function<void(const ImportReport&)> taken_before_refusal;
  // Called at named steps: "head-proven", "planned", "blob-stored" (by several threads), "blobs-stored", "synced",
  // "state-written", "committed", "published", "receipt-written". A test throws or ends the process there.
  std::function<void(std::string_view step)> at_step;
};

// What the site's scanner had to do with an import.
struct ScanOutcome {
  std::string scanner;  // for people; empty: there is none
  std::uint64_t scanned = 0, remembered = 0;
  std::uint64_t accepted = 0;         // refused, and taken because the policy accepts them
  std::vector<ScanRefusal> withheld;  // refused, and therefore not taken
};

struct ImportedBundle {
  enum class Outcome {
    imported,       // a new generation
    refreshed,      // the same state with newer statements, or bytes that were missing
    nothing_to_do,  // all of it is here
  } outcome = Outcome::imported;
  std::filesystem::path head;
  std::string producer;  // hex
  std::string channel;
  std::uint64_t serial = 0;
  std::string bundle_id;  // hex
  std::uint64_t generation = 0;
  bool active = false;
  std::optional<store::OutOfService> out_of_service;  // of its channel: taken in, and for that reason not served
  std::optional<std::uint64_t> previous_serial;       // of what was here before
  std::uint64_t artifacts = 0;
  ArtifactChanges changes;  // against the channel's newest generation before
  std::uint64_t blobs_new = 0, blobs_present = 0, bytes_written = 0, withheld = 0;
  std::size_t approvals = 0;
  std::vector<std::string> local_approvals;  // names of the officers of this site who approved it; empty: none asked
  std::vector<std::pair<std::string, base::Time>> expiries;  // by role
  // Mutable names that another channel has too, with other content: how many, and the
  // first of them. Of each one target is served, the other by its digest.
  std::uint64_t shared_name_count = 0;
  std::vector<store::SharedName> shared_names;
  ScanOutcome scan;
};

struct ImportReport {
  std::vector<ImportedBundle> bundles;  // in the order in which they were taken
  // Bundles that were passed over, files that do not belong here; of severity error: further bundles that were refused.
  std::vector<base::Finding> notes;
  std::filesystem::path receipt;  // empty where nothing was written
  // What belongs on paper, so that a loss of this home cannot bring anything old in again: a floor for each channel
  // (floors.hpp), and the newest entry of the audit log.
  std::vector<std::string> floors;
  std::uint64_t audit_number = 0;
  std::string audit_head;  // hex
};

// Throws untrusted (also where another channel has other bytes under one fixed path), tampered, rollback, equivocation,
// expired, clock, approval_missing, volume_missing, truncated, policy, scan_refused, scan_failed, base_missing (a need
// list is written), no_space, busy, usage, interrupted. What is said of one bundle holds for that one: the others of
// the run are in, with a receipt, and the worst refusal is thrown at the end. Only equivocation, and what concerns the
// whole run, ends it at once.
ImportReport import_bundles(const ImportOptions& options, const base::Clock& clock, base::Reporter& reporter);

}  // namespace airlock::workflow
