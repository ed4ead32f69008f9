// Import: what is new is shown to the site's scanner before it becomes visible (docs/operations/scanning.md).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "workflow/import_one.hpp"
#include "workflow/scanner.hpp"

namespace airlock::workflow {

class ImportScan {
 public:
  // Does nothing at all where the policy has no scanner for imports.
  ImportScan(const bundle::VerifiedBundle& verified, const ImportRun& run) : m_verified(verified), m_run(run) {}

  // Before anything is read: blobs of this state that the same scanner refused before. Both take what is refused out of
  // `plan` and put it into `left` where the policy withholds; else they throw scan_refused with each file and report,
  // kept in the audit log too.
  void recall(ImportPlan& plan, std::set<base::Digest>& left);
  // When everything is in the store and nothing has a row yet. Throws scan_failed as well.
  void scan(ImportPlan& plan, std::set<base::Digest>& left);

  bool withheld_any() const { return !m_outcome.withheld.empty(); }
  const ScanOutcome& outcome() const { return m_outcome; }

 private:
  std::vector<ScanSubject> subjects_of(const std::set<base::Digest>& digests) const;
  void settle(std::vector<ScanRefusal> refused, std::uint64_t of, ImportPlan& plan, std::set<base::Digest>& left);
  [[noreturn]] void refuse(const std::vector<ScanRefusal>& refused, std::uint64_t of) const;

  const bundle::VerifiedBundle& m_verified;
  const ImportRun& m_run;
  ScanOutcome m_outcome;
};

}  // namespace airlock::workflow
