#include "workflow/generations.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "store/blob_store.hpp"
#include "store/channel_name.hpp"
#include "workflow/generation_proof.hpp"
#include "workflow/import_one.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/policy.hpp"
#include "workflow/receipt.hpp"
#include "workflow/way_back.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using store::Generation;
using store::StateDb;

std::optional<Generation> active_of(const StateDb& state, const store::ChannelKey& channel) {
  for (auto& generation : state.generations()) {
    if (generation.active && generation.channel == channel) {
      return std::move(generation);
    }
  }
  return std::nullopt;
}

Generation require_generation(const StateDb& state, std::uint64_t id) {
  if (auto found = state.generation(id)) {
    return std::move(*found);
  }
  throw Error(ErrorCode::not_found, fmt::format("there is no generation {}", id))
      .with_hint("`airlock store list` shows those that are here");
}

store::ChannelKey require_channel(const StateDb& state, const store::ChannelKey& wanted) {
  std::vector<store::ChannelKey> found;
  std::vector<std::string> producers;
  for (auto& key : state.channels()) {
    if (key.channel == wanted.channel && key.producer.starts_with(wanted.producer)) {
      producers.push_back(key.producer.substr(0, store::k_producer_digits));
      found.push_back(std::move(key));
    }
  }
  if (found.empty()) {
    throw Error(ErrorCode::not_found, fmt::format("there is no channel '{}' here", base::printable(wanted.channel, 80)))
        .with_hint("`airlock status` lists those that are here");
  }
  if (found.size() > 1) {
    throw Error(ErrorCode::usage, fmt::format("{} producers have a channel '{}' here", found.size(), wanted.channel))
        .with_hint("name one of them: --producer " + base::join(producers, " or "));
  }
  return found.front();
}

// A home without state must not get one by a wrong --home.
StateDb open_for_change(const Home& home) {
  { const StateDb exists(home.root, StateDb::Access::read); }
  return StateDb(home.root, StateDb::Access::change);
}

// What a person took the trust from does not come back by another door (docs/operations/keys.md, A producer that begins
// anew).
void require_trusted(const Generation& wanted, const Home& home) {
  if (find_producer(read_pinned_roots(home), wanted.channel.producer) != nullptr) {
    return;
  }
  throw Error(ErrorCode::untrusted,
              fmt::format("generation {} (bundle {} of channel '{}') is of a producer whose root is not pinned here, "
                          "{}, so nothing of it is served",
                          wanted.id, wanted.serial, wanted.channel.channel,
                          wanted.channel.producer.substr(0, store::k_producer_digits)))
      .with_hint("`airlock audit` tells who took that root away, and why; where it is to be trusted again, pin it with "
                 "`airlock trust init root.json`");
}

// Throws tampered where it is something else than its head says.
std::optional<bundle::VerifiedBundle> prove_now(const Generation& generation, const StateDb& state,
                                                const store::BlobStore& blobs, const Home& home) {
  const base::TempDir scratch = state.proof_folder();
  return prove_generation(generation, state, blobs, read_pinned_roots(home), scratch.path());
}

// For whoever wants to serve a generation that nothing here proves.
std::string way_around(const StateDb& state, const Generation& unproven) {
  const auto last = state.last_serial(unproven.channel).value_or(0);
  const auto way = way_to_serve(state, unproven);
  return unproven.serial >= last
             ? way
             : fmt::format("it is older than bundle {}, so that it does not come in again; {}", last, way);
}

