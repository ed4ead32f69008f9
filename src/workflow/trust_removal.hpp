// The end of a producer's trust: its root's keys are lost, stolen or no longer wanted (docs/operations/keys.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "workflow/home.hpp"
#include "workflow/remark.hpp"

namespace airlock::workflow {

struct TrustRemoval {
  std::string producer;  // hex
  std::uint64_t version = 0;
  std::filesystem::path file;         // that pinned it, and is gone
  std::vector<std::string> channels;  // of it, out of service from now on
};

// Takes every channel of a producer out of service (workflow/generations.hpp) and then its pinned root away: nothing of
// it is served, and no bundle of it is taken in. `producer`: the fingerprint of the pinned root, or its first 8 digits
// or more. What is known of its serials and floors stays, and counts again should that root be pinned again. A run that
// was cut off is finished by the same command. Throws usage (no reason; several begin so), not_found, busy, io.
TrustRemoval remove_trust(const Home& home, const std::string& producer, const base::Clock& clock,
                          const Remark& remark);

}  // namespace airlock::workflow
