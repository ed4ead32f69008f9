// `bundle lock`: what a manifest means today, written down (docs/formats/lock.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/reporter.hpp"
#include "model/lock.hpp"
#include "model/platform.hpp"
#include "workflow/upstreams.hpp"

namespace airlock::workflow {

struct LockOptions {
  std::vector<std::filesystem::path> manifests;
  std::vector<std::filesystem::path> projects;  // working trees, which say themselves what they need
  std::filesystem::path output;  // empty: the first manifest with .lock for its extension, else NAME.lock here
  std::vector<model::Platform> platforms;  // default of the manifests, replaced
  std::filesystem::path recipes;
  Environment environment;
};

struct LockReport {
  std::filesystem::path file;
  std::string channel;
  bool created = false;                    // there was no such file before
  std::vector<model::LockChange> changes;  // against what was there; none: the file was left as it is
  std::uint64_t artifacts = 0, files = 0, bytes = 0, unknown = 0, unverified = 0;
  std::vector<model::Waiver> waivers;
};

// Resolves and fetches no blob. Digests that an earlier create had to learn are kept where upstream still pins the
// same. Throws manifest, conflict, lock (an existing file that is no lock is not overwritten), and what resolving
// throws.
LockReport lock_manifests(const LockOptions& options, base::Reporter& reporter);

}  // namespace airlock::workflow
