#include "workflow/floors.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "bundle/layout.hpp"
#include "store/channel_name.hpp"
#include "trust/metadata.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/policy.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

// How far a floor may be ahead of what was proven here. A mistake would stop the channel's imports, and so would a
// receipt that was altered on its way: less is believed of that than of a person's paper.
struct Reach {
  std::uint64_t serial = 0, root = 0;  // a snapshot's version keeps pace with the serial
};
constexpr Reach k_paper_reach{1'000'000, 1'024};  // as for versions in bundles (docs/threat-model.md)
constexpr Reach k_receipt_reach{10'000, 64};

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw Error(ErrorCode::usage, fmt::format("'{}' is no floor: {}", base::printable(text, 200), why))
      .with_hint("write CHANNEL:SERIAL, or the whole line that the last import printed: "
                 "site-a:7,root=1,snapshot=7,created=2026-07-01T12:00:00Z");
}

std::uint64_t number(std::string_view digits, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || failure != std::errc() || end != digits.data() + digits.size()) {
    refuse(text, fmt::format("'{}' is no number", base::printable(digits, 60)));
  }
  return value;
}

std::string producer_digits(std::string_view digits, std::string_view text) {
  const auto is_hex = [](char c) { return base::is_digit(c) || (c >= 'a' && c <= 'f'); };
  if (digits.size() < k_fewest_producer_digits || digits.size() > 64 || !std::ranges::all_of(digits, is_hex)) {
    refuse(text, fmt::format("of a producer it takes {} to 64 hex digits, not '{}'", k_fewest_producer_digits,
                             base::printable(digits, 80)));
  }
  return std::string(digits);
}

std::string producer_of(const store::StateDb& state, const Home& home, const FloorWish& wish) {
  if (base::Digest::is_sha256_hex(wish.producer)) {
    return wish.producer;
  }
  std::vector<std::string> known;
  for (const auto& key : state.channels()) {
    if (key.channel == wish.channel && key.producer.starts_with(wish.producer)) {
      known.push_back(key.producer);
    }
  }
  if (known.empty()) {
    for (const auto& root : read_pinned_roots(home)) {
      if ((root.root.root.channel.empty() || root.root.root.channel == wish.channel) &&
          root.producer().starts_with(wish.producer)) {
        known.push_back(root.producer());
      }
    }
  }
  if (known.size() != 1) {
    throw Error(ErrorCode::usage,
                known.empty() ? fmt::format("nothing here tells whose channel '{}' is", wish.channel)
                              : fmt::format("{} producers may fill the channel '{}' here", known.size(), wish.channel))
        .with_hint("write `,producer=DIGITS` behind it, or give the receipt, which names the producer; `airlock trust "
                   "show` lists who is pinned. A line of a producer that is trusted no more is left out");
  }
  return known.front();
}

// What was proven here: by imports, and by the root that is pinned. Floors are not, or each could lift the next.
store::Floor proven_here(const store::StateDb& state, const Home& home, const store::ChannelKey& key,
                         const FloorWish& wish) {
  store::Floor known{.serial = state.last_serial(key).value_or(0), .bundle_id = {}, .root_version = wish.pinned_root};
  if (const auto roots = state.roots(key.producer); !roots.empty()) {
    known.root_version = trust::parse_root(trust::parse_signed(roots.back(), "root", trust::k_root_limit)).version;
  }
  for (const auto& root : read_pinned_roots(home)) {
    if (root.producer() == key.producer) {
      known.root_version = std::max(known.root_version, root.root.root.version);
    }
  }
  if (const auto snapshot = state.role(key, "snapshot")) {
    known.snapshot_version =
        trust::parse_snapshot(trust::parse_signed(*snapshot, "snapshot", trust::k_snapshot_limit)).version;
  }
  return known;
}

