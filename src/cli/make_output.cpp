#include "cli/make_output.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/take_output.hpp"

namespace airlock::cli {

namespace {

using base::Json;
using model::LockChange;

constexpr std::size_t k_most_lines = 40;
constexpr std::size_t k_most_artifacts = 20;

Json path_list(const std::vector<std::filesystem::path>& paths) {
  Json list = Json::array();
  for (const auto& path : paths) {
    list.push_back(path.string());
  }
  return list;
}

const char* name_of(LockChange::What what) {
  return what == LockChange::What::added ? "added" : what == LockChange::What::removed ? "removed" : "changed";
}

std::string short_content(const model::FileRow& row) {
  constexpr std::size_t k_digits = 12;
  if (row.sha256) {
    return "sha256:" + row.sha256->hex().substr(0, k_digits);
  }
  return row.pin.empty() ? "not pinned" : base::printable(row.pin.substr(0, row.pin.find(':') + 1 + k_digits), 60);
}

std::string change_line(const LockChange& change) {
  const auto path = [](const model::FileRow& row) {
    return fmt::format("{} {}", row.ecosystem, base::printable(row.path, 200));
  };
  switch (change.what) {
  case LockChange::What::added:
    return fmt::format("  + {} {}\n", path(change.after), short_content(change.after));
  case LockChange::What::removed:
    return fmt::format("  - {} {}\n", path(change.before), short_content(change.before));
  default:
    return fmt::format("  ~ {} {} -> {}\n", path(change.after), short_content(change.before),
                       short_content(change.after));
  }
}

}  // namespace

Json lock_json(const workflow::LockReport& report) {
  Json changes = Json::array();
  for (const auto& change : report.changes) {
    const bool removed = change.what == LockChange::What::removed;
    const auto& row = removed ? change.before : change.after;
    changes.push_back({{"change", name_of(change.what)},
                       {"ecosystem", row.ecosystem},
                       {"path", row.path},
                       {"before", change.before.sha256 ? Json(change.before.sha256->hex()) : Json()},
                       {"after", change.after.sha256 ? Json(change.after.sha256->hex()) : Json()}});
  }
  Json waivers = Json::array();
  for (const auto& waiver : report.waivers) {
    waivers.push_back({{"upstream", waiver.upstream}, {"what", waiver.what}});
  }
  return {{"lock", report.file.string()},    {"channel", report.channel},
          {"created", report.created},       {"changes", changes},
          {"artifacts", report.artifacts},   {"files", report.files},
          {"bytes", report.bytes},           {"unknown", report.unknown},
          {"unverified", report.unverified}, {"waivers", waivers}};
}

std::string lock_text(const workflow::LockReport& report) {
  std::string text =
      fmt::format("{}: {}, {}, {} known\n", report.file.string(), base::counted(report.artifacts, "artifact"),
                  base::counted(report.files, "file"), base::format_bytes(report.bytes));
  if (report.changes.empty() && !report.created) {
    text += "nothing changed\n";
  } else if (!report.created) {
    for (std::size_t i = 0; i < std::min(report.changes.size(), k_most_lines); ++i) {
      text += change_line(report.changes[i]);
    }
    if (report.changes.size() > k_most_lines) {
      text += fmt::format("  and {} more\n", report.changes.size() - k_most_lines);
    }
  }
  if (report.unknown > 0) {
    text += fmt::format("of {} the digest is learned by the first `bundle create`\n",
                        base::counted(report.unknown, "file"));
  }
  if (report.unverified > 0) {
    text +=
        fmt::format("unproven: {}, which upstream neither signs nor pins\n", base::counted(report.unverified, "file"));
  }
  return text;
}

Json create_json(const workflow::CreateReport& report) {
  Json json = {{"channel", report.channel},
               {"serial", report.serial},
               {"bundle", report.bundle.string()},
               {"volumes", path_list(report.volumes)},
               {"files", path_list(report.others)},
               {"bundle_id", report.bundle_id},
               {"fingerprint", report.fingerprint},
               {"sealed", report.sealed},
               {"approvals", report.approvals},
               {"threshold", report.threshold},
               {"one_home_approves", report.one_home_approves},
               {"dry_run", report.dry_run},
               {"continued", report.continued},
               {"kind", report.delta ? "delta" : "full"},
               {"artifacts", report.artifacts},
               {"blobs", report.blobs},
               {"state_bytes", report.state_bytes},
               {"blobs_included", report.blobs_included},
               {"blobs_omitted", report.blobs_omitted},
               {"bytes", report.bytes},
               {"bytes_fetched", report.bytes_fetched},
               {"bytes_reused", report.bytes_reused},
               {"bytes_written", report.bytes_written},
               {"unknown_sizes", report.unknown_sizes},
               {"volume_count", report.volume_count},
               {"changes", changes_json(report.changes)},
               {"unchanged", report.unchanged},
               {"unverified", report.unverified},
               {"waivers", report.waivers},
               {"read_back", report.read_back}};
  if (!report.scanner.empty()) {
    json["scan"] = {{"scanner", report.scanner}, {"scanned", report.scanned}, {"remembered", report.scan_remembered}};
  }
  if (report.previous_serial) {
    json["previous_serial"] = *report.previous_serial;
  }
  return json;
}

namespace {

std::string plan_text(const workflow::CreateReport& report) {
  std::string text =
      fmt::format("bundle '{}' {} would hold {} in {} ({}), at most {} as {}\n", report.channel, report.serial,
                  base::counted(report.artifacts, "artifact"), base::counted(report.blobs, "blob"),
                  base::format_bytes(report.state_bytes), base::format_bytes(report.bytes), report.bundle.string());
  text += fmt::format("  to fetch  {}; {} lie here already\n", base::format_bytes(report.bytes_fetched),
                      base::format_bytes(report.bytes_reused));
  if (report.blobs_omitted > 0) {
    text += fmt::format("  left out  {} that the base holds\n", base::counted(report.blobs_omitted, "blob"));
  }
  if (report.volume_count > 0) {
    text += fmt::format("  volumes   {}\n", report.volume_count);
  }
  if (report.unknown_sizes > 0) {
    text += fmt::format("  unknown   the size of {}\n", base::counted(report.unknown_sizes, "file"));
  }
  return text;
}

std::string changes_against(const workflow::CreateReport& report) {
  if (!report.previous_serial) {
    return "";
  }
  if (report.unchanged) {
    return fmt::format("  changes   none since serial {}; only the dates are newer\n", *report.previous_serial);
  }
  return fmt::format("  changes   since serial {}: {} added, {} changed, {} removed, {} as before\n{}",
                     *report.previous_serial, report.changes.added.size(), report.changes.changed.size(),
                     report.changes.removed.size(), report.changes.kept,
                     changes_text(report.changes, k_most_artifacts));
}

std::string next_step(const workflow::CreateReport& report) {
  if (!report.sealed) {
    return report.approvals < report.threshold
               ? fmt::format("draft: {} of {} people have approved it\nnext: airlock bundle sign {}\n",
                             report.approvals, report.threshold, report.bundle.string())
               : fmt::format("approved, but not sealed: the timestamp key is not here\nnext: airlock bundle seal {}\n",
                             report.bundle.string());
  }
  return fmt::format("next: carry {} over and run `airlock import` on it there\n",
                     report.volumes.empty() && report.others.empty() ? report.bundle.string()
                                                                     : report.bundle.parent_path().string());
}

}  // namespace

std::string create_text(const workflow::CreateReport& report) {
  if (report.dry_run) {
    return plan_text(report) + changes_against(report);
  }
  std::string text = fmt::format("{}\n", report.bundle.string());
  if (!report.volumes.empty()) {
    text += fmt::format("  and {} beside it\n", base::counted(report.volumes.size(), "volume"));
  }
  text += fmt::format("  bundle    '{}' {}, {}{}, {}\n", report.channel, report.serial, report.delta ? "delta" : "full",
                      report.sealed ? ", sealed" : ", draft", base::format_bytes(report.bytes));
  text += fmt::format("  holds     {} in {}{}\n", base::counted(report.artifacts, "artifact"),
                      base::counted(report.blobs_included, "blob"),
                      report.blobs_omitted > 0
                          ? fmt::format("; {} of the state left out, the base holds them", report.blobs_omitted)
                          : "");
  text += fmt::format(
      "  fetched   {}{}\n", base::format_bytes(report.bytes_fetched),
      report.bytes_reused > 0 ? fmt::format("; {} were here already", base::format_bytes(report.bytes_reused)) : "");
  text += changes_against(report);
  if (report.unverified > 0) {
    text += fmt::format("  unproven  {}: upstream neither signs nor pins {}\n",
                        base::counted(report.unverified, "file"), report.unverified == 1 ? "it" : "them");
  }
  for (const auto& waiver : report.waivers) {
    text += fmt::format("  waived    {}\n", base::printable(waiver, 200));
  }
  if (!report.scanner.empty()) {
    text += fmt::format("  scanned   {} now, {} known from before; {}\n", base::counted(report.scanned, "file"),
                        report.scan_remembered, report.scanner);
  }
  if (report.read_back) {
    text += report.removable ? "  read back and equal; the medium may be removed\n" : "  read back and equal\n";
  } else if (report.removable) {
    text += "  not read back; everything is on the medium, which may be removed\n";
  }
  return text + next_step(report);
}

Json compare_json(const workflow::CompareReport& report) {
  return {{"same", report.same()},
          {"channel", report.channel},
          {"serial", report.serial},
          {"differences", report.differences},
          {"notes", report.notes}};
}

std::string compare_text(const workflow::CompareReport& report) {
  std::string text = report.same() ? "the two are the same\n" : "the two differ\n";
  for (const auto& difference : report.differences) {
    text += fmt::format("  {}\n", base::printable(difference, 600));
  }
  for (const auto& note : report.notes) {
    text += fmt::format("  note: {}\n", base::printable(note, 600));
  }
  return text;
}

Json approve_json(const workflow::ApproveReport& report) {
  Json notes = Json::array();
  for (const auto& note : report.notes) {
    notes.push_back(
        {{"code", base::error_code_info(note.code).name}, {"subject", note.subject}, {"message", note.message}});
  }
  return {
      {"bundle", report.bundle.string()}, {"written", report.written.empty() ? Json() : Json(report.written.string())},
      {"channel", report.channel},        {"serial", report.serial},
      {"bundle_id", report.bundle_id},    {"approvals", report.approvals},
      {"threshold", report.threshold},    {"approved", report.approved},
      {"missing", report.missing},        {"added", report.added},
      {"sealed", report.sealed},          {"notes", std::move(notes)}};
}

std::string approve_text(const workflow::ApproveReport& report) {
  std::string text;
  for (const auto& note : report.notes) {
    text += fmt::format("note: {} {}\n", note.subject, base::printable(note.message, 600));
  }
  const bool beside = !report.written.empty() && report.written != report.bundle;
  if (report.sealed) {
    return text + fmt::format("{} is sealed; {} of {} people approved it\nnext: carry {} over and run `airlock import` "
                              "on it there\n",
                              report.bundle.string(), report.approvals, report.threshold,
                              beside ? report.written.string() + " beside it" : "it");
  }
  text += fmt::format("bundle '{}' {}: {} of {} people have approved it{}\n", report.channel, report.serial,
                      report.approvals, report.threshold, report.added == 0 ? " (this key had signed before)" : "");
  if (beside) {
    return text + fmt::format("{}\nnext: carry it back, and there airlock bundle seal BUNDLE {}\n",
                              report.written.string(), report.written.filename().string());
  }
  if (report.approvals >= report.threshold) {
    return text + fmt::format("next: airlock bundle seal {}\n", report.bundle.string());
  }
  std::vector<std::string> missing;
  for (const std::string& keyid : report.missing) {
    missing.push_back(keyid.substr(0, 12));
  }
  return text + fmt::format("not yet: {}\nnext: another person runs airlock bundle sign {}\n",
                            base::join(missing, ", "), report.bundle.string());
}

}  // namespace airlock::cli
