// Whether a generation that came out of a backup is what its producer signed: nobody signed the database.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "bundle/verified_bundle.hpp"
#include "store/blob_store.hpp"
#include "store/state_db.hpp"
#include "workflow/pinned_roots.hpp"

namespace airlock::workflow {

// Reads the generation's head out of the store, verifies it from the pinned root on, and compares every row with it;
// only `withheld` may stand in the place of a row's kind. The roots are those of the head, since that is what was in
// force when it was taken in; no expiry is asked, and no policy. A copy of the head is made below `scratch`, an
// existing folder. nullopt: the head is not here, or is damaged, or no root of its producer is pinned. Throws tampered
// where it is something else, io, no_space.
std::optional<bundle::VerifiedBundle> prove_generation(const store::Generation& generation, const store::StateDb& state,
                                                       const store::BlobStore& blobs,
                                                       const std::vector<PinnedRoot>& roots,
                                                       const std::filesystem::path& scratch);

}  // namespace airlock::workflow