void require_near(std::string_view what, std::uint64_t wanted, std::uint64_t known, std::uint64_t reach,
                  const FloorWish& wish) {
  if (wanted <= known + reach) {
    return;
  }
  throw Error(ErrorCode::usage, fmt::format("{} {} of channel '{}' is far beyond {}, which is known here", what, wanted,
                                            wish.channel, known))
      .with_hint(wish.from_receipt
                     ? "the receipt may have been altered: compare it with the paper of the last import, and give what "
                       "stands there with --floor"
                     : "look at the paper again: nothing older than the floor can be imported afterwards");
}

const Reach& reach_of(const FloorWish& wish) {
  return wish.from_receipt ? k_receipt_reach : k_paper_reach;
}

}  // namespace

void require_near_serial(const FloorWish& wish, std::uint64_t known) {
  require_near("serial", wish.floor.serial, known, reach_of(wish).serial, wish);
}

FloorWish parse_floor(std::string_view text) {
  const auto parts = base::split(text, ',');
  const auto colon = parts.front().find(':');
  if (colon == std::string::npos || colon == 0) {
    refuse(text, "it has no serial");
  }
  FloorWish wish;
  wish.channel = parts.front().substr(0, colon);
  if (!bundle::is_channel_name(wish.channel)) {
    refuse(text, fmt::format("'{}' is no channel", base::printable(wish.channel, 80)));
  }
  wish.floor.serial = number(std::string_view(parts.front()).substr(colon + 1), text);
  for (auto part = parts.begin() + 1; part != parts.end(); ++part) {
    const auto equals = part->find('=');
    const auto key = part->substr(0, equals);
    const auto value = equals == std::string::npos ? std::string() : part->substr(equals + 1);
    if (key == "root") {
      wish.floor.root_version = number(value, text);
    } else if (key == "snapshot") {
      wish.floor.snapshot_version = number(value, text);
    } else if (key == "created") {
      wish.created = base::parse_rfc3339(value);
    } else if (key == "producer") {
      wish.producer = producer_digits(value, text);
    } else {
      refuse(text, fmt::format("it knows root, snapshot, created and producer, not '{}'", base::printable(key, 60)));
    }
  }
  return wish;
}

std::vector<std::string> floor_lines(const Receipt& receipt) {
  const auto key = [](const auto& one) { return store::ChannelKey{one.producer, one.channel}; };
  std::vector<store::ChannelKey> all;
  std::ranges::transform(receipt.channels, std::back_inserter(all), key);
  std::ranges::transform(receipt.floors, std::back_inserter(all), key);
  const auto producer = [&](const auto& one) {
    return store::shares_its_name(key(one), all) ? ",producer=" + one.producer.substr(0, store::k_producer_digits) : "";
  };
  std::vector<std::string> lines;
  for (const auto& channel : receipt.channels) {
    lines.push_back(fmt::format("{}:{},root={},snapshot={},created={}{}", channel.channel, channel.serial,
                                channel.root_version, channel.snapshot_version, base::to_rfc3339(channel.created),
                                producer(channel)));
  }
  for (const auto& floor : receipt.floors) {
    lines.push_back(fmt::format("{}:{},root={},snapshot={}{}", floor.channel, floor.serial, floor.root_version,
                                floor.snapshot_version, producer(floor)));
  }
  return lines;
}

std::vector<FloorWish> floors_of(const Receipt& receipt) {
  std::vector<FloorWish> wishes;
  const auto add = [&wishes](const auto& known) -> FloorWish& {
    if (!base::Digest::is_sha256_hex(known.producer)) {
      throw Error(ErrorCode::malformed, "the receipt names a producer that is none");
    }
    auto& wish = wishes.emplace_back(parse_floor(fmt::format("{}:{}", known.channel, known.serial)));
    wish.producer = known.producer;
    wish.floor.bundle_id = known.bundle_id;
    wish.floor.root_version = known.root_version;
    wish.floor.snapshot_version = known.snapshot_version;
    wish.from_receipt = true;
    return wish;
  };
  for (const auto& channel : receipt.channels) {
    add(channel).created = channel.created;
  }
  for (const auto& floor : receipt.floors) {
    add(floor);
  }
  return wishes;
}

