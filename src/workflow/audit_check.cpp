#include "workflow/audit_check.hpp"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "workflow/receipt.hpp"

namespace airlock::workflow {

namespace {

namespace fs = std::filesystem;

store::AuditMark mark_of(const fs::path& file) {
  const auto receipt = read_receipt(file);
  return {.number = receipt.audit_number, .head = receipt.audit_head, .source = file.filename().string()};
}

std::vector<store::AuditMark> marks_for(const AuditCheckOptions& options, base::Reporter& reporter) {
  std::vector<store::AuditMark> marks;
  for (const auto& file : options.receipts) {
    marks.push_back(mark_of(file));
  }
  marks.insert(marks.end(), options.marks.begin(), options.marks.end());
  std::error_code ignored;
  std::vector<fs::path> own;
  for (const auto& entry : fs::directory_iterator(options.home.root / "receipts", ignored)) {
    own.push_back(entry.path());
  }
  std::ranges::sort(own);
  for (const auto& file : own) {
    try {
      marks.push_back(mark_of(file));
    } catch (const base::Error& error) {
      reporter.warning(fmt::format("{} was passed over: {}", file.string(), error.message()));
    }
  }
  return marks;
}

}  // namespace

bool AuditCheckReport::unbroken() const {
  return std::ranges::none_of(findings, [](const auto& finding) { return finding.severity == base::Severity::error; });
}

AuditCheckReport check_audit_log(const AuditCheckOptions& options, base::Reporter& reporter) {
  // The marks first: the log only grows, so that it has all that they know, whatever an import adds meanwhile.
  const auto marks = marks_for(options, reporter);
  if (options.at_step) {
    options.at_step("marks-read");
  }
  const auto entries = store::StateDb(options.home.root, store::StateDb::Access::read).audit_entries();
  AuditCheckReport report;
  report.entries = entries.size();
  report.head = entries.empty() ? std::string() : entries.back().digest;
  report.compared = marks.size();
  report.findings = store::check_audit(entries);
  const auto more = store::check_audit_marks(entries, marks);
  report.findings.insert(report.findings.end(), more.begin(), more.end());
  return report;
}

}  // namespace airlock::workflow
