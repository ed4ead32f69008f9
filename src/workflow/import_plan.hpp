// What an import will do, decided from the proven head, the medium and the store before a byte is written
// (docs/operations/verify-and-import.md, step 5).
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include "bundle/blob_map.hpp"
#include "bundle/verified_bundle.hpp"
#include "store/blob_store.hpp"
#include "store/state_db.hpp"

namespace airlock::workflow {

using StateBlob = bundle::VerifiedBundle::StateBlob;

struct ImportPlan {
  std::vector<StateBlob> take;    // to read from the medium, in its own order
  std::vector<StateBlob> staged;  // files that an interrupted import left without a row: to hash again
  std::vector<StateBlob> absent;  // neither here nor on the medium
  std::vector<StateBlob> wanted;  // take, staged and absent: what gets a row in the end
  std::uint64_t present = 0;      // blobs that count as present already
  std::uint64_t take_bytes = 0;
  std::uint64_t absent_bytes = 0;
};

// `left` are digests that are not wanted: withheld here, or revoked by the producer. `maps`: of the bundle itself, and
// of other sendings of its state that are at hand.
ImportPlan plan_import(const bundle::VerifiedBundle& verified, const std::vector<bundle::BlobMap>& maps,
                       const store::StateDb& state, const store::BlobStore& blobs, const std::set<base::Digest>& left);

// Where a blob lies: in the first of `maps` that has it, so that each blob of ImportPlan::take has a place.
using LocateTaken = std::function<bundle::BlobLocation(const StateBlob&)>;
LocateTaken locate_in(const std::vector<bundle::BlobMap>& maps);

// Blobs that the shipment promised and that are not at hand: not the base is missing, but a volume. At most
// absent.size(); counted over all blobs of the state, since the store may hold some of what was left out.
std::uint64_t promised_and_missing(const bundle::VerifiedBundle& verified, const bundle::BlobMap& map);

// Throws no_space, with what is needed and what is free, when `bytes` and a margin for databases do not fit `home`.
void require_home_space(const std::filesystem::path& home, std::uint64_t bytes, std::uint64_t rows);

}  // namespace airlock::workflow
