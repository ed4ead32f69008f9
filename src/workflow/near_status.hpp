// What a home that makes bundles tells of itself: keys in force, channels, and what somebody must do about them.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "workflow/home.hpp"
#include "workflow/keys.hpp"
#include "workflow/made_channels.hpp"
#include "workflow/pending_root.hpp"

namespace airlock::workflow {

inline constexpr std::chrono::days k_warn_before{14};  // `status` warns so long before a statement ends, on both sides

struct NearStatus {
  std::optional<KeysReport> keys;       // in force, without channels; nullopt: none, or the first root is pending
  std::optional<RootProgress> pending;  // a root that lacks signatures
  std::vector<MadeChannel> channels;    // by name

  bool empty() const { return !keys && !pending && channels.empty(); }
};

// Never throws for what it finds: what cannot be read is a warning among `findings`. What ended is an error (expired);
// what ends soon or was interrupted a warning; what waits for people a note (approval_missing).
NearStatus examine_near(const Home& home, base::Time wall, std::vector<base::Finding>& findings);

}  // namespace airlock::workflow
