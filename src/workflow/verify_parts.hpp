// The stages of verify_bundle, for its files only.
#pragma once

#include <optional>

#include "bundle/blob_map.hpp"
#include "bundle/verified_bundle.hpp"
#include "store/state_db.hpp"
#include "workflow/approved_head.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/verify.hpp"

namespace airlock::workflow {

class Findings {
 public:
  explicit Findings(std::vector<base::Finding>& list) : m_list(&list) {}
  void add(base::Severity severity, base::ErrorCode code, std::string subject, std::string message);
  void add(const base::Error& error, std::string subject);  // as an error, its hint and context included
  std::size_t errors() const;

 private:
  std::vector<base::Finding>* m_list;
};

// What the clock says, and what it cannot be before.
struct Now {
  base::Time wall{};
  std::optional<base::Time> built;
};

// Signatures, versions and expiry of the head. What an import could be talked into (expired metadata) or what only says
// that the bundle is old is a finding, and the rest is examined nevertheless; nullopt where nothing can be trusted.
std::optional<bundle::VerifiedBundle> verify_signatures(const ApprovedHead& opened, const PinnedRoot& root,
                                                        const bundle::Policy& policy, const store::StateDb* state,
                                                        const Now& now, Findings findings);
// The small files of the head that nothing else reads, and index.json, which is derived and must follow from the rest.
void verify_documents(const bundle::VerifiedBundle& verified, const bundle::BlobMap& map, Findings findings);
// Every blob on the medium, and what is missing.
void verify_blobs(const bundle::VerifiedBundle& verified, const bundle::BlobMap& map, const store::StateDb* state,
                  unsigned threads, base::Reporter& reporter, VerifyReport& report, Findings findings);

}  // namespace airlock::workflow
