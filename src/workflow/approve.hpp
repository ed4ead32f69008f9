// Approving and closing a bundle after it was written (DESIGN.md, Trust: draft, approved, sealed). Signatures go into
// the room that was left in the head; nothing else of the medium is touched.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/reporter.hpp"
#include "base/secret.hpp"
#include "workflow/home.hpp"
#include "workflow/keys.hpp"

namespace airlock::workflow {

struct ApproveReport {
  std::filesystem::path bundle;
  std::string channel;
  std::uint64_t serial = 0;
  std::string bundle_id;  // hex
  std::uint64_t approvals = 0, threshold = 1;
  std::uint64_t added = 0;  // signatures that were not there before
  bool sealed = false;
};

// Signs the draft's snapshot with `key`, or with the snapshot keys of `ring`; one of the two is given. What is signed
// is checked first: that the whole head belongs together and is signed by the build's own keys under `roots`. Throws
// conflict for a sealed bundle, untrusted, tampered, config when there is no approver's key.
ApproveReport sign_bundle(const Home& home, const std::filesystem::path& bundle, const std::vector<std::string>& roots,
                          const KeyRing* ring, const trust::Signer* key, const base::Clock& clock,
                          base::Reporter& reporter);

// Signs timestamp and shipment. Throws approval_missing for a draft, volume_missing when blobs that the draft was made
// with are not at hand, conflict for a sealed bundle.
ApproveReport seal_bundle(const Home& home, const std::filesystem::path& bundle, const KeyRing& keys,
                          const base::Clock& clock, base::Reporter& reporter);

}  // namespace airlock::workflow
