// The health of an isolated home on one screen: what is here, how old it is, what ends when.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "store/state_db.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

struct ChannelStatus {
  store::ChannelKey key;
  std::uint64_t serial = 0;  // newest that was imported
  std::optional<store::Generation> active;
  std::size_t generations = 0;
  base::Time created{};  // of the newest
  base::Time imported{};
  std::vector<std::pair<std::string, base::Time>> expiries;  // by role, root first
  std::vector<std::uint64_t> missing_serials;  // between those that are here; a complete state makes a gap harmless
};

struct StatusReport {
  std::vector<ChannelStatus> channels;
  std::vector<base::Finding> findings;  // expired or stale (code expired), clock; warnings for what ends soon
  std::uint64_t blobs = 0, bytes = 0;   // present
  std::uint64_t catalog = 0;            // number; 0: nothing was ever activated
  base::SpaceInfo space;
  std::size_t pinned_roots = 0;

  bool stale() const;  // any finding of severity error
};

struct StatusOptions {
  Home home;
  base::Time wall{};
  std::chrono::seconds stale_after{};  // age of a channel's newest state
};

// Never throws for what it finds. A home without state gives an empty report.
StatusReport examine_status(const StatusOptions& options);

}  // namespace airlock::workflow
