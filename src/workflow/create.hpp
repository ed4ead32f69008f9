// From a wish to a bundle: resolve, fetch, write, sign, seal (docs/operations/first-day.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/reporter.hpp"
#include "model/platform.hpp"
#include "workflow/artifact_changes.hpp"
#include "workflow/fetch_window.hpp"
#include "workflow/home.hpp"
#include "workflow/keys.hpp"
#include "workflow/upstreams.hpp"

namespace airlock::workflow {

enum class Readback { removable_only, always, never };

struct CreateOptions {
  std::vector<std::filesystem::path> manifests;
  std::vector<std::filesystem::path> projects;  // working trees, which say themselves what they need
  std::vector<std::filesystem::path> wants;     // lists that were carried back; added to the state before
  std::optional<std::filesystem::path> lock;    // fetch exactly this
  std::string output;                           // `-o`: "FILE", "DIR/"; empty: bundles/ where that exists, else here
  std::vector<std::filesystem::path> bases;
  std::vector<std::filesystem::path> volumes;  // further folders with approvals of `bases` and of `continue_from`
  std::optional<std::filesystem::path> continue_from;  // the last head of a channel that this home does not know
  std::optional<std::uint64_t> volume_size;            // bytes
  std::vector<model::Platform> platforms;              // default of the manifests, replaced
  bool add = false;                                    // to the state before, instead of in its place
  bool restart = false;                                // drop what an interrupted run left
  bool dry_run = false;
  Readback readback = Readback::removable_only;
  std::uint64_t rate_limit = 0;   // bytes/s; 0: none
  std::filesystem::path recipes;  // further tool recipes; may be empty
  Environment environment;        // of the user, for credentials
  WindowOptions window;           // the spool's place is filled in
};

struct CreateReport {
  std::string channel;
  std::uint64_t serial = 0;
  std::filesystem::path bundle;  // the head's file
  std::vector<std::filesystem::path> volumes;
  std::vector<std::filesystem::path> others;   // of the set to carry, and the lock
  std::string bundle_id;                       // hex
  std::string fingerprint;                     // hex, of the newest root
  std::uint64_t approvals = 0, threshold = 1;  // of the snapshot
  bool one_home_approves = false;              // of several who must approve, enough keys are in this home (keys.hpp)
  bool sealed = false;
  bool dry_run = false;
  bool continued = false;  // took up an interrupted run
  bool delta = false;

  std::uint64_t artifacts = 0;       // distinct package URLs of the state
  std::uint64_t blobs = 0;           // distinct, of the state
  std::uint64_t state_bytes = 0;     // of those
  std::uint64_t blobs_included = 0;  // in this bundle
  std::uint64_t blobs_omitted = 0;
  std::uint64_t bytes = 0;          // of head and volumes; with dry_run what they will be at most
  std::uint64_t bytes_fetched = 0;  // over the network
  std::uint64_t bytes_reused = 0;   // from earlier bundles and the store
  std::uint64_t bytes_written = 0;  // to disk, the spool included
  std::uint64_t unknown_sizes = 0;  // files whose size upstream does not tell, with dry_run
  std::uint64_t volume_count = 0;

  std::optional<std::uint64_t> previous_serial;
  ArtifactChanges changes;           // against the last state
  bool unchanged = false;            // the same files as the last state, byte for byte
  std::uint64_t unverified = 0;      // files of which nothing upstream proves anything
  std::vector<std::string> waivers;  // "UPSTREAM: WHAT"
  std::string scanner;               // of this site, for people; empty: it has none for create
  std::uint64_t scanned = 0, scan_remembered = 0;
  bool read_back = false;  // the medium holds what was written; it may be removed
  bool removable = false;
};

// Throws manifest, lock, conflict, config (no keys), no_space, tampered (upstream gives other bytes than the lock
// says), scan_refused, scan_failed, busy, interrupted, and what fetching throws. Whatever stops it, the same call goes
// on where it stopped.
CreateReport create_bundle(const Home& home, const CreateOptions& options, const KeyRing* keys,
                           const base::Clock& clock, base::Reporter& reporter);

}  // namespace airlock::workflow
