#include "cli/scans.hpp"

#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/digest_argument.hpp"
#include "cli/error_output.hpp"
#include "cli/session.hpp"
#include "cli/table.hpp"
#include "store/scan_results.hpp"
#include "workflow/store_scan.hpp"

namespace airlock::cli {

namespace {

base::Json result_json(const store::ScanResult& result) {
  return {{"verdict", result.verdict == store::ScanVerdict::clean ? "clean" : "refused"},
          {"time", base::to_rfc3339(result.time)},
          {"report", result.report},
          {"discarded", result.discarded}};
}

// What scanners said here: of everything in numbers, of one blob in full.
void scans(Session& session, const std::string& digest) {
  if (!std::filesystem::exists(session.home.root / "scans.db")) {
    throw base::Error(base::ErrorCode::not_found,
                      fmt::format("nothing was scanned in {} yet", session.home.root.string()))
        .with_hint("`scan` in policy.yaml names the scanner; docs/operations/scanning.md");
  }
  const store::ScanResults results(session.home.root);
  base::Json list = base::Json::array();
  std::string text;
  if (digest.empty()) {
    Table table({"scanner", "clean", "refused", "first", "last"});
    for (const auto& each : results.scanners()) {
      table.add({base::printable(each.scanner.text, 100), fmt::format("{}", each.clean),
                 fmt::format("{}", each.refused), base::to_rfc3339(each.first), base::to_rfc3339(each.last)});
      base::Json refused = base::Json::array();
      for (const auto& blob : results.refused_by(each.scanner.id)) {
        refused.push_back(blob.to_string());
        text += fmt::format("refused  {}\n", blob.to_string());
      }
      list.push_back({{"scanner", each.scanner.text},
                      {"id", each.scanner.id},
                      {"clean", each.clean},
                      {"refused", std::move(refused)},
                      {"first", base::to_rfc3339(each.first)},
                      {"last", base::to_rfc3339(each.last)}});
    }
    session.answer({{"scanners", std::move(list)}}, table.text() + text);
    return;
  }
  const auto wanted = digest_argument(digest, "DIGEST");
  for (const auto& said : results.of(wanted)) {
    auto json = result_json(said.result);
    json["scanner"] = said.scanner;
    list.push_back(std::move(json));
    text += fmt::format("{}  {}  {}\n", said.result.verdict == store::ScanVerdict::clean ? "clean" : "refused",
                        base::to_rfc3339(said.result.time), base::printable(said.scanner, 200));
    for (const auto& line : base::split(said.result.report, '\n')) {
      text += line.empty() ? "" : fmt::format("  {}\n", base::printable(line, 2000));
    }
    if (said.result.discarded > 0) {
      text += fmt::format("  … {} more were not kept\n", base::format_bytes(said.result.discarded));
    }
  }
  session.answer({{"digest", wanted.to_string()}, {"results", std::move(list)}},
                 text.empty() ? fmt::format("{} was never scanned here\n", wanted.to_string()) : text);
}

}  // namespace

void check_with_scanner(Session& session) {
  const auto report = workflow::scan_store(session.home, *session.clock, *session.reporter);
  base::Json findings = base::Json::array();
  std::string text;
  for (const auto& finding : report.findings) {
    findings.push_back(finding_json(finding));
    text += fmt::format("FAIL  {}: {}\n", finding.subject, finding.message);
  }
  text += fmt::format("{} files scanned ({}), {} refused; {}\n", report.scanned, base::format_bytes(report.bytes),
                      report.refused.size(), report.scanner);
  if (!report.refused.empty()) {
    session.exit_code = 3;
    text += fmt::format("they are served until someone stops it: tell security, then `airlock block {} --reason TEXT` "
                        "stops it at once, and the next import withholds it with `--withhold`\n",
                        report.refused.front());
  }
  session.answer({{"ok", report.findings.empty()},
                  {"findings", std::move(findings)},
                  {"refused", report.refused},
                  {"scanned", report.scanned},
                  {"accepted", report.accepted},
                  {"bytes", report.bytes},
                  {"scanner", report.scanner}},
                 text);
}

void add_scans_command(CLI::App& store, Session& session) {
  auto* command = store.add_subcommand("scans", "What the site's scanner said: in numbers, or of one file in full");
  auto digest = std::make_shared<std::string>();
  command->add_option("DIGEST", *digest, "Of the file whose reports are wanted");
  command->footer("Example:\n  airlock store scans --json");
  command->callback([&session, digest] { scans(session, *digest); });
}

}  // namespace airlock::cli
