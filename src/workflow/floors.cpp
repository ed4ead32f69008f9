#include "workflow/floors.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/policy.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::uint64_t k_largest_jump = 1'000'000;  // of a serial; as for versions in bundles (docs/threat-model.md)

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

std::string producer_of(const store::StateDb& state, const Home& home, const FloorWish& wish) {
  if (!wish.producer.empty()) {
    return wish.producer;
  }
  std::vector<std::string> known;
  for (const auto& key : state.channels()) {
    if (key.channel == wish.channel) {
      known.push_back(key.producer);
    }
  }
  if (known.empty()) {
    for (const auto& root : read_pinned_roots(home)) {
      if (root.root.root.channel.empty() || root.root.root.channel == wish.channel) {
        known.push_back(root.producer());
      }
    }
  }
  if (known.size() != 1) {
    throw Error(ErrorCode::usage,
                known.empty() ? fmt::format("nothing here tells whose channel '{}' is", wish.channel)
                              : fmt::format("{} producers may fill the channel '{}' here", known.size(), wish.channel))
        .with_hint("give the receipt instead, which names the producer; `airlock trust show` lists who is pinned");
  }
  return known.front();
}

}  // namespace

FloorWish parse_floor(std::string_view text) {
  const auto parts = base::split(text, ',');
  const auto colon = parts.front().find(':');
  if (colon == std::string::npos || colon == 0) {
    refuse(text, "it has no serial");
  }
  FloorWish wish;
  wish.channel = parts.front().substr(0, colon);
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (wish.channel.size() > 63 || !std::ranges::all_of(wish.channel, is_plain)) {
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
    } else {
      refuse(text, fmt::format("it knows root, snapshot and created, not '{}'", base::printable(key, 60)));
    }
  }
  return wish;
}

std::string floor_text(const ReceiptChannel& channel) {
  return fmt::format("{}:{},root={},snapshot={},created={}", channel.channel, channel.serial, channel.root_version,
                     channel.snapshot_version, base::to_rfc3339(channel.created));
}

std::vector<FloorWish> floors_of(const Receipt& receipt) {
  std::vector<FloorWish> wishes;
  for (const auto& channel : receipt.channels) {
    if (!base::Digest::is_sha256_hex(channel.producer)) {
      throw Error(ErrorCode::malformed, "the receipt names a producer that is none");
    }
    auto wish = parse_floor(fmt::format("{}:{}", channel.channel, channel.serial));
    wish.producer = channel.producer;
    wish.floor.bundle_id = channel.bundle_id;
    wish.floor.root_version = channel.root_version;
    wish.floor.snapshot_version = channel.snapshot_version;
    wish.created = channel.created;
    wishes.push_back(std::move(wish));
  }
  return wishes;
}

std::vector<std::pair<store::ChannelKey, store::Floor>>
raise_floors(store::StateDb& state, const Home& home, const std::vector<FloorWish>& wishes, base::Time now) {
  std::vector<std::pair<store::ChannelKey, store::Floor>> raised;
  const auto tolerance = load_policy(home).clock_tolerance;
  for (const auto& wish : wishes) {
    const store::ChannelKey key{producer_of(state, home, wish), wish.channel};
    const auto known = state.last_serial(key).value_or(0);
    if (wish.floor.serial > known + k_largest_jump) {
      throw Error(ErrorCode::usage, fmt::format("serial {} of channel '{}' is far beyond {}, which is known here",
                                                wish.floor.serial, wish.channel, known))
          .with_hint("look at the paper again: nothing older than the floor can be imported afterwards");
    }
    if (wish.created && *wish.created > now + tolerance) {
      throw Error(ErrorCode::usage,
                  fmt::format("bundle {} of channel '{}' was made at {}, and here it is {}", wish.floor.serial,
                              wish.channel, base::to_rfc3339(*wish.created), base::to_rfc3339(now)))
          .with_hint("set this host's clock right first");
    }
    state.raise_floor(key, wish.floor);
    if (wish.created) {
      state.raise_time_floor(*wish.created);
    }
    raised.emplace_back(key, *state.floor(key));
  }
  return raised;
}

}  // namespace airlock::workflow
