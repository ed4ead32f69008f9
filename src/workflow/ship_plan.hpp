// What a sending holds. For ship.cpp and revoke.cpp only.
#pragma once

#include <cstdint>
#include <vector>

#include "base/digest.hpp"
#include "bundle/verified_bundle.hpp"
#include "bundle/volume_writer.hpp"
#include "workflow/base_state.hpp"
#include "workflow/reuse.hpp"

namespace airlock::workflow {

// For a set that will have no volumes, since it holds statements alone.
inline constexpr std::uint64_t k_any_volume_size = 1u << 20;  // bytes

struct ShipPlan {
  std::vector<bundle::WrittenBlob> blobs;  // to be sent, in the order of the state
  std::vector<base::Digest> omitted;       // sorted
  std::uint64_t bytes = 0;
  std::uint64_t revoked = 0;  // blobs of the state that it revokes itself; left out

  bundle::Shipment::Kind kind() const {
    using Kind = bundle::Shipment::Kind;
    return blobs.empty() ? Kind::metadata : omitted.empty() ? Kind::full : Kind::delta;
  }
};

// What any of the `bases` lacks; without one, all. A need list of this very state says exactly what is lacking.
ShipPlan plan_shipment(const bundle::VerifiedBundle& verified, const std::vector<BaseState>& bases);
ShipPlan plan_statements(const bundle::VerifiedBundle& verified);

// Throws volume_missing or base_missing, with what to bring, when bytes of the plan are not on this host.
void require_sources(const ShipPlan& plan, const bundle::VerifiedBundle& verified, const bundle::BlobMap& map,
                     const LocalBlobs& local);

}  // namespace airlock::workflow
