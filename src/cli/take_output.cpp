#include "cli/take_output.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/error_output.hpp"
#include "cli/table.hpp"
#include "store/channel_name.hpp"
#include "workflow/scan_refusal.hpp"

namespace airlock::cli {

namespace {

using base::Json;
using base::Severity;
using Outcome = workflow::ImportedBundle::Outcome;

constexpr std::size_t k_paper_digits = 32;  // of an audit head: what nobody can forge, and a person still copies
constexpr std::size_t k_blobs_listed = 20;  // changes of one sort that are printed

Json expiries_json(const std::vector<std::pair<std::string, base::Time>>& expiries) {
  Json json = Json::object();
  for (const auto& [role, expires] : expiries) {
    json[role] = base::to_rfc3339(expires);
  }
  return json;
}

std::string date(base::Time time) {
  return base::to_rfc3339(time).substr(0, 10);
}

std::string expiries_text(const std::vector<std::pair<std::string, base::Time>>& expiries) {
  std::vector<std::string> parts;
  for (const auto& [role, expires] : expiries) {
    parts.push_back(fmt::format("{} {}", role, date(expires)));
  }
  return base::join(parts, ", ");
}

std::string_view mark(Severity severity) {
  return severity == Severity::error ? "FAIL" : severity == Severity::warning ? "warn" : "note";
}

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
  case Outcome::imported:
    return "imported";
  case Outcome::refreshed:
    return "refreshed";
  case Outcome::nothing_to_do:
    return "nothing-to-do";
  }
  return "";
}

std::string short_version(const std::string& version) {
  // A digest says who it is by its start.
  return version.starts_with("sha256:") ? version.substr(0, 7 + 12) : version;
}

// With a blank in front; nothing for what has no version.
std::string versions_text(const std::vector<std::string>& versions) {
  std::vector<std::string> shown;
  for (const auto& version : versions) {
    if (!version.empty()) {
      shown.push_back(base::printable(short_version(version), 60));
    }
  }
  return shown.empty() ? "" : " " + base::join(shown, ", ");
}

void list_changes(std::string& text, char sign, const std::vector<workflow::ArtifactChange>& changes,
                  std::size_t limit) {
  for (std::size_t i = 0; i < std::min(limit, changes.size()); ++i) {
    const auto& change = changes[i];
    text += fmt::format("  {} {}", sign, base::printable(change.name, 200));
    text += versions_text(change.before);
    if (!change.before.empty() && !change.after.empty()) {
      text += " ->";
    }
    text += versions_text(change.after) + "\n";
  }
  if (changes.size() > limit) {
    text += fmt::format("  {} and {} more\n", sign, changes.size() - limit);
  }
}

Json list_json(const std::vector<workflow::ArtifactChange>& changes) {
  Json list = Json::array();
  for (const auto& change : changes) {
    list.push_back({{"name", change.name}, {"before", change.before}, {"after", change.after}});
  }
  return list;
}

Json bundle_json(const workflow::ImportedBundle& bundle) {
  Json json = {{"outcome", outcome_name(bundle.outcome)},
               {"head", bundle.head.string()},
               {"producer", bundle.producer},
               {"channel", bundle.channel},
               {"serial", bundle.serial},
               {"bundle_id", bundle.bundle_id},
               {"generation", bundle.generation},
               {"active", bundle.active},
               {"artifacts", bundle.artifacts},
               {"blobs_new", bundle.blobs_new},
               {"blobs_present", bundle.blobs_present},
               {"bytes_written", bundle.bytes_written},
               {"withheld", bundle.withheld},
               {"approvals", bundle.approvals},
               {"local_approvals", bundle.local_approvals},
               {"expires", expiries_json(bundle.expiries)},
               {"changes", changes_json(bundle.changes)}};
  if (bundle.out_of_service) {
    json["out_of_service"] = out_of_service_json(*bundle.out_of_service);
  }
  if (bundle.previous_serial) {
    json["previous_serial"] = *bundle.previous_serial;
  }
  if (!bundle.scan.scanner.empty()) {
    json["scan"] = {{"scanner", bundle.scan.scanner},
                    {"scanned", bundle.scan.scanned},
                    {"remembered", bundle.scan.remembered},
                    {"accepted", bundle.scan.accepted},
                    {"withheld", workflow::refusals_json(bundle.scan.withheld)}};
  }
  json["shared_names"] = {{"count", bundle.shared_name_count}, {"names", Json::array()}};
  for (const auto& name : bundle.shared_names) {
    json["shared_names"]["names"].push_back({{"ecosystem", name.ecosystem},
                                             {"path", name.path},
                                             {"served_from", name.served_from},
                                             {"served_producer", name.served_producer},
                                             {"other_producer", name.other_producer},
                                             {"served", name.served ? name.served->to_string() : ""},
                                             {"other", name.other},
                                             {"hidden", name.hidden ? name.hidden->to_string() : ""}});
  }
  return json;
}

