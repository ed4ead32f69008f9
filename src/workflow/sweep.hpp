// Frees what no kept generation needs; and re-hashes what is there.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/reporter.hpp"
#include "store/state_db.hpp"
#include "workflow/blob_check.hpp"
#include "workflow/home.hpp"
#include "workflow/remark.hpp"

namespace airlock::store {
class BlobStore;
class StateDb;
}  // namespace airlock::store

namespace airlock::workflow {

struct SweepOptions {
  Home home;
  // Generations of each channel, newest first; the active one is always kept. Of a channel out of service the newest
  // stays without its content.
  std::uint64_t keep = 2;
  enum class Mode { remove, dry_run } mode = Mode::remove;
  Remark remark = {};
};

struct SweepReport {
  std::vector<std::uint64_t> generations;  // dropped
  std::uint64_t blobs = 0;                 // removed
  std::uint64_t bytes = 0;
  std::uint64_t unfinished = 0;  // of those, files that an interrupted import had left
};

// Works on a full disk: files that nothing refers to go first, and only then is anything written. Throws busy.
SweepReport sweep_store(const SweepOptions& options, const base::Clock& clock, base::Reporter& reporter);

struct StoreCheckOptions {
  Home home;
  enum class Mode {
    look,
    repair
  } mode = Mode::look;  // repair: forget damaged blobs, so that an import brings them again
  unsigned threads = 0;
  // At named steps: "read". A test changes the home there.
  std::function<void(std::string_view step)> at_step = {};
};

struct StoreCheckReport {
  std::vector<base::Finding> findings;
  // A generation that came out of a backup and is not served, since nothing here proves it; no finding, for nothing of
  // it is wrong.
  struct Unproven {
    store::Generation generation;
    std::string advice;  // what brings it back, or stands in its place
  };
  std::vector<Unproven> unproven;  // newest first
  std::uint64_t blobs = 0;         // looked at
  std::uint64_t bytes = 0;
  std::uint64_t bad = 0;  // of those
  std::vector<BlobFailure> bad_blobs;
  std::uint64_t lacking = 0;  // of what is served, not here and not counted as present either
  std::uint64_t forgotten = 0;
};

// Reads and hashes every blob that counts as present. That takes hours, and imports and sweeps go on meanwhile: what
// was found is looked at once more at the end, for `repair` under the lock. What is
// served and not here is a finding, too (base_missing); generations that are not proven are only told of. Throws busy
// (repair).
StoreCheckReport check_store(const StoreCheckOptions& options, const base::Clock& clock, base::Reporter& reporter);

// Reads again what a check found bad. Only what is still so: a blob that was swept since has no row, and one that was
// imported again is whole.
std::vector<BlobFailure> look_again(const std::vector<BlobFailure>& failures, const store::StateDb& state,
                                    const store::BlobStore& store, base::Reporter& reporter);

}  // namespace airlock::workflow
