// `bundle compare`: whether two makers made the same (docs/operations/approvals.md, A second maker). How a second
// person who built the same bundle agrees with the first.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace airlock::workflow {

struct CompareReport {
  std::vector<std::string> differences;  // none: the same
  std::vector<std::string> notes;        // other keys, another cut: allowed to differ
  std::string channel;
  std::uint64_t serial = 0;  // of the first
  bool same() const { return differences.empty(); }
};

// Serial and time, every catalog row, the blobs that are there, and the canonical `signed` part of each role, in which
// everything that follows from signatures alone is left out: hashes and lengths of signed files, keys. Nothing is
// proven by it: `verify` does that. Throws what reading throws.
CompareReport compare_bundles(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace airlock::workflow
