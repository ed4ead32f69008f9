// What a `bundle create` is asked for, read from its files and flags.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "model/lock.hpp"
#include "model/manifest.hpp"
#include "workflow/base_state.hpp"
#include "workflow/create.hpp"
#include "workflow/target.hpp"

namespace airlock::workflow {

struct Wish {
  std::string channel;
  model::Manifest manifest;         // where a lock is given alone: no more than the channel's name
  std::optional<model::Lock> lock;  // given: exactly this
  bool adds = false;                // to the state before
};

// Throws usage for flags that exclude each other, manifest, conflict, lock (also when manifests are given that ask for
// something else than the lock answers).
Wish read_wish(const Home& home, const CreateOptions& options, base::Reporter& reporter);

// The manifests, what the projects need, and the lists of wants; `reporter` is told what was found where. Without
// manifests the first project's folder names the channel.
model::Manifest read_manifests(const std::vector<std::filesystem::path>& manifests,
                               const std::vector<std::filesystem::path>& projects,
                               const std::vector<std::filesystem::path>& wants,
                               const std::vector<model::Platform>& platforms, base::Reporter& reporter);

// Everything that makes one run another run.
base::Digest digest_of(const Wish& wish, const CreateOptions& options, const std::vector<BaseState>& bases,
                       const Target& target);

}  // namespace airlock::workflow
