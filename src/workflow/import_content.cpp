// Import, step 6: every byte that the state needs and the store lacks.
#include <algorithm>
#include <atomic>

#include <fmt/format.h>

#include "base/parallel.hpp"
#include "base/text.hpp"
#include "workflow/blob_intake.hpp"
#include "workflow/bundle_files.hpp"
#include "workflow/import_one.hpp"
#include "workflow/other_copies.hpp"
#include "workflow/receipt.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_damaged_named = 10;  // damaged blobs that the message names

// Only those that an import would still take: not older than what is here, nor below a floor.
std::string describe_bases(const bundle::Shipment& shipment, const store::ChannelKey& key,
                           const store::StateDb& state) {
  const auto last = state.last_serial(key).value_or(0);
  const auto floor = state.floor(key);
  std::vector<std::string> serials;
  for (const auto& base : shipment.bases) {
    if (base.serial > last && (!floor || base.serial >= floor->serial)) {
      serials.push_back(fmt::format("{}", base.serial));
    }
  }
  return base::join(serials, ", ");
}

[[noreturn]] void refuse_base_missing(const bundle::VerifiedBundle& verified, const ImportPlan& plan,
                                      const ImportRun& run) {
  const auto& shipment = verified.shipment();
  auto need = make_receipt(run.state, run.clock.now());
  need.need_channel = shipment.channel;
  need.need_producer = verified.producer();
  need.need_serial = shipment.serial;
  need.need_bundle_id = verified.bundle_id();
  for (const auto& blob : plan.absent) {
    need.missing.push_back({blob.sha256, blob.length});
  }
  std::sort(need.missing.begin(), need.missing.end(),
            [](const SiteBlob& a, const SiteBlob& b) { return a.sha256 < b.sha256; });
  const auto path = write_need_list(need, run.state, run.options.home.root / "receipts");
  const auto bases = describe_bases(shipment, {verified.producer(), shipment.channel}, run.state);
  throw Error(ErrorCode::base_missing,
              fmt::format("bundle '{}' {} relies on {} blobs ({}) that are not in this store; nothing of it was taken "
                          "in",
                          shipment.channel, shipment.serial, plan.absent.size(), base::format_bytes(plan.absent_bytes)))
      .with_hint(fmt::format("{}, or carry {} back and run `airlock bundle ship BUNDLE --base {}` there",
                             bases.empty() ? std::string("ask for a full bundle")
                                           : fmt::format("import serial {} first (refused where the producer's keys "
                                                         "were replaced since), or ask for a full bundle",
                                                         bases),
                             path.string(), path.filename().string()));
}

[[noreturn]] void refuse_volume_missing(const bundle::VerifiedBundle& verified, const bundle::BlobMap& map,
                                        const ImportPlan& plan) {
  const auto& shipment = verified.shipment();
  const auto missing = volumes_not_at_hand(shipment, map);
  const auto count =
      fmt::format("{} blobs ({}) are still missing", plan.absent.size(), base::format_bytes(plan.absent_bytes));
  // A file that is there and cannot be used is what the person must hear of; damage before an early end.
  for (const auto code : {ErrorCode::tampered, ErrorCode::truncated, ErrorCode::io}) {
    const auto& findings = map.findings();
    const auto bad = std::find_if(findings.begin(), findings.end(), [code](const base::Finding& each) {
      return each.code == code && (each.severity == base::Severity::error || code == ErrorCode::io);
    });
    if (bad != findings.end()) {
      throw Error(code, fmt::format("{} {}; {}", bad->subject, bad->message, count))
          .with_hint("copy that file again and run the same command; what was complete is kept");
    }
  }
  if (missing.empty()) {
    throw Error(ErrorCode::volume_missing,
                fmt::format("bundle '{}' {} is not complete: {}", shipment.channel, shipment.serial, count))
        .with_hint("copy the whole set again; a file of it may have been replaced by another");
  }
  throw Error(ErrorCode::volume_missing,
              fmt::format("missing of bundle '{1}' {2}: {0}; {3}", name_volumes(missing, shipment.volumes.size()),
                          shipment.channel, shipment.serial, count))
      .with_hint(
          "bring it and run the same command, with --volumes DIR where it lies elsewhere; what was read is kept");
}

// Names every damaged blob, and with it the file that is to be copied again.
[[noreturn]] void refuse_damage(const std::vector<BlobFailure>& failures, std::size_t of, ErrorCode code) {
  std::string message = fmt::format("{} of {} blobs are damaged on the medium:", failures.size(), of);
  std::set<std::string> files;
  for (std::size_t i = 0; i < failures.size(); ++i) {
    files.insert(failures[i].file);
    if (i < k_damaged_named) {
      message +=
          fmt::format("\n{} in {}: {}", failures[i].blob.sha256.to_string(), failures[i].file, failures[i].message);
    }
  }
  if (failures.size() > k_damaged_named) {
    message += fmt::format("\nand {} more; `airlock bundle verify` lists all", failures.size() - k_damaged_named);
  }
  throw Error(code, std::move(message))
      .with_hint(fmt::format("copy {} again and run the same command; what was read well is kept, and nothing of this "
                             "bundle is visible yet",
                             base::join({files.begin(), files.end()}, ", ")));
}

