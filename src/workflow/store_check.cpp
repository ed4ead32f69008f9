#include <fmt/format.h>

#include "base/json.hpp"
#include "store/blob_store.hpp"
#include "store/state_db.hpp"
#include "workflow/blob_check.hpp"
#include "workflow/sweep.hpp"

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

}  // namespace

StoreCheckReport check_store(const StoreCheckOptions& options, const base::Clock& clock, base::Reporter& reporter) {
  StoreCheckReport report;
  const store::BlobStore store(options.home.blobs());
  std::vector<BlobToCheck> blobs;
  {
    const StateDb state(options.home.root, StateDb::Access::read);
    blobs = blobs_of(state, report);
  }
  const auto progress = reporter.task("checking the store", report.bytes);
  const auto locate = [&store](const BlobToCheck& blob) -> std::optional<bundle::BlobLocation> {
    auto slice = store.open(blob.sha256);
    return slice ? std::optional(as_location(std::move(*slice))) : std::nullopt;
  };
  const auto failures = check_blobs(blobs, locate, *progress, {.threads = options.threads});
  for (const auto& failure : failures) {
    report.findings.push_back({base::Severity::error, failure.code, failure.blob.sha256.to_string(), failure.message});
  }
  if (options.mode == StoreCheckOptions::Mode::repair && !failures.empty()) {
    StateDb state(options.home.root, StateDb::Access::change);
    forget(failures, state, store, clock.now());
    report.forgotten = failures.size();
  }
  return report;
}

}  // namespace airlock::workflow
