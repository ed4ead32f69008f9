// Import, the parts of step 4 that need to know what else is here: what is revoked, and the other channels.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/text.hpp"
#include "store/catalog.hpp"
#include "store/channel_name.hpp"
#include "workflow/import_one.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using model::Kind;

// Of one channel, of which the site overrides none: five full lists, which no producer reaches by hand.
constexpr std::size_t k_most_revoked = 50'000;

// Before anything of this list counts: one that fills the database, from stolen keys, must not do so for good.
void require_room(const ProvenHead& proven, std::size_t in_force, std::size_t added) {
  if (in_force + added > k_most_revoked) {
    throw Error(ErrorCode::policy,
                fmt::format("{} more revoked items of channel '{}' would make {}, and a site keeps {}", added,
                            proven.key.channel, in_force + added, k_most_revoked))
        .with_hint("call security: a producer whose keys were stolen looks like this. Block what is really bad with "
                   "`airlock block ITEM`. `airlock block --list` shows what was revoked; `airlock unblock ITEM "
                   "--revoked --reason TEXT` serves an item again and makes room. Nothing was changed");
  }
}

bool is_fixed(Kind kind) {
  return kind == Kind::file || kind == Kind::meta || kind == Kind::layout;
}

bool serves_other_channels(const store::ChannelKey& key, const store::StateDb& state) {
  const auto generations = state.generations();
  return std::any_of(generations.begin(), generations.end(), [&key](const store::Generation& generation) {
    return generation.active && generation.channel != key;
  });
}

}  // namespace

void apply_revocations(const ProvenHead& proven, const ImportRun& run) {
  std::set<std::string> known;
  std::size_t in_force = 0;
  for (const auto& revoked : run.state.revoked()) {
    if (revoked.channel == proven.key) {
      known.insert(revoked.item);
      in_force += revoked.overridden ? 0U : 1U;
    }
  }
  base::Json added = base::Json::array();
  const auto now = run.clock.now();
  for (const auto& revoked : proven.bundle.revoked()) {
    if (!known.contains(revoked.item)) {
      added.push_back({{"item", revoked.item}, {"reason", revoked.reason}});
    }
  }
  if (added.empty()) {
    return;
  }
  require_room(proven, in_force, added.size());
  auto change = run.state.change();
  for (const auto& revoked : proven.bundle.revoked()) {
    run.state.add_revoked({.channel = proven.key, .item = revoked.item, .reason = revoked.reason, .since = now});
  }
  run.state.audit(now, "revoked",
                  base::to_line(base::Json{{"channel", proven.key.channel},
                                           {"producer", proven.key.producer},
                                           {"serial", proven.bundle.descriptor().serial},
                                           {"items", added}}));
  const auto count = added.size();
  std::unique_ptr<store::CatalogBuilder> catalog;
  if (run.state.catalog_number() > 0) {
    catalog = store::prepare_catalog(run.state, run.options.home.root);
  }
  change.commit();
  if (catalog) {
    catalog->publish();
  }
  run.reporter.warning(fmt::format("the producer of '{}' revoked {} of what it sent; it is not served from now on, "
                                   "whichever generation is active",
                                   proven.key.channel, count));
}

void check_rows(const bundle::VerifiedBundle& verified, const store::ChannelKey& key, const ImportRun& run) {
  const auto catalog =
      serves_other_channels(key, run.state) ? store::Catalog::open_current(run.options.home.root) : nullptr;
  if (!catalog) {
    return;
  }
  verified.for_each_row([&](const model::FileRow& row) {
    if (!is_fixed(row.kind)) {
      return;
    }
    const auto here = catalog->find(row.ecosystem, row.path);
    if (!here || !is_fixed(here->kind) || here->sha256 == row.sha256) {
      return;
    }
    const auto generation = run.state.generation(here->generation);
    const store::ChannelKey other = generation ? generation->channel : store::ChannelKey{{}, here->channel};
    if (other != key) {
      const std::vector<store::ChannelKey> both = {key, other};
      throw Error(ErrorCode::untrusted,
                  fmt::format("{} '{}' is one thing in channel '{}'{} ({}) and another in channel '{}'{} ({})",
                              row.ecosystem, base::printable(row.path), other.channel,
                              store::producer_mark(other, both), here->sha256->to_string(), key.channel,
                              store::producer_mark(key, both), row.sha256->to_string()))
          .with_hint(
              "a path that is fixed by a version or digest means one thing, and whoever fills it anew may want to "
              "put something else in its place: call security, and ask both producers which is right. Nothing "
              "was changed");
    }
  });
}

}  // namespace airlock::workflow
