// What is served, of what was imported: generations are listed, compared, activated and rolled back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/reporter.hpp"
#include "store/state_db.hpp"
#include "workflow/artifact_changes.hpp"
#include "workflow/home.hpp"
#include "workflow/remark.hpp"

namespace airlock::workflow {

struct ActivationReport {
  store::Generation generation;              // as it is now
  std::optional<store::Generation> before;   // what its channel served until now
  std::optional<store::OutOfService> ended;  // the channel was out of service until now
  std::uint64_t catalog = 0;                 // number
};

// Serves this generation of its channel, which is in service from then on; the other channels stay as they are. Throws
// not_found, untrusted (its producer's root is not pinned here; another channel has the same path with other content),
// base_missing (blobs of it are not here), busy.
ActivationReport activate_generation(const Home& home, std::uint64_t id, const base::Clock& clock,
                                     const Remark& remark = {});
// Without `id` the state before: of the generations older than the active one, that which was served last, of the only
// channel that has one; throws usage where several do, not_found where none does.
// An `id` must be older than the active generation of its channel.
ActivationReport roll_back(const Home& home, std::optional<std::uint64_t> id, const base::Clock& clock,
                           const Remark& remark = {});

struct DeactivationReport {
  store::ChannelKey channel;
  store::OutOfService out;
  std::optional<store::Generation> before;  // what was served until now
  bool was_out = false;                     // already; nothing was changed
};

// Takes a channel out of service in one step: nothing of it is served from now on, whatever is imported of it, until a
// generation of it is activated (docs/decisions/0014-out-of-service.md). Trust state stays as it is. `wanted.producer`
// may be its first digits, or empty. Throws usage (no reason; several producers have such a channel), not_found, busy.
DeactivationReport deactivate_channel(const Home& home, const store::ChannelKey& wanted, const base::Clock& clock,
                                      const Remark& remark);

// A run that ended between its commit and the switch of the catalog left the old one in place; this ends what it began.
void mend_catalog(store::StateDb& state, const Home& home, base::Reporter& reporter);
// For whoever only serves: what was blocked or revoked must not stay served because a run ended too early. False also
// for a home without state; while another process is at work, it may be about to publish.
bool catalog_is_behind(const Home& home);
// mend_catalog() of a home. False where another process is at work: it publishes itself, or leaves it to the next call.
bool finish_catalog(const Home& home, base::Reporter& reporter);

struct GenerationDiff {
  store::Generation before, after;
  ArtifactChanges artifacts;
  std::uint64_t files_added = 0, files_changed = 0, files_removed = 0;
  std::uint64_t new_bytes = 0;  // of blobs that only `after` has
};
GenerationDiff diff_generations(const Home& home, std::uint64_t before, std::uint64_t after);

}  // namespace airlock::workflow