std::vector<FloorChange> raise_floors(store::StateDb& state, const Home& home, const std::vector<FloorWish>& wishes,
                                      base::Time now) {
  std::vector<FloorChange> changes;
  const auto tolerance = load_policy(home).clock_tolerance;
  for (const auto& wish : wishes) {
    const store::ChannelKey key{producer_of(state, home, wish), wish.channel};
    const auto known = proven_here(state, home, key, wish);
    const Reach& reach = reach_of(wish);
    require_near_serial(wish, known.serial);
    require_near("root version", wish.floor.root_version, known.root_version, reach.root, wish);
    // With the state lost, the serial tells how far the snapshot's version may have come.
    require_near("snapshot version", wish.floor.snapshot_version, std::max(known.snapshot_version, wish.floor.serial),
                 reach.serial, wish);
    if (wish.created && *wish.created > now + tolerance) {
      throw Error(ErrorCode::usage,
                  fmt::format("bundle {} of channel '{}' was made at {}, and here it is {}", wish.floor.serial,
                              wish.channel, base::to_rfc3339(*wish.created), base::to_rfc3339(now)))
          .with_hint("set this host's clock right first");
    }
    FloorChange change{.key = key, .before = state.floor(key).value_or(store::Floor{}), .after = {}, .time = {}};
    state.raise_floor(key, wish.floor);
    if (wish.created && state.time_floor().value_or(base::Time::min()) < *wish.created) {
      state.raise_time_floor(*wish.created);
      change.time = wish.created;
    }
    change.after = *state.floor(key);
    changes.push_back(std::move(change));
  }
  return changes;
}

FloorChange lower_floor(store::StateDb& state, const Home& home, const FloorWish& wish, const Remark& remark,
                        base::Time now) {
  if (base::trim(remark.reason).empty()) {
    throw Error(ErrorCode::usage, "lowering a floor needs a reason")
        .with_hint("add --reason TEXT; the audit log keeps it");
  }
  if (wish.created) {
    throw Error(ErrorCode::usage, "the floor of time cannot be lowered").with_hint("leave out created=…");
  }
  const store::ChannelKey key{producer_of(state, home, wish), wish.channel};
  const auto known = state.floor(key);
  const auto newest = state.last_serial(key).value_or(0);
  if (!known && wish.floor.serial >= newest) {
    throw Error(ErrorCode::usage,
                fmt::format("channel '{}' has no floor, and its newest serial here is {}", wish.channel, newest))
        .with_hint("`airlock trust show` shows both; --lower names a serial below one of them");
  }
  const store::Floor before = known.value_or(store::Floor{});
  store::Floor after = wish.floor;
  after.serial = std::min(after.serial, before.serial);
  after.root_version = after.root_version == 0 ? before.root_version : after.root_version;
  after.snapshot_version = after.snapshot_version == 0 ? before.snapshot_version : after.snapshot_version;
  after.bundle_id = after.serial == before.serial ? before.bundle_id : std::string();
  if (wish.floor.serial > std::max(before.serial, newest) || after.root_version > before.root_version ||
      after.snapshot_version > before.snapshot_version) {
    throw Error(ErrorCode::usage,
                fmt::format("that is higher than the floor of channel '{}', which is {},root={},"
                            "snapshot={}, and its newest serial here, which is {}",
                            wish.channel, before.serial, before.root_version, before.snapshot_version, newest))
        .with_hint("--floor raises, --lower only lowers");
  }
  const store::FloorLowering lowering{.time = now, .reason = remark.reason};
  FloorChange change{.key = key, .before = before, .after = after, .time = {}};
  if (known) {
    state.lower_floor(key, after, lowering);
  }
  if (wish.floor.serial < newest) {
    state.lower_last_serial(key, wish.floor.serial, lowering);
    change.newest = FloorChange::Newest{.before = newest, .after = wish.floor.serial};
  }
  return change;
}

}  // namespace airlock::workflow
