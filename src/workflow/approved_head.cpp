#include "workflow/approved_head.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace airlock::workflow {

using base::Error;
using base::ErrorCode;

namespace {

constexpr int k_security_exit_code = 3;

}  // namespace

Error ApprovedHead::explain(const Error& refusal) const {
  if (refusal.code() != ErrorCode::approval_missing) {
    return refusal;
  }
  const auto bad = std::ranges::find_if(findings, [](const base::Finding& finding) {
    return finding.severity != base::Severity::note &&
           base::error_code_info(finding.code).exit_code == k_security_exit_code;
  });
  if (bad == findings.end()) {
    return refusal;
  }
  return Error(bad->code, fmt::format("the bundle is a draft, and what came to approve it is refused: {}: {}",
                                      bad->subject, bad->message))
      .with_hint("keep that file as it is and find out where it comes from; a good one beside it would be taken");
}

ApprovedHead read_approved_head(const std::filesystem::path& path, const BundleFiles& files) {
  ApprovedHead opened{.head = bundle::Head::read(path), .findings = {}};
  opened.head = bundle::with_approvals(
      opened.head, {.folders = files.folders, .files = files.approvals, .listing = files.listing}, opened.findings);
  return opened;
}

}  // namespace airlock::workflow
