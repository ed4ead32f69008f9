#include "cli/home_commands.hpp"

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "cli/error_output.hpp"
#include "cli/session.hpp"
#include "cli/table.hpp"
#include "mirror/wants.hpp"
#include "store/state_db.hpp"
#include "workflow/status.hpp"
#include "workflow/wants_list.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;
using base::Severity;

std::int64_t days(std::chrono::seconds time) {
  return std::chrono::duration_cast<std::chrono::days>(time).count();
}

base::Json channel_json(const workflow::ChannelStatus& channel, base::Time now) {
  base::Json expiries = base::Json::object();
  for (const auto& [role, expires] : channel.expiries) {
    expiries[role] = {{"at", base::to_rfc3339(expires)}, {"days", days(expires - now)}};
  }
  base::Json json = {{"channel", channel.key.channel},
                     {"producer", channel.key.producer},
                     {"serial", channel.serial},
                     {"created", base::to_rfc3339(channel.created)},
                     {"imported", base::to_rfc3339(channel.imported)},
                     {"age_days", days(now - channel.created)},
                     {"generations", channel.generations},
                     {"expires", std::move(expiries)},
                     {"missing_serials", channel.missing_serials}};
  if (channel.active) {
    json["active"] = {{"generation", channel.active->id}, {"serial", channel.active->serial}};
  }
  return json;
}

std::string channels_text(const workflow::StatusReport& report, base::Time now) {
  Table table({"channel", "newest", "age", "served", "imported", "first to expire"});
  for (const auto& channel : report.channels) {
    const auto soonest = std::min_element(channel.expiries.begin(), channel.expiries.end(),
                                          [](const auto& a, const auto& b) { return a.second < b.second; });
    table.add({channel.key.channel, fmt::format("{}", channel.serial),
               fmt::format("{} days", days(now - channel.created)),
               channel.active ? fmt::format("{}", channel.active->serial) : "nothing",
               base::to_rfc3339(channel.imported).substr(0, 10),
               soonest == channel.expiries.end()
                   ? "-"
                   : fmt::format("{} in {} days", soonest->first, days(soonest->second - now))});
  }
  return table.text();
}

void status(Session& session) {
  const auto now = session.clock->now();
  const auto report = workflow::examine_status(
      {.home = session.home, .wall = now, .stale_after = std::chrono::seconds(session.config.number("stale_after"))});
  base::Json channels = base::Json::array();
  for (const auto& channel : report.channels) {
    channels.push_back(channel_json(channel, now));
  }
  base::Json findings = base::Json::array();
  std::string text = fmt::format("home     {}\nroots    {} pinned in {}\n", session.home.root.string(),
                                 report.pinned_roots, session.home.pinned_roots().string());
  if (report.channels.empty()) {
    text += report.pinned_roots == 0 ? "nothing was imported yet; next: airlock trust init root.json\n"
                                     : "nothing was imported yet; next: airlock import BUNDLE\n";
  } else {
    text += fmt::format("store    {} blobs, {}; {} free\ncatalog  {}\n\n{}", report.blobs,
                        base::format_bytes(report.bytes), base::format_bytes(report.space.free_bytes),
                        report.catalog == 0 ? "none" : fmt::format("{}", report.catalog), channels_text(report, now));
  }
  for (const auto& finding : report.findings) {
    findings.push_back(finding_json(finding));
    text += fmt::format("{}  {}: {}\n",
                        finding.severity == Severity::error     ? "STALE"
                        : finding.severity == Severity::warning ? "warn "
                                                                : "note ",
                        finding.subject, finding.message);
  }
  session.exit_code = report.stale() ? 5 : 0;
  session.answer({{"home", session.home.root.string()},
                  {"ok", !report.stale()},
                  {"channels", std::move(channels)},
                  {"findings", std::move(findings)},
                  {"pinned_roots", report.pinned_roots},
                  {"blobs", report.blobs},
                  {"bytes", report.bytes},
                  {"free_bytes", report.space.free_bytes},
                  {"catalog", report.catalog}},
                 text);
}

struct AuditFlags {
  std::string since, output;
};

