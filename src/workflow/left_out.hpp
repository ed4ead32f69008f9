// What imports left out of a channel because it was revoked, once this site serves it all the same.
#pragma once

#include "store/state_db.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

// In each generation of `channel`, gives the rows that an import withheld, and that neither a person of this site nor a
// revocation in force keeps out any more, their kind again, as the generation's signed head has it. Rows whose content
// is not here stay as they are, and so do those of a generation whose head is not here: the same bundle brings both.
// Inside a change() of the caller. Throws tampered as prove_generation() does.
void give_back_rows(store::StateDb& state, const Home& home, const store::ChannelKey& channel);

}  // namespace airlock::workflow
