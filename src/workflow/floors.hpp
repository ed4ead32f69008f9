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
#include "workflow/remark.hpp"

namespace airlock::workflow {

struct FloorWish {
  std::string channel;
  // Hex, or its first digits; empty: the one that the channel has here, or the only one that is pinned.
  std::string producer;
  store::Floor floor;
  std::optional<base::Time> created;  // of the bundle with that serial: no clock may fall behind it
  bool from_receipt = false;          // a file that nobody signed and that came on a medium, not a person's word
  std::uint64_t pinned_root = 0;      // version of the root that is about to be pinned with it
};

struct FloorChange {
  store::ChannelKey key;
  store::Floor before, after;
  std::optional<base::Time> time;  // where the floor of time rose: to this
  // Where the serial of the newest import, which keeps older ones out as a floor does, was lowered.
  struct Newest {
    std::uint64_t before = 0, after = 0;
  };
  std::optional<Newest> newest = {};
};

// "site-a:7", more exactly "site-a:7,root=1,snapshot=7,created=2026-07-01T12:00:00Z": the line that each import prints.
// Behind it stands ",producer=ef6d95a4e5af" where two producers have a channel of that name. Throws usage.
FloorWish parse_floor(std::string_view text);
std::vector<std::string> floor_lines(const Receipt& receipt);
std::vector<FloorWish> floors_of(const Receipt& receipt);

// Throws usage for a serial further ahead of `known`, the newest that is known here, than can be right (by the numbers
// below).
void require_near_serial(const FloorWish& wish, std::uint64_t known);

// Inside a change() of the caller. Gives what each wish changed. Throws usage: no channel of that name and no single
// pinned root to tell whose it is, a time in the future, or a number that is further ahead of what was proven here than
// can be right (serial and snapshot version by 1,000,000, root version by 1,024; from a receipt by 10,000 and 64).
std::vector<FloorChange> raise_floors(store::StateDb& state, const Home& home, const std::vector<FloorWish>& wishes,
                                      base::Time now);
// Likewise, and the way back from a floor that was a mistake, or from a serial that was imported and should not have
// been (by a stolen key: nothing that comes later would be newer): what the wish names is so from now on, what it
// leaves out stays. Versions that were imported count beside floors and are not touched, since new keys start them
// anew, and neither is the floor of time. Throws usage: no reason, nothing to lower, a member above what holds, a time.
FloorChange lower_floor(store::StateDb& state, const Home& home, const FloorWish& wish, const Remark& remark,
                        base::Time now);

}  // namespace airlock::workflow
