// Create: what is in the bundle is shown to the site's scanner before it is signed (docs/operations/scanning.md).
#include <map>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "workflow/create_run.hpp"
#include "workflow/scan_refusal.hpp"
#include "workflow/scanner.hpp"

namespace airlock::workflow {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_scan_document_limit = 16u << 20;  // bytes of reports that travel along

ScanSubjects create_subjects(const model::Lock& state) {
  ScanSubjects subjects;
  for (const auto& row : state.rows) {
    if (row.sha256 && has_blob(row)) {
      add_subject(subjects, row);
    }
  }
  return subjects;
}

// JSON Lines: first what was scanned and by whom, then each file of which the scanner said something. No times, so that
// the same answers give the same bytes.
std::string scan_document(const std::vector<ScanSubject>& subjects, const store::ScannerName& scanner,
                          const ScanRun& run, const store::ScanResults& results) {
  const auto line = [](const base::Json& json) { return base::to_line(json) + "\n"; };
  std::string text;
  std::uint64_t left_out = 0;
  for (const auto& subject : subjects) {
    const auto result = results.find(subject.sha256, scanner.id);
    if (!result || (result->report.empty() && result->verdict == store::ScanVerdict::clean)) {
      continue;
    }
    auto entry = line({{"sha256", subject.sha256.hex()},
                       {"ecosystem", subject.ecosystem},
                       {"path", subject.path},
                       {"verdict", result->verdict == store::ScanVerdict::clean ? "clean" : "accepted"},
                       {"report", result->report},
                       {"discarded", result->discarded}});
    if (text.size() + entry.size() > k_scan_document_limit) {
      ++left_out;
    } else {
      text += entry;
    }
  }
  return line({{"format", 1},
               {"scanner", scanner.text},
               {"files", subjects.size()},
               {"accepted", run.accepted},
               {"reports_left_out", left_out}}) +
         text;
}

}  // namespace

void CreateRun::scan() {
  const Scanner scanner(*m_scan, m_reporter);
  store::ScanResults results(m_home.root);
  const auto named = create_subjects(m_state);
  std::vector<ScanSubject> subjects;
  std::map<base::Digest, bundle::BlobLocation> locations;
  m_output->for_each_written([&](const bundle::WrittenBlob& blob, const bundle::BlobLocation& location) {
    // What an interrupted run had written of the documents is airlock's own.
    if (const auto subject = named.find(blob.sha256); subject != named.end()) {
      subjects.push_back(subject->second);
      locations.emplace(blob.sha256, location);
    }
  });
  const auto locate = [&locations](const ScanSubject& subject) { return std::optional(locations.at(subject.sha256)); };
  const auto run = scanner.scan_streams(subjects, locate, results, Scanner::Memory::use, m_clock);
  m_report.scanner = scanner.name().text;
  m_report.scanned = run.scanned;
  m_report.scan_remembered = run.remembered;
  if (!run.refused.empty()) {
    throw Error(ErrorCode::scan_refused,
                fmt::format("the scanner ({}) refuses {} of {} files, so no bundle was made:{}", scanner.name().text,
                            run.refused.size(), subjects.size(), refusals_text(run.refused)))
        .with_hint("tell security; take what is refused out of the manifest, or, where it is a false alarm, name its "
                   "digest in policy.yaml under `scan: accept`, and run the same command again");
  }
  if (!m_plan.omitted.empty()) {
    m_reporter.note(
        fmt::format("{} files lie in earlier bundles only, and were not scanned now", m_plan.omitted.size()));
  }
  add_document(*m_documents, "scan-report", "application/vnd.airlock.scan-report+jsonl",
               scan_document(subjects, scanner.name(), run, results));
}

}  // namespace airlock::workflow