std::string gap_text(const workflow::ImportedBundle& bundle) {
  if (!bundle.previous_serial || bundle.serial <= *bundle.previous_serial + 1) {
    return "";
  }
  const auto first = *bundle.previous_serial + 1;
  const auto last = bundle.serial - 1;
  return first == last
             ? fmt::format("  gap       bundle {} never arrived here; this state includes all that it held\n", first)
             : fmt::format("  gap       bundles {} to {} never arrived here; this state includes all that they held\n",
                           first, last);
}

// Names that mean two things say which one is served.
std::string shared_text(const workflow::ImportedBundle& bundle) {
  std::string text;
  for (std::size_t i = 0; i < std::min(k_blobs_listed, bundle.shared_names.size()); ++i) {
    const auto& name = bundle.shared_names[i];
    const store::ChannelKey served{name.served_producer, name.served_from};
    const store::ChannelKey other{name.other_producer, name.other};
    text += fmt::format("  shared    {} '{}' is served from channel '{}'{}; that of '{}'{} by its digest only ({})\n",
                        name.ecosystem, base::printable(name.path, 200), name.served_from,
                        store::producer_mark(served, {other}), name.other, store::producer_mark(other, {served}),
                        name.hidden ? name.hidden->to_string() : "none");
  }
  if (bundle.shared_name_count > k_blobs_listed) {
    text += fmt::format("  shared    and {} more; --json lists them\n", bundle.shared_name_count - k_blobs_listed);
  }
  return text;
}

std::string bundle_text(const workflow::ImportedBundle& bundle) {
  const auto name = fmt::format("bundle '{}' {}", bundle.channel, bundle.serial);
  if (bundle.outcome == Outcome::nothing_to_do) {
    return fmt::format("{} is here already as generation {}{}; nothing to do\n", name, bundle.generation,
                       bundle.active ? ""
                                     : fmt::format(", not active (`airlock store activate {}`)", bundle.generation));
  }
  std::string text = fmt::format(
      "{} {} generation {}{}\n", name,
      bundle.outcome == Outcome::imported ? "was taken in as" : "was brought up to date:", bundle.generation,
      bundle.active           ? ", active"
      : bundle.out_of_service ? ", not served: its channel is out of service"
                              : ", not active yet");
  text += bundle.outcome == Outcome::refreshed
              ? fmt::format("  artifacts {}, as before\n", bundle.artifacts)
              : fmt::format("  artifacts {}: {} added, {} changed, {} removed, {} as before\n", bundle.artifacts,
                            bundle.changes.added.size(), bundle.changes.changed.size(), bundle.changes.removed.size(),
                            bundle.changes.kept);
  text += changes_text(bundle.changes, k_blobs_listed);
  text += fmt::format("  blobs     {} new, {} here before; {} written\n", bundle.blobs_new, bundle.blobs_present,
                      base::format_bytes(bundle.bytes_written));
  if (bundle.withheld > 0) {
    text += fmt::format("  withheld  {} blobs are approved but not taken\n", bundle.withheld);
  }
  if (!bundle.scan.scanner.empty()) {
    text += fmt::format("  scanned   {} files now, {} known from before, {} withheld; {}\n", bundle.scan.scanned,
                        bundle.scan.remembered, bundle.scan.withheld.size(), bundle.scan.scanner);
  }
  text += fmt::format(
      "  approved  by {} {}{}\n", bundle.approvals, bundle.approvals == 1 ? "person" : "people",
      bundle.local_approvals.empty() ? "" : fmt::format(", and here by {}", base::join(bundle.local_approvals, ", ")));
  text += fmt::format("  expires   {}\n", expiries_text(bundle.expiries));
  text += gap_text(bundle);
  text += shared_text(bundle);
  return text;
}

