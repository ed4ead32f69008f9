// A site that follows a foreign repository with incremental persistence, as the adapter of tuf-conformance
// does.
#pragma once

#include "support/tuf_repository.hpp"

namespace airlock::test {

struct Follower {
  TufRepository repository{""};
  Site site{repository, trust::Persistence::incremental};

  std::string refresh() {
    repository.requests.clear();
    site.state.calls.clear();
    return site.refresh();
  }
  // Accepted versions of root (beyond the pinned one), timestamp, snapshot and targets.
  std::vector<std::uint64_t> versions() const {
    return {site.state.version("root"), site.state.version("timestamp"), site.state.version("snapshot"),
            site.state.version("targets")};
  }
};

using Versions = std::vector<std::uint64_t>;

}  // namespace airlock::test
