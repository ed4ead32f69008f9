// What this site does not serve, whoever brings it: at once in a running server, and across imports, rollbacks and
// restarts, until it is unblocked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "store/state_db.hpp"
#include "workflow/home.hpp"
#include "workflow/remark.hpp"

namespace airlock::workflow {

struct BlockReport {
  std::string item;               // canonical
  std::uint64_t files = 0;        // of the catalog that it takes out, or gives back
  std::vector<std::string> some;  // of those, "ECOSYSTEM PATH", at most k_blocked_named
  std::uint64_t lacking = 0;      // of `files`, whose content is not here, or was not taken when they were imported
  std::uint64_t catalog = 0;      // number; 0: nothing is active
  // Those in which a revocation of this item is overridden from now on, or, after a block, not any more.
  std::vector<store::ChannelKey> channels;
};
inline constexpr std::size_t k_blocked_named = 20;

// `text` is a model::Item; what is not here yet can be blocked, too. Blocking again replaces the reason. The blobs
// stay. An override of a revocation of this item ends. Throws usage (no item, a digest that is no sha256, no reason or
// a long one), not_found for a home without roots and state, busy.
BlockReport block_item(const Home& home, const std::string& text, const std::string& reason, const std::string& ticket,
                       const base::Clock& clock);
// Throws not_found when it is not blocked. What a producer revoked stays revoked.
BlockReport unblock_item(const Home& home, const std::string& text, const std::string& reason,
                         const std::string& ticket, const base::Clock& clock);
// Serves what its producer revoked: this very item, in the channels that revoked it until now (only in `channel`,
// unless that is empty), also where it is revoked again, until it is blocked
// (docs/decisions/0012-revocations-and-blocks.md). A block of it stays. Throws usage (no reason), not_found when nobody
// revoked it.
BlockReport serve_revoked(const Home& home, const std::string& text, const std::string& channel, const Remark& remark,
                          const base::Clock& clock);

}  // namespace airlock::workflow