std::string notes_text(const std::vector<base::Finding>& notes) {
  std::string text;
  for (const auto& finding : notes) {
    text += fmt::format("{}: {}: {}\n",
                        finding.severity == Severity::error
                            ? fmt::format("refused ({})", base::error_code_info(finding.code).name)
                            : "note",
                        base::printable(finding.subject), base::printable(finding.message, 2000));
  }
  return text;
}

}  // namespace

Json out_of_service_json(const store::OutOfService& out) {
  return {{"since", base::to_rfc3339(out.since)}, {"reason", out.reason}, {"ticket", out.ticket}, {"user", out.user}};
}

std::string audit_mark_text(std::uint64_t number, std::string_view head) {
  return fmt::format("{}:{}", number, base::group_digits(head.substr(0, k_paper_digits)));
}

Json changes_json(const workflow::ArtifactChanges& changes) {
  return {{"added", list_json(changes.added)},
          {"changed", list_json(changes.changed)},
          {"removed", list_json(changes.removed)},
          {"kept", changes.kept}};
}

std::string changes_text(const workflow::ArtifactChanges& changes, std::size_t limit) {
  std::string text;
  list_changes(text, '+', changes.added, limit);
  list_changes(text, '~', changes.changed, limit);
  list_changes(text, '-', changes.removed, limit);
  return text;
}

Json verify_json(const workflow::VerifyReport& report) {
  Json json = {{"ok", report.ok()},
               {"findings", Json::array()},
               {"bundles", Json::array()},
               {"channel", report.channel},
               {"serial", report.serial},
               {"bundle_id", report.bundle_id},
               {"approvals", report.approvals},
               {"root", report.root_file.string()},
               {"blobs", report.blobs},
               {"bytes", report.bytes},
               {"left_out", report.left_out},
               {"lacking", report.lacking},
               {"expires", expiries_json(report.expiries)}};
  for (const auto& finding : report.findings) {
    json["findings"].push_back(finding_json(finding));
  }
  for (const auto& head : report.heads) {
    json["bundles"].push_back(head.string());
  }
  return json;
}

std::string verify_text(const workflow::VerifyReport& report) {
  std::string text;
  for (const auto& finding : report.findings) {
    text += fmt::format("{}  {}  {}: {}\n", mark(finding.severity), base::error_code_info(finding.code).name,
                        base::printable(finding.subject), base::printable(finding.message, 2000));
  }
  if (!report.bundle_id.empty()) {
    text += fmt::format("bundle '{}' {}, approved by {} {}, proven against {}\n", report.channel, report.serial,
                        report.approvals, report.approvals == 1 ? "person" : "people", report.root_file.string());
    text += fmt::format("{} blobs read, {}; expires: {}\n", report.blobs, base::format_bytes(report.bytes),
                        expiries_text(report.expiries));
  }
  if (report.ok() && report.lacking > 0) {
    return text + fmt::format("ok: what it brings is there and as it was signed; {} that it builds on {} not here, so "
                              "an import would ask for {}\n",
                              base::counted(report.lacking, "blob"), report.lacking == 1 ? "is" : "are",
                              report.lacking == 1 ? "it" : "them");
  }
  if (report.ok()) {
    return text + fmt::format("ok: {} is there and as it was signed\n",
                              report.left_out > 0 ? "everything that it brings" : "everything");
  }
  return text + fmt::format("not ok; `airlock explain CODE` says what to do\n");
}

