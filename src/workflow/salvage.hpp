// Takes from any older bundle, or a volume of one, what this store has lost of what it accepted: only bytes, and
// nothing of the medium is trusted (docs/operations/verify-and-import.md, Blobs that were lost).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/reporter.hpp"
#include "workflow/home.hpp"
#include "workflow/remark.hpp"

namespace airlock::workflow {

struct SalvageOptions {
  Home home;
  std::vector<std::filesystem::path> bundles;  // files, heads, volumes, folders; see bundle::list_sets
  Remark remark = {};
  // Called at named steps: "checked" (the store was read, the home is not locked yet), "blobs-stored". A test changes
  // the home or throws there.
  std::function<void(std::string_view step)> at_step = {};
};

struct SalvageReport {
  std::uint64_t checked = 0, checked_bytes = 0;  // blobs of the store that were read
  std::uint64_t lacking = 0;                     // that were missing or damaged, of all that is kept
  std::uint64_t blobs = 0, bytes = 0;            // of those, here again
  std::uint64_t bytes_written = 0;               // what an interrupted run had written is not written again
  std::uint64_t missing = 0;                     // still missing, of what is served, or still damaged
  std::vector<base::Finding> findings;           // base_missing: a digest and what it is, for the first of `missing`
  // Files and blobs of the medium of which nothing was taken, and what is still missing of states that are not served.
  std::vector<base::Finding> notes;

  int exit_code() const;  // 0, or that of base_missing
};

// Wanted is what catalogs name that were accepted here: of every generation that is kept and in service, and neither
// withheld nor only known. To find what is damaged, all of the store is read first, as check_store() does. Each blob is
// hashed while it is written, and takes the place of a damaged one only then; all of them count as present in one
// transaction, which the audit log has. Heads are not read: a bundle may be stale, expired, revoked, another
// producer's, or lack its head; what it holds beside the wanted is passed over. Generations, floors and trust state
// stay as they are. Throws not_found (no state here, no bundle there), malformed (a file that is no part of one), busy,
// no_space, io, interrupted; then nothing new counts as present, and the next run keeps what was written.
SalvageReport salvage_blobs(const SalvageOptions& options, const base::Clock& clock, base::Reporter& reporter);

}  // namespace airlock::workflow