void audit(Session& session, const AuditFlags& flags) {
  std::optional<base::Time> since;
  if (!flags.since.empty()) {
    // A day alone is what people type.
    since = base::parse_rfc3339(flags.since.size() == 10 ? flags.since + "T00:00:00Z" : flags.since);
  }
  const store::StateDb state(session.home.root, store::StateDb::Access::read);
  base::Json entries = base::Json::array();
  std::string lines;
  Table table({"number", "time", "action", "user", "detail"});
  for (const auto& entry : state.audit_entries()) {
    if (since && entry.time < *since) {
      continue;
    }
    base::Json json = {{"number", entry.number}, {"time", base::to_rfc3339(entry.time)},
                       {"action", entry.action}, {"user", entry.user},
                       {"detail", entry.detail}, {"previous", entry.previous},
                       {"digest", entry.digest}};
    if (!flags.output.empty()) {
      lines += json.dump(-1, ' ', false, base::Json::error_handler_t::replace) + "\n";
    }
    table.add({fmt::format("{}", entry.number), base::to_rfc3339(entry.time), entry.action, base::printable(entry.user),
               base::printable(entry.detail)});
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

void verify_audit(Session& session) {
  const store::StateDb state(session.home.root, store::StateDb::Access::read);
  const auto entries = state.audit_entries();
  base::Json findings = base::Json::array();
  std::string text;
  for (const auto& finding : store::check_audit(entries)) {
    findings.push_back(finding_json(finding));
    text += fmt::format("FAIL  {}: {}\n", finding.subject, finding.message);
    session.exit_code = base::error_code_info(finding.code).exit_code;
  }
  const auto head = entries.empty() ? std::string() : entries.back().digest;
  text += fmt::format("{} entries, {}\n", entries.size(), findings.empty() ? "unbroken" : "broken");
  if (!head.empty()) {
    text += fmt::format("newest: {} (receipts that were carried back name earlier ones)\n", head);
  }
  const bool unbroken = findings.empty();
  session.answer({{"ok", unbroken}, {"entries", entries.size()}, {"head", head}, {"findings", std::move(findings)}},
                 text);
}

void wants(Session& session, const std::string& output, bool all) {
  std::vector<workflow::MissedName> missed;
  for (const auto& want : mirror::read_wants(session.home.root)) {
    missed.push_back({want.ecosystem, want.name, want.count});
  }
  const auto list = workflow::list_wants(missed, all ? workflow::WantsScope::all : workflow::WantsScope::public_only);
  const auto to_json = [](const std::vector<workflow::MissedName>& names) {
    base::Json json = base::Json::array();
    for (const auto& each : names) {
      json.push_back({{"ecosystem", each.ecosystem}, {"name", each.name}, {"count", each.count}});
    }
    return json;
  };
  base::Json json = {
      {"wants", to_json(list.listed)}, {"unknown", to_json(list.unknown)}, {"kept_back", list.kept_back.size()}};
  if (!list.kept_back.empty()) {
    session.reporter->say(
        fmt::format("{} names of the inside were left out; --all lists them too", list.kept_back.size()));
  }
  if (output.empty()) {
    session.answer(std::move(json), list.manifest);
    return;
  }
  base::write_file_atomic(output, list.manifest);
  json["manifest"] = output;
  session.answer(std::move(json),
                 fmt::format("{}: {} names; carry it back, `airlock bundle create --wants {}` takes it\n", output,
                             list.listed.size(), output));
}

}  // namespace

void add_home_commands(CLI::App& app, Session& session) {
  auto* status_command = app.add_subcommand("status", "Health on one screen; exit code 5 when something is stale");
  status_command->footer("Example:\n  airlock status --json");
  status_command->callback([&session] { status(session); });

  auto* audit_command = app.add_subcommand("audit", "The hash-chained log of what was taken in, activated and trusted");
  auto flags = std::make_shared<AuditFlags>();
  audit_command->add_option("--since", flags->since, "Only what is newer: 2026-07-01 or 2026-07-01T12:00:00Z")
      ->type_name("T");
  audit_command->add_option("--export", flags->output, "Write it to a file, a JSON object a line")->type_name("FILE");
  audit_command->footer("Examples:\n  airlock audit --since 2026-07-01\n  airlock audit verify");
  audit_command->require_subcommand(0, 1);
  auto* list_command = audit_command->add_subcommand("list", "The entries, oldest first");
  list_command->footer("Example:\n  airlock audit list --json");
  auto* verify_command = audit_command->add_subcommand("verify", "Check that no entry was changed or taken out");
  verify_command->footer("Example:\n  airlock audit verify");
  verify_command->callback([&session] { verify_audit(session); });
  audit_command->callback([&session, flags, verify_command] {
    if (!verify_command->parsed()) {
      audit(session, *flags);
    }
  });

  struct WantsFlags {
    std::string output;
    bool all = false;
  };
  auto* wants_command =
      app.add_subcommand("wants", "What clients asked for and did not find, as a manifest to carry back");
  auto wanted = std::make_shared<WantsFlags>();
  wants_command->add_option("-o,--output", wanted->output, "Where to; without it, stdout")->type_name("FILE");
  wants_command->add_flag("--all", wanted->all, "Names that tell something of the inside, too");
  wants_command->footer("Example:\n  airlock wants -o wants.yaml");
  wants_command->callback([&session, wanted] { wants(session, wanted->output, wanted->all); });
}

}  // namespace airlock::cli
