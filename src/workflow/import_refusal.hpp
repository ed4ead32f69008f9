// What becomes of a bundle that an import refuses: what else of the same run goes on, which refusal a run ends with,
// and what the audit log keeps.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "bundle/head.hpp"
#include "workflow/import_one.hpp"

namespace airlock::workflow {

// Whether a failure is more than that of one bundle, so that the others are not tried: the whole run is meant, or
// somebody has to look before anything else of that producer is taken.
bool ends_run(base::ErrorCode code);
// Failures that a later bundle of the same channel makes good, since its state is complete.
bool may_be_superseded(base::ErrorCode code);

// A bundle of a run that was refused.
struct Refusal {
  const bundle::HeadCandidate* candidate;
  base::Error error;
  std::string producer = {};  // hex, whose its head claims to be; empty: not known, or there is only one
};
// As Refusal::producer: read where there are several, since two may have a channel of one name.
std::string claimed_producer(const bundle::HeadCandidate& candidate, const std::vector<PinnedRoot>& roots);
// The one that a run ends with: security before what is missing before what is old; of equals the first. Not empty.
const Refusal& worst_of(const std::vector<Refusal>& refusals);

// Keeps it as "import-refused" in the audit log: what the head claims of itself, since nothing of it is proven, and
// where it came from. Not twice a day for the same, and no more than a hundred a day. Kept is what was refused for what
// it is, not what only waits for something; what has an entry of its own (equivocation, a scanner's refusal) gets no
// second one. Never throws but for an interruption.
void audit_refusal(const Refusal& refusal, const ImportRun& run);

}  // namespace airlock::workflow
