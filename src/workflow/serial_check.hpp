// The serial that people approved must go forward, whatever the versions of the roles say
// (docs/operations/verify-and-import.md, step 4).
#pragma once

#include "bundle/verified_bundle.hpp"
#include "store/state_db.hpp"

namespace airlock::workflow {

// Throws rollback for a serial below the newest one of the channel, equivocation for the same serial with another
// state.
void check_serial(const bundle::VerifiedBundle& verified, const store::StateDb& state, const store::ChannelKey& key);

}  // namespace airlock::workflow
