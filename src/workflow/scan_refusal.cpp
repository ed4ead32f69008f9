#include "workflow/scan_refusal.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::workflow {

namespace {

constexpr std::size_t k_refusals_named = 10;
constexpr std::size_t k_refusals_logged = 100;
constexpr std::size_t k_logged_report = 2 * 1024;  // bytes of each report in the audit log; scans.db has all of it

}  // namespace

std::string refusals_text(const std::vector<ScanRefusal>& refused) {
  std::string text;
  for (std::size_t i = 0; i < std::min(k_refusals_named, refused.size()); ++i) {
    const auto& [subject, result] = refused[i];
    text +=
        fmt::format("\n{} {}:{}", subject.sha256.to_string(), subject.ecosystem, base::printable(subject.path, 200));
    if (!subject.artifact.empty()) {
      text += fmt::format(" of {}", base::printable(subject.artifact, 200));
    }
    if (subject.paths > 1) {
      text += fmt::format(" and {} other paths", subject.paths - 1);
    }
    text += fmt::format(": {}", scan_excerpt(result));
  }
  if (refused.size() > k_refusals_named) {
    text += fmt::format("\nand {} more", refused.size() - k_refusals_named);
  }
  return text;
}

base::Json refusals_json(const std::vector<ScanRefusal>& refused) {
  auto list = base::Json::array();
  for (std::size_t i = 0; i < std::min(k_refusals_logged, refused.size()); ++i) {
    const auto& [subject, result] = refused[i];
    list.push_back({{"digest", subject.sha256.to_string()},
                    {"ecosystem", subject.ecosystem},
                    {"path", subject.path},
                    {"artifact", subject.artifact},
                    {"report", base::printable(result.report, k_logged_report)},
                    {"report_sha256", base::sha256(result.report).hex()}});
  }
  return list;
}

}  // namespace airlock::workflow
