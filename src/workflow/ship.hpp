// The same approved state again, for other sites (docs/operations/sites.md): no new approval, no network, and only
// the bytes that those sites lack.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/reporter.hpp"
#include "bundle/documents.hpp"
#include "workflow/base_state.hpp"
#include "workflow/create.hpp"
#include "workflow/fetch_window.hpp"
#include "workflow/home.hpp"
#include "workflow/keys.hpp"

namespace airlock::workflow {

enum class ShipContent { blobs, statements };

struct ShipOptions {
  std::filesystem::path bundle;                // a bundle, its head, any volume, or a folder with one
  std::vector<std::filesystem::path> volumes;  // further folders where its volumes lie
  std::vector<std::filesystem::path> bases;    // what the sites have; none: everything is sent
  ShipContent content = ShipContent::blobs;
  Withheld withheld = Withheld::leave_out;
  std::optional<std::uint64_t> volume_size;  // bytes
  std::string output;                        // as with create
  bool restart = false;                      // drop what an interrupted run left
  Readback readback = Readback::removable_only;
  WindowOptions window;
};

struct ShipReport {
  std::string channel;
  std::uint64_t serial = 0, shipment = 0;
  std::string bundle_id;  // hex; that of the bundle it was made from
  bundle::Shipment::Kind kind = bundle::Shipment::Kind::full;
  std::filesystem::path bundle;  // the head's file
  std::vector<std::filesystem::path> volumes, others;
  std::uint64_t blobs = 0;           // of the state
  std::uint64_t blobs_included = 0;  // in this sending
  std::uint64_t blobs_omitted = 0;
  std::uint64_t blobs_revoked = 0;  // of those, revoked by the state itself
  std::uint64_t bytes = 0;          // of head and volumes
  std::uint64_t bytes_copied = 0;   // of blobs
  std::uint64_t bytes_written = 0;  // this run
  std::uint64_t approvals = 0;
  base::Time timestamp_expires{};
  bool new_timestamp = false;
  bool continued = false;
  bool read_back = false;  // the medium holds what was written; it may be removed
  bool removable = false;
};

// Signs nothing but timestamp and shipment. Statements alone get a timestamp of their own, bytes keep one that is
// fresh. What the far side would refuse is found before a byte is copied: throws expired or untrusted then.
// Throws approval_missing for a draft, foreign for a base of another channel, revoked when the channel's newest state
// revokes something of this one, volume_missing and base_missing when bytes are not on this host, tampered when no good
// copy of one is; conflict, no_space, busy, interrupted. Whatever stops it, the same call goes on where it stopped.
ShipReport ship_bundle(const Home& home, const ShipOptions& options, const KeyRing& keys, const base::Clock& clock,
                       base::Reporter& reporter);

}  // namespace airlock::workflow
