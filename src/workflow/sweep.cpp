#include "workflow/sweep.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/json.hpp"
#include "store/blob_store.hpp"
#include "store/state_db.hpp"
#include "workflow/generations.hpp"
#include "workflow/needed_blobs.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using store::StateDb;

std::vector<std::uint64_t> generations_to_drop(const StateDb& state, std::uint64_t keep) {
  std::map<store::ChannelKey, std::uint64_t> kept;
  std::vector<std::uint64_t> drop;
  // Of a channel out of service the newest stays, as the record of what was taken in.
  const auto limit = [&](const store::ChannelKey& channel) -> std::uint64_t {
    return state.out_of_service(channel) ? 1 : std::max<std::uint64_t>(keep, 1);
  };
  const auto generations = state.generations();  // newest first
  for (const auto& generation : generations) {
    kept[generation.channel] += generation.active ? 1u : 0u;  // the active one has its place whatever its age
  }
  for (const auto& generation : generations) {
    if (generation.active) {
      continue;
    }
    if (kept[generation.channel] < limit(generation.channel)) {
      ++kept[generation.channel];
    } else {
      drop.push_back(generation.id);
    }
  }
  return drop;
}

// The catalog that clients have in use, where that is not the one of `state`: a run ended between its commit and its
// switch. What it names must stay. It is switched first where that may be done and has room; then there is none.
std::shared_ptr<const store::Catalog> still_served(StateDb& state, const SweepOptions& options,
                                                   base::Reporter& reporter) {
  if (store::catalog_is_current(state, options.home.root)) {
    return nullptr;
  }
  if (options.mode == SweepOptions::Mode::remove) {
    try {
      mend_catalog(state, options.home, reporter);
      return nullptr;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::no_space && error.code() != ErrorCode::io) {
        throw;
      }
      reporter.note("the disk is full; what the catalog in use still names is kept");
    }
  }
  return store::Catalog::open_current(options.home.root);
}

void forget(StateDb& state, const std::vector<std::uint64_t>& generations,
            const std::vector<std::pair<base::Digest, std::uint64_t>>& blobs, std::uint64_t bytes, base::Time now,
            const Remark& remark) {
  auto change = state.change();
  for (const auto& [item, digest] : blocked_blobs(state)) {
    state.keep_for_block(item, digest);  // the rows that tell it may go now
  }
  for (const auto id : generations) {
    state.drop_generation(id);
  }
  for (const auto& [digest, length] : blobs) {
    state.remove_blob(digest);
  }
  base::Json detail = {{"generations", generations}, {"blobs", blobs.size()}, {"bytes", bytes}};
  remark.add_to(detail);
  state.audit(now, "sweep", audit_text(detail));
  change.commit();
}

}  // namespace

SweepReport sweep_store(const SweepOptions& options, const base::Clock& clock, base::Reporter& reporter) {
  { const StateDb exists(options.home.root, StateDb::Access::read); }
  StateDb state(options.home.root, StateDb::Access::change);
  const store::BlobStore blobs(options.home.blobs());
  const bool removes = options.mode == SweepOptions::Mode::remove;
  SweepReport report;
  const auto served = still_served(state, options, reporter);
  report.generations = generations_to_drop(state, options.keep);
  const auto needed = needed_digests(state, report.generations);
  const auto is_needed = [&](const base::Digest& digest) {
    return needed.contains(digest) || (served && !served->find_digest(digest).empty());
  };

  std::vector<std::pair<base::Digest, std::uint64_t>> unneeded;
  state.for_each_blob([&](const base::Digest& digest, std::uint64_t length) {
    if (!is_needed(digest)) {
      unneeded.emplace_back(digest, length);
      report.bytes += length;
    }
  });
  std::vector<std::pair<base::Digest, std::uint64_t>> unfinished;
  blobs.for_each_file([&](const base::Digest& digest, std::uint64_t length) {
    if (!state.has_blob(digest)) {
      unfinished.emplace_back(digest, length);
      report.bytes += length;
    }
  });
  report.unfinished = unfinished.size();
  report.blobs = unneeded.size() + unfinished.size();
  if (!removes) {
    return report;
  }

  // Files first that no row names: that needs no room, and may make the room that the database needs.
  blobs.remove_leftovers();
  for (const auto& [digest, length] : unfinished) {
    blobs.remove(digest);
  }
  if (!unneeded.empty() || !report.generations.empty()) {
    try {
      forget(state, report.generations, unneeded, report.bytes, clock.now(), options.remark);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::no_space || unneeded.empty()) {
        throw;
      }
      // Even the journal does not fit. What no kept generation needs is not served, so its files may go before their
      // rows; should this run end here, the next import and the next sweep look at files as well as rows.
      reporter.note("the disk is full; removing blobs before their records");
      for (const auto& [digest, length] : unneeded) {
        blobs.remove(digest);
      }
      forget(state, report.generations, unneeded, report.bytes, clock.now(), options.remark);
    }
    for (const auto& [digest, length] : unneeded) {
      blobs.remove(digest);
    }
  }
  return report;
}

}  // namespace airlock::workflow
