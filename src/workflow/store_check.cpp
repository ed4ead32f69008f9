#include <algorithm>

#include <fmt/format.h>

#include "base/json.hpp"
#include "store/blob_store.hpp"
#include "store/state_db.hpp"
#include "workflow/blob_check.hpp"
#include "workflow/receipt.hpp"
#include "workflow/status.hpp"
#include "workflow/sweep.hpp"
#include "workflow/way_back.hpp"

namespace airlock::workflow {

namespace {

using store::StateDb;

bundle::BlobLocation as_location(base::FileSlice slice) {
  const auto length = slice.length;
  return {.extents = {{std::move(slice.fd), "the store", slice.offset, length}}, .length = length};
}

std::vector<BlobToCheck> blobs_of(const StateDb& state, StoreCheckReport& report) {
  std::vector<BlobToCheck> blobs;
  state.for_each_blob([&](const base::Digest& sha256, std::uint64_t length) {
    blobs.push_back({sha256, length});
    report.bytes += length;
  });
  report.blobs = blobs.size();
  return blobs;
}

// So that the next import of the channel brings them again, also when its state is here already.
void forget(const std::vector<BlobFailure>& failures, StateDb& state, const store::BlobStore& store, base::Time now) {
  auto change = state.change();
  base::Json digests = base::Json::array();
  for (const auto& failure : failures) {
    state.remove_blob(failure.blob.sha256);
    digests.push_back(failure.blob.sha256.to_string());
  }
  state.audit(now, "check-repair", base::Json{{"forgotten", std::move(digests)}}.dump());
  change.commit();
  for (const auto& failure : failures) {
    store.remove(failure.blob.sha256);
  }
}

LocateBlob locate_in_store(const store::BlobStore& store) {
  return [&store](const BlobToCheck& blob) -> std::optional<bundle::BlobLocation> {
    auto slice = store.open(blob.sha256);
    return slice ? std::optional(as_location(std::move(*slice))) : std::nullopt;
  };
}

void tell_lacking(const StateDb& state, StoreCheckReport& report) {
  for (const auto& generation : state.generations()) {
    const auto missing = generation.active ? missing_blobs(state, generation.id) : std::vector<SiteBlob>();
    if (!missing.empty()) {
      std::uint64_t bytes = 0;
      for (const auto& blob : missing) {
        bytes += blob.length;
      }
      report.lacking += missing.size();
      report.findings.push_back(lacking_finding(state, generation, missing.size(), bytes));
    }
  }
}

// What to do about a generation that nothing here proves. `all`: the generations of the home.
std::string advice_for(const store::Generation& unproven, const std::vector<store::Generation>& all,
                       const StateDb& state) {
  const auto twin = std::ranges::find_if(all, [&](const store::Generation& other) {
    return !other.unproven && other.channel == unproven.channel && other.bundle_id == unproven.bundle_id;
  });
  if (twin != all.end()) {
    return fmt::format("generation {} is the same state, and proven: nothing to do, a later sweep frees this one",
                       twin->id);
  }
  if (base::Digest::is_sha256_hex(unproven.head_digest) &&
      state.has_blob(base::Digest::parse_sha256_hex(unproven.head_digest))) {
    return fmt::format("its signed head is here: once the root of its producer is pinned (`airlock trust init`), "
                       "`airlock store activate {}` proves it and serves it",
                       unproven.id);
  }
  const auto newest = state.last_serial(unproven.channel).value_or(0);
  if (unproven.serial >= newest) {
    return fmt::format("import {}", bundle_that_helps(state, unproven.channel));
  }
  return fmt::format("it is older than bundle {}, so that it does not come in again: that one, or a newer one, stands "
                     "in its place, and a later sweep frees this one",
                     newest);
}

void tell_unproven(const StateDb& state, StoreCheckReport& report) {
  const auto generations = state.generations();
  for (const auto& generation : generations) {
    if (generation.unproven) {
      report.unproven.push_back({generation, advice_for(generation, generations, state)});
    }
  }
}

}  // namespace

std::vector<BlobFailure> look_again(const std::vector<BlobFailure>& failures, const StateDb& state,
                                    const store::BlobStore& store, base::Reporter& reporter) {
  std::vector<BlobToCheck> blobs;
  std::uint64_t bytes = 0;
  for (const auto& failure : failures) {
    if (const auto length = state.blob_length(failure.blob.sha256)) {
      blobs.push_back({failure.blob.sha256, *length});
      bytes += *length;
    }
  }
  if (blobs.empty()) {
    return {};
  }
  const auto progress = reporter.task("looking again at what is bad", bytes);
  return check_blobs(blobs, locate_in_store(store), *progress);
}

StoreCheckReport check_store(const StoreCheckOptions& options, const base::Clock& clock, base::Reporter& reporter) {
  StoreCheckReport report;
  const store::BlobStore store(options.home.blobs());
  std::vector<BlobToCheck> blobs;
  {
    const StateDb state(options.home.root, StateDb::Access::read);
    blobs = blobs_of(state, report);
  }
  std::vector<BlobFailure> failures;
  {
    const auto progress = reporter.task("checking the store", report.bytes);
    failures = check_blobs(blobs, locate_in_store(store), *progress, {.threads = options.threads});
  }
  if (options.at_step) {
    options.at_step("read");
  }
  const bool repairs = options.mode == StoreCheckOptions::Mode::repair && !failures.empty();
  StateDb state(options.home.root, repairs ? StateDb::Access::change : StateDb::Access::read);
  failures = look_again(failures, state, store, reporter);
  for (const auto& failure : failures) {
    report.findings.push_back({base::Severity::error, failure.code, failure.blob.sha256.to_string(), failure.message});
  }
  report.bad = failures.size();
  tell_lacking(state, report);
  tell_unproven(state, report);
  if (repairs && !failures.empty()) {
    forget(failures, state, store, clock.now());
    report.forgotten = failures.size();
  }
  report.bad_blobs = std::move(failures);
  return report;
}

}  // namespace airlock::workflow
