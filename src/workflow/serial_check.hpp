// The serial that people approved must go forward, whatever the versions of the roles say
// (docs/operations/verify-and-import.md, step 4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "bundle/verified_bundle.hpp"
#include "store/state_db.hpp"

namespace airlock::workflow {

// A channel that takes a bundle a day comes so far in three years: further is a question for the producer, in an import
// and where a bundle so far behind is refused.
inline constexpr std::uint64_t k_long_leap = 1'000;  // serials

// What to do with a bundle whose serial is below `last`, the newest one here.
std::string hint_for_older(std::uint64_t serial, std::uint64_t last, std::string_view channel);

// Throws rollback for a serial below the newest one of the channel, equivocation for the same serial with another
// state, untrusted for one that leaps further over the newest, or over a floor, than `policy` lets a version leap. The
// first of a channel may leap to 1,000,000 under any policy.
void check_serial(const bundle::VerifiedBundle& verified, const store::StateDb& state, const store::ChannelKey& key,
                  const trust::Policy& policy);
// The same where there is no state: throws untrusted.
void check_first_serial(const bundle::VerifiedBundle& verified, const trust::Policy& policy);

// Adds a hint to a rollback of versions by a bundle that says to be newer than what is here: somebody who had a key may
// have used the versions up. `serial` is the head's own word where its state is not known. Leaves every other error as
// it is.
void explain_older_versions(base::Error& error, std::uint64_t serial, const store::StateDb& state,
                            const store::ChannelKey& key);

// The newest generation whose state is the one that a head names. Nothing of the head is proven by that, and nothing of
// it may be taken: it says only that an import of it would bring nothing new.
std::optional<store::Generation> taken_in_as(const bundle::Head& head, const store::StateDb& state,
                                             const store::ChannelKey& key);

}  // namespace airlock::workflow
