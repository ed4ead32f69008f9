#include "workflow/ship_plan.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "workflow/bundle_files.hpp"
#include "workflow/revocation.hpp"

namespace airlock::workflow {

namespace {

using base::Digest;
using base::Error;
using base::ErrorCode;

std::vector<Digest> digests_of(const bundle::VerifiedBundle& verified) {
  std::vector<Digest> digests;
  for (const auto& blob : verified.blobs()) {
    digests.push_back(blob.sha256);
  }
  make_sorted_set(digests);
  return digests;
}

std::vector<Digest> revoked_blobs(const bundle::VerifiedBundle& verified) {
  std::vector<Digest> digests;
  const Revocations revocations(verified.revoked());
  if (!revocations.empty()) {
    verified.for_each_row([&](const model::FileRow& row) {
      if (row.sha256 && revocations.find(row) != nullptr) {
        digests.push_back(*row.sha256);
      }
    });
  }
  make_sorted_set(digests);
  return digests;
}

// What every site of the bases has. A need list of another state is as good as a receipt.
std::vector<Digest> held_by_every_site(const bundle::VerifiedBundle& verified, std::vector<BaseState> bases) {
  const std::vector<Digest> all = digests_of(verified);
  for (BaseState& base : bases) {
    if (base.lacks_of == verified.bundle_id()) {
      std::vector<Digest> holds;
      std::ranges::set_difference(all, base.lacks, std::back_inserter(holds));
      base.holds = std::move(holds);
    }
  }
  return held_by_all(bases);
}

}  // namespace

ShipPlan plan_shipment(const bundle::VerifiedBundle& verified, const std::vector<BaseState>& bases) {
  const std::vector<Digest> held = held_by_every_site(verified, bases);
  const std::vector<Digest> revoked = revoked_blobs(verified);
  ShipPlan plan;
  for (const auto& blob : verified.blobs()) {
    const bool is_revoked = std::ranges::binary_search(revoked, blob.sha256);
    plan.revoked += is_revoked ? 1U : 0U;
    if (is_revoked || std::ranges::binary_search(held, blob.sha256)) {
      plan.omitted.push_back(blob.sha256);
    } else {
      plan.blobs.push_back({.sha256 = blob.sha256, .length = blob.length});
      plan.bytes += blob.length;
    }
  }
  make_sorted_set(plan.omitted);
  return plan;
}

ShipPlan plan_statements(const bundle::VerifiedBundle& verified) {
  return {.blobs = {}, .omitted = digests_of(verified)};
}

void require_sources(const ShipPlan& plan, const bundle::VerifiedBundle& verified, const bundle::BlobMap& map,
                     const LocalBlobs& local) {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
  for (const bundle::WrittenBlob& blob : plan.blobs) {
    if (!local.find(blob.sha256, blob.length)) {
      ++count;
      bytes += blob.length;
    }
  }
  if (count == 0) {
    return;
  }
  const auto lacking =
      fmt::format("{} blobs ({}) that are to be sent are not on this host", count, base::format_bytes(bytes));
  for (const base::Finding& finding : map.findings()) {
    if (finding.severity == base::Severity::error) {
      throw Error(finding.code, fmt::format("{} {}; {}", finding.subject, finding.message, lacking))
          .with_hint("copy that file again from where it is good, and run the same command");
    }
  }
  const auto missing = volumes_not_at_hand(verified.shipment(), map);
  if (!missing.empty()) {
    throw Error(ErrorCode::volume_missing,
                fmt::format("{} of {} is not at hand; {}", name_volumes(missing, verified.shipment().volumes.size()),
                            verified.head().file().string(), lacking))
        .with_hint("put it beside the head, or name its folder with --volumes DIR");
  }
  throw Error(
      ErrorCode::base_missing,
      fmt::format("{}: neither in {}, nor in this home's bundles that still lie where they were written, nor in "
                  "the store",
                  lacking, verified.head().file().string()))
      .with_hint("this bundle is a delta itself; name the full one, or bring back the one that it was based on");
}

}  // namespace airlock::workflow