Json import_json(const workflow::ImportReport& report) {
  Json json = {{"bundles", Json::array()}, {"notes", Json::array()}, {"receipt", report.receipt.string()}};
  std::uint64_t generation = 0;
  std::uint64_t artifacts = 0;
  std::uint64_t blobs_new = 0;
  std::uint64_t blobs_present = 0;
  std::uint64_t bytes_written = 0;
  for (const auto& bundle : report.bundles) {
    json["bundles"].push_back(bundle_json(bundle));
    generation = bundle.generation;
    artifacts = bundle.artifacts;
    blobs_new += bundle.blobs_new;
    blobs_present = bundle.blobs_present;
    bytes_written += bundle.bytes_written;
  }
  json["generation"] = generation;
  json["artifacts"] = artifacts;
  json["blobs_new"] = blobs_new;
  json["blobs_present"] = blobs_present;
  json["bytes_written"] = bytes_written;
  json["floors"] = report.floors;
  json["audit"] = {{"number", report.audit_number}, {"head", report.audit_head}};
  for (const auto& finding : report.notes) {
    json["notes"].push_back(finding_json(finding));
  }
  return json;
}

std::string import_text(const workflow::ImportReport& report) {
  std::string text = notes_text(report.notes);
  bool any_active = false;
  for (const auto& bundle : report.bundles) {
    text += bundle_text(bundle);
    any_active = any_active || bundle.active;
  }
  if (!report.receipt.empty()) {
    text += fmt::format("receipt to carry back: {}\n", report.receipt.string());
    text += "for the paper beside this host, in case its state is ever lost:\n";
    for (const auto& floor : report.floors) {
      text += fmt::format("  floor     {}\n", floor);
    }
    text += fmt::format("  audit     {}\n", audit_mark_text(report.audit_number, report.audit_head));
    text += any_active ? "next: airlock serve\n"
                       : fmt::format("next: airlock store activate {}\n", report.bundles.back().generation);
  }
  return text;
}

Json salvage_json(const workflow::SalvageReport& report) {
  Json json = {{"ok", report.exit_code() == 0},
               {"checked", report.checked},
               {"checked_bytes", report.checked_bytes},
               {"lacking", report.lacking},
               {"blobs_new", report.blobs},
               {"bytes_new", report.bytes},
               {"bytes_written", report.bytes_written},
               {"missing", report.missing},
               {"findings", Json::array()},
               {"notes", Json::array()}};
  for (const auto& finding : report.findings) {
    json["findings"].push_back(finding_json(finding));
  }
  for (const auto& finding : report.notes) {
    json["notes"].push_back(finding_json(finding));
  }
  return json;
}

std::string salvage_text(const workflow::SalvageReport& report) {
  std::string text = notes_text(report.notes);
  for (std::size_t i = 0; i < std::min(k_blobs_listed, report.findings.size()); ++i) {
    const auto& finding = report.findings[i];
    text += fmt::format("FAIL  {}: {}\n", finding.subject, base::printable(finding.message, 2000));
  }
  if (report.missing > k_blobs_listed) {
    text += fmt::format("FAIL  and {} more\n", report.missing - k_blobs_listed);
  }
  if (report.lacking == 0) {
    return text + fmt::format("{} read ({}), nothing that is wanted is missing or damaged; nothing to do\n",
                              base::counted(report.checked, "blob"), base::format_bytes(report.checked_bytes));
  }
  text += fmt::format("missing or damaged: {}; here again: {} ({})\n", base::counted(report.lacking, "blob"),
                      report.blobs, base::format_bytes(report.bytes));
  if (report.missing > 0) {
    text += "run it again with further bundles or volumes, of any age, or import the newest bundle\n";
  }
  return text;
}

}  // namespace airlock::cli
