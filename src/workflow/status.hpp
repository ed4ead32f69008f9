// The health of a home on one screen: what is here, how old it is, what ends when; what it makes and who must act.
#pragma once

#include <sys/types.h>

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
#include "workflow/near_status.hpp"

namespace airlock::workflow {

struct ChannelStatus {
  store::ChannelKey key;
  std::string mark;          // behind its name, where two producers have one of it (store::producer_mark)
  std::uint64_t serial = 0;  // newest that was imported
  std::optional<store::Generation> active;
  std::optional<store::OutOfService> out_of_service;  // then neither age nor expiry is stale
  bool pinned = true;                                 // its producer's root is; else nothing of it is taken in
  std::size_t generations = 0;                        // 0: out of service, and what was imported is not here
  base::Time created{};                               // of the newest
  base::Time imported{};
  std::vector<std::pair<std::string, base::Time>> expiries;  // by role, root first
  std::uint64_t withheld = 0;                                // files of what is served that this side refused
  std::uint64_t lacking = 0, lacking_bytes = 0;              // blobs of what is served that are not here
  // Since the oldest that is here, up to `serial`; a complete state makes a gap harmless. The first few, and how many.
  std::vector<std::uint64_t> missing_serials;
  std::uint64_t missing_count = 0;
};

// Another process that uses this home now.
struct ServiceStatus {
  // change: an import, sweep, backup, …; making: a bundle is made or sent
  enum class What { server, agent, watcher, change, making } what = What::server;
  pid_t process = 0;  // 0: not known
};

struct StatusReport {
  std::vector<ChannelStatus> channels;
  // Expired or stale (code expired), clock, content that is not here (base_missing); warnings for what ends soon.
  std::vector<base::Finding> findings;
  std::uint64_t blobs = 0, bytes = 0;  // present
  std::vector<store::RevokedItem> revoked;
  std::vector<store::Block> blocks;
  std::uint64_t catalog = 0;  // number; 0: nothing was ever activated
  base::SpaceInfo space;
  std::uint64_t next_import = 0;        // bytes that it may take: as much as the largest of the last few
  std::vector<ServiceStatus> services;  // those that run; a server with --mirror-only cannot be told
  std::uint64_t audit_number = 0;       // newest entry of the log
  std::string audit_head;               // hex
  std::size_t pinned_roots = 0;
  NearStatus near;  // of a home that makes bundles

  bool stale() const;  // any finding of severity error
};

struct StatusOptions {
  Home home;
  base::Time wall{};
  std::chrono::seconds stale_after{};    // age of a channel's newest state
  std::optional<base::Time> built = {};  // no clock is right before (base::build_date)
};

// What is served and not here, as a finding (base_missing) that names the import to run.
base::Finding lacking_finding(const store::StateDb& state, const store::Generation& active, std::uint64_t blobs,
                              std::uint64_t bytes);
// For whoever restores, and afterwards: under keys of a root that was replaced, anybody may have made what is served.
std::string older_root_text(std::uint64_t root, std::uint64_t known);

// Never throws for what it finds. A home without state gives a report of the rest. Reads no document that grows with
// what is in the bundles.
StatusReport examine_status(const StatusOptions& options);

}  // namespace airlock::workflow
