// From the medium into the store: one thread reads forwards, several hash and write, in bounded memory.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/error.hpp"
#include "base/reporter.hpp"
#include "store/blob_store.hpp"
#include "workflow/blob_check.hpp"
#include "workflow/import_plan.hpp"

namespace airlock::workflow {

struct IntakeOptions {
  unsigned writers = 0;              // 0: one a core, at least two
  std::uint64_t memory = 24u << 20;  // bytes read and not yet written
  std::function<void()> after_each;  // called by the writer when a blob is in the store; what it throws ends the intake
};

struct IntakeResult {
  std::uint64_t blobs = 0;  // written
  std::uint64_t bytes = 0;
  std::vector<BlobFailure> failures;  // damaged on the medium; the others were taken nevertheless
};

// Reads each blob of `take` once, in that order, and proves it while it is written; where it lies is asked just before.
// A damaged blob is data; a store that cannot be written to (no_space, io) and interrupted are thrown, and what was
// written stays.
IntakeResult take_blobs(const std::vector<StateBlob>& take, const LocateTaken& locate, const store::BlobStore& store,
                        base::ProgressTask& progress, const IntakeOptions& options = {});

}  // namespace airlock::workflow
