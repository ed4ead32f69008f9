// Shows everything that is served to the site's scanner again, as with new signatures.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/reporter.hpp"
#include "workflow/home.hpp"

namespace airlock::workflow {

struct StoreScanReport {
  std::string scanner;                  // for people
  std::vector<base::Finding> findings;  // scan_refused: the digest, what it belongs to, and the report's beginning
  std::vector<std::string> refused;     // digests
  std::uint64_t scanned = 0, bytes = 0;
  std::uint64_t accepted = 0;  // refused, and accepted by the policy
};

// Changes nothing of what is served. Throws config where the policy has no scanner, not_found, scan_failed.
StoreScanReport scan_store(const Home& home, const base::Clock& clock, base::Reporter& reporter);

}  // namespace airlock::workflow
