#include "workflow/store_scan.hpp"

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/text.hpp"
#include "store/state_db.hpp"
#include "workflow/import_one.hpp"
#include "workflow/policy.hpp"
#include "workflow/scan_refusal.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;
using store::StateDb;

std::vector<ScanSubject> served_subjects(const StateDb& state) {
  ScanSubjects subjects;
  for (const auto& generation : state.generations()) {
    if (!generation.active) {
      continue;
    }
    state.for_each_row(generation.id, [&](const model::FileRow& row) {
      const bool served = row.sha256 && row.kind != model::Kind::withheld && row.ecosystem != k_bundle_ecosystem;
      if (served && state.has_blob(*row.sha256)) {
        add_subject(subjects, row);
      }
    });
  }
  std::vector<ScanSubject> list;
  for (auto& [digest, subject] : subjects) {
    list.push_back(std::move(subject));
  }
  return list;
}

}  // namespace

StoreScanReport scan_store(const Home& home, const base::Clock& clock, base::Reporter& reporter) {
  const auto site = load_site_policy(home);
  if (!site.scan) {
    throw Error(ErrorCode::config, fmt::format("{} names no scanner", site.file.string()))
        .with_hint("say under `scan` which program is to look at every file; docs/operations/scanning.md");
  }
  std::vector<ScanSubject> subjects;
  {
    const StateDb state(home.root, StateDb::Access::read);
    subjects = served_subjects(state);
  }
  const Scanner scanner(*site.scan, reporter);
  store::ScanResults results(home.root);
  const store::BlobStore blobs(home.blobs());
  const auto run = scanner.scan_stored(subjects, blobs, home.root / "scan", results, Scanner::Memory::ignore, clock);
  StoreScanReport report;
  report.scanner = scanner.name().text;
  report.scanned = run.scanned;
  report.bytes = run.bytes;
  report.accepted = run.accepted;
  for (const auto& [subject, result] : run.refused) {
    report.refused.push_back(subject.sha256.to_string());
    report.findings.push_back(
        {base::Severity::error, ErrorCode::scan_refused, subject.sha256.to_string(),
         fmt::format("{}:{}: {}", subject.ecosystem, base::printable(subject.path, 200), scan_excerpt(result))});
  }
  if (!run.refused.empty()) {
    StateDb state(home.root, StateDb::Access::change);
    auto change = state.change();
    state.audit(clock.now(), "scan-refused",
                base::to_line(base::Json{{"scanner", report.scanner},
                                         {"refused", run.refused.size()},
                                         {"files", refusals_json(run.refused)}}));
    change.commit();
  }
  return report;
}

}  // namespace airlock::workflow
