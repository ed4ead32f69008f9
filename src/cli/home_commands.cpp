#include "cli/home_commands.hpp"

#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "cli/error_output.hpp"
#include "cli/near_output.hpp"
#include "cli/replaceable.hpp"
#include "cli/session.hpp"
#include "cli/table.hpp"
#include "cli/take_output.hpp"
#include "mirror/wants.hpp"
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

std::string expiry_text(std::string_view role, std::chrono::seconds left) {
  return left > std::chrono::seconds(0)
             ? fmt::format("{} in {}", role, base::counted(static_cast<std::uint64_t>(days(left)), "day"))
             : fmt::format("{} expired {} ago", role, base::counted(static_cast<std::uint64_t>(days(-left)), "day"));
}

base::Json channel_json(const workflow::ChannelStatus& channel, base::Time now) {
  base::Json expiries = base::Json::object();
  for (const auto& [role, expires] : channel.expiries) {
    expiries[role] = {{"at", base::to_rfc3339(expires)}, {"days", days(expires - now)}};
  }
  base::Json json = {{"channel", channel.key.channel},
                     {"producer", channel.key.producer},
                     {"pinned", channel.pinned},
                     {"serial", channel.serial},
                     {"generations", channel.generations},
                     {"withheld", channel.withheld},
                     {"lacking", channel.lacking},
                     {"lacking_bytes", channel.lacking_bytes},
                     {"expires", std::move(expiries)},
                     {"missing_serials", channel.missing_serials},
                     {"missing_count", channel.missing_count}};
  if (channel.generations > 0) {
    json["created"] = base::to_rfc3339(channel.created);
    json["imported"] = base::to_rfc3339(channel.imported);
    json["age_days"] = days(now - channel.created);
  }
  if (channel.out_of_service) {
    json["out_of_service"] = out_of_service_json(*channel.out_of_service);
  }
  if (channel.active) {
    json["active"] = {{"generation", channel.active->id}, {"serial", channel.active->serial}};
  }
  return json;
}

std::string channels_text(const workflow::StatusReport& report, base::Time now) {
  Table table({"channel", "newest", "age", "served", "withheld", "imported", "first to expire"});
  for (const auto& channel : report.channels) {
    const auto soonest = std::min_element(channel.expiries.begin(), channel.expiries.end(),
                                          [](const auto& a, const auto& b) { return a.second < b.second; });
    const bool is_here = channel.generations > 0;
    table.add({channel.key.channel + channel.mark, fmt::format("{}", channel.serial),
               is_here ? fmt::format("{} days", days(now - channel.created)) : "-",
               channel.active           ? fmt::format("{}", channel.active->unproven ? "unproven"
                                                                                     : fmt::format("{}", channel.active->serial))
                         : channel.out_of_service ? "out of service"
                                        : "nothing",
               fmt::format("{}", channel.withheld), is_here ? base::to_rfc3339(channel.imported).substr(0, 10) : "-",
               channel.out_of_service || soonest == channel.expiries.end()
                   ? "-"
                   : expiry_text(soonest->first, soonest->second - now)});
  }
  return table.text();
}

std::string_view service_name(workflow::ServiceStatus::What what) {
  switch (what) {
  case workflow::ServiceStatus::What::server:
    return "serve";
  case workflow::ServiceStatus::What::agent:
    return "agent";
  case workflow::ServiceStatus::What::watcher:
    return "watch";
  case workflow::ServiceStatus::What::change:
    return "change";
  case workflow::ServiceStatus::What::making:
    return "make";
  }
  return "";
}

std::string services_text(const workflow::StatusReport& report) {
  std::vector<std::string> parts;
  for (const auto& service : report.services) {
    parts.push_back(fmt::format("{}{}", service_name(service.what),
                                service.process > 0 ? fmt::format(" (process {})", service.process) : ""));
  }
  return parts.empty() ? "none of serve, agent, watch, import runs here" : base::join(parts, ", ");
}

base::Json services_json(const workflow::StatusReport& report) {
  base::Json list = base::Json::array();
  for (const auto& service : report.services) {
    list.push_back({{"service", service_name(service.what)}, {"process", service.process}});
  }
  return list;
}

