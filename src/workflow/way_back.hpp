// What brings again what a restore, a repair or a lost disk left out, in the words of whoever tells of it.
#pragma once

#include <cstdint>
#include <string>

#include "store/state_db.hpp"

namespace airlock::workflow {

// The root that the newest import was made under, and the newest that is known of its producer; 0: none.
struct RootVersions {
  std::uint64_t taken = 0, known = 0;
};
RootVersions root_versions(const store::StateDb& state, const store::ChannelKey& key);

// Which bundle of the channel an import takes, so that it reads behind "import": the newest one again, also below a
// floor, but not where it was made under an older root than is known; or one that is not below the floor.
std::string bundle_that_helps(const store::StateDb& state, const store::ChannelKey& key);
// What to do where `wanted`, which its channel serves or is to serve, is not whole or not proven: import, or, since
// what is older than the newest import is refused, activate the newest one that is whole and proven; or the same state
// where that is.
std::string way_to_serve(const store::StateDb& state, const store::Generation& wanted);

}  // namespace airlock::workflow