ErrorCode worst(const std::vector<BlobFailure>& failures) {
  const auto has = [&failures](ErrorCode code) {
    return std::any_of(failures.begin(), failures.end(), [code](const auto& failure) { return failure.code == code; });
  };
  return has(ErrorCode::tampered)    ? ErrorCode::tampered
         : has(ErrorCode::truncated) ? ErrorCode::truncated
                                     : failures.front().code;
}

// Files of an interrupted run count only when their bytes are read again: power may have failed before a sync.
bool recheck_staged(const ImportPlan& plan, const ImportRun& run) {
  std::uint64_t bytes = 0;
  for (const auto& blob : plan.staged) {
    bytes += blob.length;
  }
  const auto progress = run.reporter.task("checking what an earlier run left", bytes);
  std::atomic<bool> all_good = true;
  base::for_each_in_parallel(plan.staged.size(), 0, [&](std::size_t i) {
    if (!run.blobs.recheck(plan.staged[i].sha256, plan.staged[i].length)) {
      all_good = false;
    }
    progress->advance(plan.staged[i].length);
  });
  return all_good;
}

// What is damaged in one file and may be right in another copy of it. Throws what refuse_damage does where it is not.
Taken take_other_copies(const bundle::VerifiedBundle& verified, const std::vector<bundle::BlobMap>& maps,
                        const std::vector<BlobFailure>& failures, std::size_t of, const std::set<base::Digest>& left,
                        const ImportRun& run) {
  std::uint64_t bytes = 0;
  for (const BlobFailure& failure : failures) {
    bytes += failure.blob.length;
  }
  const auto progress = run.reporter.task("looking for other copies", bytes);
  std::vector<bundle::BlobMap> others;
  std::set<std::string> changed;
  std::vector<BlobFailure> left_to_place = failures;
  for (const bundle::BlobMap& map : maps) {
    // Of each blob the first map that had it was read; what another one has is untried.
    const auto had = std::partition(left_to_place.begin(), left_to_place.end(),
                                    [&map](const BlobFailure& failure) { return !map.find(failure.blob.sha256); });
    const auto files = changed_files(verified.shipment(), map, {had, left_to_place.end()}, *progress);
    left_to_place.erase(had, left_to_place.end());
    others.push_back(files.empty() ? map : map.without(files));
    changed.insert(files.begin(), files.end());
  }
  const ImportPlan plan = plan_import(verified, others, run.state, run.blobs, left);
  if (changed.empty() || plan.take.size() < failures.size()) {
    refuse_damage(failures, of, worst(failures));
  }
  const auto result = take_blobs(plan.take, locate_in(others), run.blobs, *progress, {});
  if (!result.failures.empty()) {
    refuse_damage(result.failures, of, worst(result.failures));
  }
  run.reporter.warning(fmt::format("{} of {} blobs are damaged in {}; they were taken from other copies that are here",
                                   failures.size(), of, base::join({changed.begin(), changed.end()}, ", ")));
  return {result.blobs, result.bytes};
}

}  // namespace

Taken take_content(const bundle::VerifiedBundle& verified, const std::vector<bundle::BlobMap>& maps, ImportPlan& plan,
                   const std::set<base::Digest>& left, const ImportRun& run) {
  const bundle::BlobMap& map = maps.front();
  const auto missing_from_set = promised_and_missing(verified, map);
  if (plan.absent.size() > missing_from_set) {
    refuse_base_missing(verified, plan, run);
  }
  if (!plan.staged.empty() && !recheck_staged(plan, run)) {
    // What was bad is removed and is taken from the medium again.
    plan = plan_import(verified, maps, run.state, run.blobs, left);
  }
  require_home_space(run.options.home.root, plan.take_bytes, verified.descriptor().blobs);

  Taken taken;
  if (!plan.take.empty()) {
    const auto progress = run.reporter.task("importing", plan.take_bytes);
    IntakeOptions options;
    options.after_each = [&run] { run.step("blob-stored"); };
    const auto result = take_blobs(plan.take, locate_in(maps), run.blobs, *progress, options);
    taken = {result.blobs, result.bytes};
    if (!result.failures.empty()) {
      const Taken more = take_other_copies(verified, maps, result.failures, plan.take.size(), left, run);
      taken.blobs += more.blobs;
      taken.bytes += more.bytes;
    }
  }
  if (!plan.absent.empty()) {
    refuse_volume_missing(verified, map, plan);
  }
  return taken;
}

}  // namespace airlock::workflow
