// What a channel must not fall behind after state was lost: from receipts, or from paper
// (docs/decisions/0011-receipts-and-floors.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "store/state_db.hpp"
#include "workflow/home.hpp"
#include "workflow/receipt.hpp"

namespace airlock::workflow {

struct FloorWish {
  std::string channel;
  std::string producer;  // hex; empty: the one that the channel has here, or the only one that is pinned
  store::Floor floor;
  std::optional<base::Time> created;  // of the bundle with that serial: no clock may fall behind it
};

// "site-a:7", more exactly "site-a:7,root=1,snapshot=7,created=2026-07-01T12:00:00Z": the line that each import prints.
// Throws usage.
FloorWish parse_floor(std::string_view text);
std::string floor_text(const ReceiptChannel& channel);
std::vector<FloorWish> floors_of(const Receipt& receipt);

// Inside a change() of the caller. Gives the channels with their floors as they are now. Throws usage: no channel of
// that name and no single pinned root to tell whose it is, a time in the future, a serial more than 1,000,000 ahead.
std::vector<std::pair<store::ChannelKey, store::Floor>>
raise_floors(store::StateDb& state, const Home& home, const std::vector<FloorWish>& wishes, base::Time now);

}  // namespace airlock::workflow