void status(Session& session) {
  const auto now = session.clock->now();
  const auto report =
      workflow::examine_status({.home = session.home,
                                .wall = now,
                                .stale_after = std::chrono::seconds(session.config.number("stale_after")),
                                .built = session.built});
  base::Json channels = base::Json::array();
  for (const auto& channel : report.channels) {
    channels.push_back(channel_json(channel, now));
  }
  base::Json findings = base::Json::array();
  std::string text = fmt::format("home     {}\n", session.home.root.string());
  // A home that only makes bundles pins nobody's root.
  if (report.near.empty() || report.pinned_roots > 0) {
    text += fmt::format("roots    {} pinned in {}\n", report.pinned_roots, session.home.pinned_roots().string());
  }
  if (report.channels.empty()) {
    if (report.pinned_roots > 0) {
      text += "nothing was imported yet; next: airlock import BUNDLE\n";
    } else if (report.near.empty()) {
      text +=
          "nothing is here yet; next: airlock init on a connected host, airlock trust init root.json on an isolated "
          "one\n";
    }
    if (!report.services.empty()) {
      text += fmt::format("running  {}\n", services_text(report));
    }
  } else {
    text += fmt::format("store    {} blobs, {}; {} free, the next import may take {}\ncatalog  {}\nrunning  {}\n"
                        "audit    {}\n\n{}",
                        report.blobs, base::format_bytes(report.bytes), base::format_bytes(report.space.free_bytes),
                        base::format_bytes(report.next_import),
                        report.catalog == 0 ? "none" : fmt::format("{}", report.catalog), services_text(report),
                        audit_mark_text(report.audit_number, report.audit_head), channels_text(report, now));
  }
  text += near_text(report.near, now);
  const auto overridden =
      std::ranges::count_if(report.revoked, [](const auto& one) { return one.overridden.has_value(); });
  if (!report.blocks.empty() || !report.revoked.empty()) {
    text += fmt::format("denied   {} blocked here, {} revoked by producers{}; `airlock block --list` shows them\n",
                        report.blocks.size(), report.revoked.size(),
                        overridden == 0 ? "" : fmt::format(", {} of them served all the same", overridden));
  }
  for (const auto& finding : report.findings) {
    findings.push_back(finding_json(finding));
    text += fmt::format("{}  {}: {}\n",
                        finding.code == ErrorCode::base_missing ? "LACKS"
                        : finding.severity == Severity::error   ? "STALE"
                        : finding.severity == Severity::warning ? "warn "
                                                                : "note ",
                        finding.subject, finding.message);
  }
  session.exit_code = report.stale() ? 5 : 0;
  base::Json json = {{"home", session.home.root.string()},
                     {"ok", !report.stale()},
                     {"channels", std::move(channels)},
                     {"findings", std::move(findings)},
                     {"pinned_roots", report.pinned_roots},
                     {"blobs", report.blobs},
                     {"bytes", report.bytes},
                     {"free_bytes", report.space.free_bytes},
                     {"next_import_bytes", report.next_import},
                     {"services", services_json(report)},
                     {"audit", {{"number", report.audit_number}, {"head", report.audit_head}}},
                     {"catalog", report.catalog},
                     {"blocked", report.blocks.size()},
                     {"revoked", report.revoked.size()},
                     {"overridden", overridden}};
  json.update(near_json(report.near, now));
  session.answer(std::move(json), text);
}

void wants(Session& session, const std::string& output, bool all) {
  if (!output.empty()) {
    require_replaceable(output, "list of wants", [](const std::filesystem::path& file) {
      return beginning_of(file, workflow::k_wants_begin.size()) == workflow::k_wants_begin;
    });
  }
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
        fmt::format("{} of the inside left out; --all lists them too", base::counted(list.kept_back.size(), "name")));
  }
  if (output.empty()) {
    session.answer(std::move(json), list.manifest);
    return;
  }
  base::write_file_atomic(output, list.manifest);
  json["manifest"] = output;
  session.answer(std::move(json), fmt::format("{}: {}; carry it back, `airlock bundle create --wants {}` takes it\n",
                                              output, base::counted(list.listed.size(), "name"), output));
}

}  // namespace

void add_home_commands(CLI::App& app, Session& session) {
  auto* status_command =
      app.add_subcommand("status", "Health on one screen; exit code 5 when something is stale or lacking");
  status_command->footer("Example:\n  airlock status --json");
  status_command->callback([&session] { status(session); });

  add_audit_commands(app, session);

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
