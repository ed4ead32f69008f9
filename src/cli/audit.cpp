// `airlock audit`: the log of what was taken in, activated and trusted, and whether it is whole.
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/error_output.hpp"
#include "cli/home_commands.hpp"
#include "cli/replaceable.hpp"
#include "cli/session.hpp"
#include "cli/table.hpp"
#include "cli/take_output.hpp"
#include "store/state_db.hpp"
#include "workflow/audit_check.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;
using base::Severity;

constexpr std::size_t k_fewest_digits = 16;  // of a head from paper

constexpr std::string_view k_export_begins = "{\"action\":";  // the first member of each line, by name

struct AuditFlags {
  std::string since, output;
};

// Ticket and reason, which people look for first.
std::string why(const std::string& detail) {
  const auto json = base::Json::parse(detail, nullptr, false);
  std::vector<std::string> words;
  for (const char* const name : {"ticket", "reason"}) {
    if (json.is_object() && json.contains(name) && json[name].is_string()) {
      words.push_back(base::printable(json[name].get<std::string>()));
    }
  }
  return base::join(words, ": ");
}

void audit(Session& session, const AuditFlags& flags) {
  const auto since = parse_since(flags.since);
  if (!flags.output.empty()) {
    require_replaceable(flags.output, "exported log", [](const std::filesystem::path& file) {
      return beginning_of(file, k_export_begins.size()) == k_export_begins;
    });
  }
  const store::StateDb state(session.home.root, store::StateDb::Access::read);
  base::Json entries = base::Json::array();
  std::string lines;
  Table table({"number", "time", "action", "user", "why", "detail"});
  for (const auto& entry : state.audit_entries()) {
    if (since && entry.time < *since) {
      continue;
    }
    base::Json json = {{"number", entry.number}, {"time", base::to_rfc3339(entry.time)},
                       {"action", entry.action}, {"user", entry.user},
                       {"detail", entry.detail}, {"previous", entry.previous},
                       {"digest", entry.digest}};
    if (!flags.output.empty()) {
      lines += base::to_line(json) + "\n";
    }
    table.add({fmt::format("{}", entry.number), base::to_rfc3339(entry.time), entry.action, base::printable(entry.user),
               why(entry.detail), base::printable(entry.detail)});
    entries.push_back(std::move(json));
  }
  if (!flags.output.empty()) {
    base::write_file_atomic(flags.output, lines);
    session.answer({{"export", flags.output}, {"entries", entries.size()}},
                   fmt::format("{}: {} entries, a JSON object a line\n", flags.output, entries.size()));
    return;
  }
  session.answer({{"entries", std::move(entries)}}, table.empty() ? "the log is empty\n" : table.text());
}

struct VerifyAuditFlags {
  std::vector<std::string> receipts, heads;
};

// "17:abcd ef01 …", as each import prints it.
store::AuditMark mark_from_paper(const std::string& text) {
  const auto colon = text.find(':');
  store::AuditMark mark{.number = 0, .head = {}, .source = "the paper"};
  for (const char c : colon == std::string::npos ? std::string() : base::to_lower(text.substr(colon + 1))) {
    if (c != ' ') {
      mark.head.push_back(c);
    }
  }
  const auto digits = text.substr(0, colon);
  const bool is_number = !digits.empty() && digits.size() < 19 && std::ranges::all_of(digits, base::is_digit);
  const bool is_hex = mark.head.size() >= k_fewest_digits && mark.head.size() <= 64 &&
                      mark.head.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!is_number || !is_hex) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is no entry and its digest", base::printable(text, 100)))
        .with_hint(fmt::format("write NUMBER:DIGITS, at least {} of them, as each import prints it", k_fewest_digits));
  }
  mark.number = std::stoull(digits);
  return mark;
}

void verify_audit(Session& session, const VerifyAuditFlags& flags) {
  workflow::AuditCheckOptions options{
      .home = session.home, .receipts = {flags.receipts.begin(), flags.receipts.end()}, .marks = {}};
  std::ranges::transform(flags.heads, std::back_inserter(options.marks), mark_from_paper);
  const auto report = workflow::check_audit_log(options, *session.reporter);
  base::Json findings = base::Json::array();
  std::string text;
  for (const auto& finding : report.findings) {
    const bool is_error = finding.severity == Severity::error;
    findings.push_back(finding_json(finding));
    text += fmt::format("{}  {}: {}\n", is_error ? "FAIL" : "warn", finding.subject, finding.message);
    if (is_error) {
      session.exit_code = base::error_code_info(finding.code).exit_code;
    }
  }
  text += fmt::format("{} {}, {}; compared with {}\n", report.entries, report.entries == 1 ? "entry" : "entries",
                      report.unbroken() ? "unbroken" : "broken", base::counted(report.compared, "receipt"));
  if (!report.head.empty()) {
    text += fmt::format("newest: {}\n", audit_mark_text(report.entries, report.head));
  }
  session.answer({{"ok", report.unbroken()},
                  {"entries", report.entries},
                  {"head", report.head},
                  {"compared", report.compared},
                  {"findings", std::move(findings)}},
                 text);
}

}  // namespace

void add_audit_commands(CLI::App& app, Session& session) {
  auto* audit_command = app.add_subcommand("audit", "The hash-chained log of what was taken in, activated and trusted");
  auto flags = std::make_shared<AuditFlags>();
  audit_command->add_option("--since", flags->since, "Only what is newer: 2026-07-01 or 2026-07-01T12:00:00Z")
      ->type_name("T");
  audit_command->add_option("--export", flags->output, "Write it to a file, a JSON object a line")->type_name("FILE");
  audit_command->footer("Examples:\n  airlock audit --since 2026-07-01\n  airlock audit verify");
  audit_command->require_subcommand(0, 1);
  auto* list_command = audit_command->add_subcommand("list", "The entries, oldest first");
  list_command->footer("Example:\n  airlock audit list --json");
  auto* verify_command =
      audit_command->add_subcommand("verify", "Check that no entry was changed, taken out or cut off");
  auto verify = std::make_shared<VerifyAuditFlags>();
  verify_command
      ->add_option("--receipt", verify->receipts,
                   "A receipt that was carried away: the log must still bear it out; may be repeated")
      ->type_name("FILE");
  verify_command->add_option("--head", verify->heads, "The same from paper, as an import printed it; may be repeated")
      ->type_name("NUMBER:DIGITS");
  verify_command->footer(
      "Examples:\n  airlock audit verify\n  airlock audit verify --receipt /media/stick/site-a-7.json\n\n"
      "The chain alone shows what was changed inside; only what was kept elsewhere shows a tail that was cut off.");
  verify_command->callback([&session, verify] { verify_audit(session, *verify); });
  audit_command->callback([&session, flags, verify_command] {
    if (!verify_command->parsed()) {
      audit(session, *flags);
    }
  });
}

}  // namespace airlock::cli
