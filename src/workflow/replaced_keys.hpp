// An old bundle from before a producer's keys were replaced is stale, and no forgery.
#pragma once

#include <optional>

#include "base/error.hpp"
#include "bundle/head.hpp"
#include "store/state_db.hpp"
#include "workflow/pinned_roots.hpp"

namespace airlock::workflow {

// For a head that was found untrusted: what to throw in its place, where everything in it holds under an older root
// that this site itself trusted once. Where serial and snapshot version are below what is here, or the state is the
// very one that is here, a rollback; else `refusal` with a hint that tells of the keys. nullopt for all else: `refusal`
// has a hint of its own, or what signs a state under the older root does so under the newest one. Nothing is accepted
// by this; whoever has old keys can at most have his forgery called old, and only as long as it is.
std::optional<base::Error> older_than_keys(const bundle::Head& head, const PinnedRoot& root,
                                           const store::StateDb& state, const store::ChannelKey& key,
                                           const base::Error& refusal);

}  // namespace airlock::workflow
