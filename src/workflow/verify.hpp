// Proves a bundle without taking anything from it: all signatures, all digests, all sizes
// (docs/operations/verify-and-import.md). Its result authorises nothing: an import repeats all of it on the bytes that
// it writes.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/reporter.hpp"
#include "bundle/verified_bundle.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

struct VerifyOptions {
  std::filesystem::path bundle;                // a file, its head, a volume, or a folder
  std::vector<std::filesystem::path> volumes;  // further folders
  std::optional<std::filesystem::path> root;   // --root; else the pinned one, else this home's own
  Home home;
  base::Time wall{};                     // what the clock says
  std::optional<base::Time> built = {};  // no clock is right before (base::build_date)
  unsigned threads = 0;                  // 0: one a core
};

struct VerifyReport {
  std::vector<base::Finding> findings;       // every one, in the order of the examination
  std::vector<std::filesystem::path> heads;  // what was examined
  std::string channel;                       // of the last one that could be trusted
  std::uint64_t serial = 0;
  std::string bundle_id;
  std::size_t approvals = 0;
  std::filesystem::path root_file;
  std::vector<std::pair<std::string, base::Time>> expiries;  // by role
  std::uint64_t blobs = 0;                                   // read and hashed
  std::uint64_t bytes = 0;
  std::uint64_t left_out = 0;  // blobs that a delta relies on
  std::uint64_t lacking = 0;   // of those, blobs that this home does not hold; 0 where it has no state

  bool ok() const { return exit_code() == 0; }
  // Of the most severe finding: 3 (security) before 4 (incomplete) before 5 (stale); 0 where there are only notes.
  int exit_code() const;
};

// Throws only for what is no examination at all: no such file, not a bundle, a root file that cannot be read.
VerifyReport verify_bundle(const VerifyOptions& options, base::Reporter& reporter);

// When each role of a bundle ends, root first.
std::vector<std::pair<std::string, base::Time>> expiries_of(const trust::TrustedSet& trusted);

}  // namespace airlock::workflow