ActivationReport activate(StateDb& state, const Home& home, std::uint64_t id, std::string_view action,
                          const base::Clock& clock, const Remark& remark) {
  const auto wanted = require_generation(state, id);
  require_trusted(wanted, home);
  const store::BlobStore blobs(home.blobs());
  if (const auto missing = missing_blobs(state, id, &blobs); !missing.empty()) {
    const std::string_view way =
        state.out_of_service(wanted.channel)
            ? "import the newest bundle, which brings all that its own state needs, and activate that; `airlock bundle "
              "import --salvage` takes nothing for a channel that is out of service"
            : "take them from its bundle, or from any that has them, with `airlock bundle import --salvage PATH`; or "
              "import the newest bundle, which brings all that its own state needs";
    throw Error(ErrorCode::base_missing,
                fmt::format("{} blobs of generation {} (bundle {} of channel '{}') are not here", missing.size(), id,
                            wanted.serial, wanted.channel.channel))
        .with_hint(fmt::format("a restore without content, a repair, or a sweep while the channel was out of service "
                               "left it so; {}",
                               way));
  }
  const auto proven = wanted.unproven ? prove_now(wanted, state, blobs, home) : std::nullopt;
  if (wanted.unproven && !proven) {
    throw Error(
        ErrorCode::base_missing,
        fmt::format("generation {} (bundle {} of channel '{}') came out of a backup, and its signed head is not "
                    "here to compare it with",
                    id, wanted.serial, wanted.channel.channel))
        .with_hint(way_around(state, wanted));
  }
  ActivationReport report;
  report.before = active_of(state, wanted.channel);
  report.ended = state.out_of_service(wanted.channel);

  auto change = state.change();
  if (proven) {
    for (const auto& revoked : proven->revoked()) {
      state.add_revoked(
          {.channel = wanted.channel, .item = revoked.item, .reason = revoked.reason, .since = clock.now()});
    }
  }
  state.set_unproven(id, false);
  state.set_active(id);
  base::Json detail = {{"channel", wanted.channel.channel}, {"generation", id}, {"serial", wanted.serial}};
  if (report.before) {
    detail["before"] = report.before->id;
  }
  if (report.ended) {
    detail["out_of_service_since"] = base::to_rfc3339(report.ended->since);
  }
  remark.add_to(detail);
  state.audit(clock.now(), action, audit_text(detail));
  state.set_channel_order(load_policy(home).channel_order);
  const auto catalog = store::prepare_catalog(state, home.root);
  change.commit();
  catalog->publish();
  report.catalog = catalog->number();
  report.generation = require_generation(state, id);
  return report;
}

// By channel, of the generations that are older than the active one, that which was served last; not one that was only
// held.
std::map<store::ChannelKey, Generation> ways_back(const StateDb& state) {
  std::map<store::ChannelKey, Generation> ways;
  std::set<store::ChannelKey> active_seen;
  for (auto& generation : state.generations()) {  // newest first
    if (generation.active) {
      active_seen.insert(generation.channel);
    } else if (active_seen.contains(generation.channel) && generation.last_active > 0) {
      const auto [way, is_first] = ways.try_emplace(generation.channel, generation);
      if (!is_first && way->second.last_active < generation.last_active) {
        way->second = generation;
      }
    }
  }
  return ways;
}

}  // namespace

ActivationReport activate_generation(const Home& home, std::uint64_t id, const base::Clock& clock,
                                     const Remark& remark) {
  auto state = open_for_change(home);
  return activate(state, home, id, "activate", clock, remark);
}

ActivationReport roll_back(const Home& home, std::optional<std::uint64_t> id, const base::Clock& clock,
                           const Remark& remark) {
  auto state = open_for_change(home);
  if (id) {
    const auto wanted = require_generation(state, *id);
    const auto active = active_of(state, wanted.channel);
    if (active && active->id <= wanted.id) {
      throw Error(ErrorCode::usage, fmt::format("generation {} is not older than {}, which is active", *id, active->id))
          .with_hint(fmt::format("`airlock store activate {}` serves it", *id));
    }
    return activate(state, home, *id, "rollback", clock, remark);
  }
  const auto ways = ways_back(state);
  if (ways.empty()) {
    throw Error(ErrorCode::not_found, "no channel has an older generation that was served before the active one")
        .with_hint("`airlock store list` shows what is here, `airlock store activate GENERATION` serves it");
  }
  if (ways.size() > 1) {
    std::string choices;
    for (const auto& [channel, generation] : ways) {
      choices += fmt::format("{}{} (channel '{}'{})", choices.empty() ? "" : ", ", generation.id, channel.channel,
                             store::producer_mark(channel, state.channels()));
    }
    throw Error(ErrorCode::usage, "several channels can be rolled back").with_hint("name the generation: " + choices);
  }
  return activate(state, home, ways.begin()->second.id, "rollback", clock, remark);
}

