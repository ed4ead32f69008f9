// The isolated side's own policy: policy.yaml in the configuration folder. What it says, no root can weaken.
//
//   minimum_threshold: { root: 2, snapshot: 2 }      by role
//   schemes: [ed25519]                               empty: all that airlock knows
//   longest_lifetime: { timestamp: 90d }             by role
//   namespaces: { site-a: [oci, tool] }              channel -> ecosystems that it may fill
//   clock_tolerance: 24h
#pragma once

#include "bundle/verified_bundle.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

// The defaults where there is no such file. Throws config with the position.
bundle::Policy load_policy(const Home& home);
bundle::Policy parse_policy(std::string_view text, const std::string& file);

}  // namespace airlock::workflow