DeactivationReport deactivate_channel(const Home& home, const store::ChannelKey& wanted, const base::Clock& clock,
                                      const Remark& remark) {
  if (base::trim(remark.reason).empty()) {
    throw Error(ErrorCode::usage, "taking a channel out of service needs a reason")
        .with_hint("add --reason TEXT; `airlock status` and the audit log show it");
  }
  require_one_line(remark);
  auto state = open_for_change(home);
  DeactivationReport report;
  report.channel = require_channel(state, wanted);
  if (auto out = state.out_of_service(report.channel)) {
    if (!store::catalog_is_current(state, home.root)) {
      store::publish_catalog(state, home.root);  // an earlier run ended before it
    }
    report.out = std::move(*out);
    report.was_out = true;
    return report;
  }
  report.before = active_of(state, report.channel);
  base::Json detail = {{"channel", report.channel.channel}, {"producer", report.channel.producer}};
  if (report.before) {
    detail["before"] = report.before->id;
    detail["serial"] = report.before->serial;
  }
  remark.add_to(detail);
  const auto now = clock.now();
  auto change = state.change();
  state.take_out_of_service(report.channel,
                            {.reason = remark.reason, .ticket = remark.ticket, .user = {}, .since = now});
  state.audit(now, "deactivate", audit_text(detail));
  std::unique_ptr<store::CatalogBuilder> catalog;
  if (report.before) {
    state.set_channel_order(load_policy(home).channel_order);
    catalog = store::prepare_catalog(state, home.root);
  }
  change.commit();
  if (catalog) {
    catalog->publish();
  }
  report.out = *state.out_of_service(report.channel);
  return report;
}

void mend_catalog(StateDb& state, const Home& home, base::Reporter& reporter) {
  if (!store::catalog_is_current(state, home.root)) {
    reporter.note("an earlier run ended before its catalog was published; publishing it now");
    store::publish_catalog(state, home.root);
  }
}

bool catalog_is_behind(const Home& home) {
  try {
    return !store::catalog_is_current(StateDb(home.root, StateDb::Access::read), home.root);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found) {
      throw;
    }
    return false;
  }
}

bool finish_catalog(const Home& home, base::Reporter& reporter) {
  try {
    StateDb state(home.root, StateDb::Access::change);
    mend_catalog(state, home, reporter);
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::busy) {
      throw;
    }
    return false;
  }
}

GenerationDiff diff_generations(const Home& home, std::uint64_t before, std::uint64_t after) {
  const StateDb state(home.root, StateDb::Access::read);
  GenerationDiff diff{.before = require_generation(state, before), .after = require_generation(state, after)};
  ArtifactList old_list;
  ArtifactList new_list;
  state.for_each_row_pair(before, after, [&](const model::FileRow* old_row, const model::FileRow* new_row) {
    if ((old_row != nullptr ? old_row : new_row)->ecosystem == k_bundle_ecosystem) {
      return;
    }
    if (old_row != nullptr) {
      old_list.add(*old_row);
    }
    if (new_row != nullptr) {
      new_list.add(*new_row);
    }
    if (old_row == nullptr) {
      ++diff.files_added;
    } else if (new_row == nullptr) {
      ++diff.files_removed;
    } else {
      diff.files_changed += old_row->sha256 != new_row->sha256 ? 1u : 0u;
    }
  });
  diff.new_bytes = state.bytes_only_in(after, before, k_bundle_ecosystem);
  diff.artifacts = compare(old_list, new_list);
  return diff;
}

}  // namespace airlock::workflow
