// The store of an isolated home: generations, sweeping, checking, receipts.
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/error_output.hpp"
#include "cli/home_commands.hpp"
#include "cli/replaceable.hpp"
#include "cli/scans.hpp"
#include "cli/session.hpp"
#include "cli/store_withheld.hpp"
#include "cli/table.hpp"
#include "cli/take_output.hpp"
#include "store/channel_name.hpp"
#include "store/state_db.hpp"
#include "workflow/generations.hpp"
#include "workflow/receipt.hpp"
#include "workflow/sweep.hpp"

namespace airlock::cli {

namespace {

constexpr std::size_t k_listed = 50;  // changes of one sort that are printed

base::Json generation_json(const store::Generation& generation) {
  return {{"generation", generation.id},
          {"channel", generation.channel.channel},
          {"producer", generation.channel.producer},
          {"serial", generation.serial},
          {"bundle_id", generation.bundle_id},
          {"created", base::to_rfc3339(generation.created)},
          {"imported", base::to_rfc3339(generation.imported)},
          {"active", generation.active},
          {"unproven", generation.unproven},
          {"artifacts", generation.artifacts},
          {"files", generation.rows},
          {"bytes", generation.bytes}};
}

void list(Session& session) {
  const store::StateDb state(session.home.root, store::StateDb::Access::read);
  Table table({"generation", "channel", "serial", "made", "imported", "artifacts", "withheld", "size", ""});
  base::Json json = base::Json::array();
  const auto channels = state.channels();
  for (const auto& generation : state.generations()) {
    const bool is_out = state.out_of_service(generation.channel).has_value();
    const auto withheld = state.count_rows(generation.id, model::Kind::withheld);
    json.push_back(generation_json(generation));
    json.back()["out_of_service"] = is_out;
    json.back()["withheld"] = withheld;
    table.add({fmt::format("{}", generation.id),
               generation.channel.channel + store::producer_mark(generation.channel, channels),
               fmt::format("{}", generation.serial), base::to_rfc3339(generation.created),
               base::to_rfc3339(generation.imported), fmt::format("{}", generation.artifacts),
               fmt::format("{}", withheld), base::format_bytes(generation.bytes),
               generation.unproven ? "unproven"
               : generation.active ? "active"
               : is_out            ? "out of service"
                                   : ""});
  }
  const auto hint =
      state.withheld().empty() ? "" : "`airlock store list --withheld` tells what is withheld, since when and why\n";
  session.answer({{"generations", std::move(json)}},
                 table.empty() ? "nothing was imported yet\n" : table.text() + hint);
}

void diff(Session& session, std::uint64_t before, std::uint64_t after) {
  const auto result = workflow::diff_generations(session.home, before, after);
  auto json = changes_json(result.artifacts);
  json["before"] = generation_json(result.before);
  json["after"] = generation_json(result.after);
  json["files_added"] = result.files_added;
  json["files_changed"] = result.files_changed;
  json["files_removed"] = result.files_removed;
  json["new_bytes"] = result.new_bytes;
  session.answer(std::move(json),
                 fmt::format("generation {} (serial {}) to {} (serial {}): {} added, {} changed, {} removed; {} "
                             "new\n{}",
                             before, result.before.serial, after, result.after.serial,
                             base::counted(result.files_added, "file"), result.files_changed, result.files_removed,
                             base::format_bytes(result.new_bytes), changes_text(result.artifacts, k_listed)));
}

void answer_activation(Session& session, const workflow::ActivationReport& report) {
  base::Json json = generation_json(report.generation);
  json["catalog"] = report.catalog;
  if (report.before) {
    json["before"] = report.before->id;
  }
  const auto& now = report.generation;
  const auto before = report.before && report.before->id != now.id
                          ? fmt::format(", in place of {} (serial {})", report.before->id, report.before->serial)
                          : "";
  if (report.ended) {
    json["out_of_service_since"] = base::to_rfc3339(report.ended->since);
  }
  session.answer(std::move(json),
                 fmt::format("generation {} of channel '{}' (serial {}) is served{}{}\n", now.id, now.channel.channel,
                             now.serial, before,
                             report.ended
                                 ? fmt::format("; the channel was out of service since {}, and is in service again",
                                               base::to_rfc3339(report.ended->since))
                                 : ""));
}

void deactivate(Session& session, const store::ChannelKey& channel, const workflow::Remark& remark) {
  const auto report = workflow::deactivate_channel(session.home, channel, *session.clock, remark);
  auto json = out_of_service_json(report.out);
  json["channel"] = report.channel.channel;
  json["producer"] = report.channel.producer;
  json["before"] = report.before ? base::Json(report.before->id) : base::Json();
  json["was_out"] = report.was_out;
  session.answer(
      std::move(json),
      report.was_out
          ? fmt::format("channel '{}' is out of service already, since {} ({}); nothing was changed\n",
                        report.channel.channel, base::to_rfc3339(report.out.since), base::printable(report.out.reason))
          : fmt::format(
                "channel '{}' is out of service: nothing of it is served from now on{}, whatever arrives of it\n"
                "the next `airlock store sweep` frees what only it needed; until then `airlock store activate "
                "{}` serves it again at once\n",
                report.channel.channel,
                report.before
                    ? fmt::format(" (until now generation {}, serial {})", report.before->id, report.before->serial)
                    : "",
                report.before ? fmt::format("{}", report.before->id) : "GENERATION"));
}

void sweep(Session& session, std::optional<std::uint64_t> keep, bool dry_run, const workflow::Remark& remark) {
  using SweepMode = workflow::SweepOptions::Mode;
  const auto report = workflow::sweep_store({.home = session.home,
                                             .keep = keep.value_or(session.config.number("keep_generations")),
                                             .mode = dry_run ? SweepMode::dry_run : SweepMode::remove,
                                             .remark = remark},
                                            *session.clock, *session.reporter);
  session.answer(
      {{"generations", report.generations},
       {"blobs", report.blobs},
       {"bytes", report.bytes},
       {"unfinished", report.unfinished},
       {"dry_run", dry_run}},
      fmt::format("{}{} and {} ({}){}\n",
                  dry_run ? "would free: " : "freed: ", base::counted(report.generations.size(), "generation"),
                  base::counted(report.blobs, "blob"), base::format_bytes(report.bytes),
                  report.unfinished == 0 ? ""
                                         : fmt::format(", {} of them from unfinished imports", report.unfinished)));
}

void check(Session& session, bool repair) {
  using CheckMode = workflow::StoreCheckOptions::Mode;
  const auto report = workflow::check_store(
      {.home = session.home, .mode = repair ? CheckMode::repair : CheckMode::look}, *session.clock, *session.reporter);
  base::Json findings = base::Json::array();
  std::string text;
  bool tampered = false;
  for (const auto& finding : report.findings) {
    findings.push_back(finding_json(finding));
    text += fmt::format("FAIL  {}: {}\n", finding.subject, finding.message);
    tampered = tampered || finding.code == base::ErrorCode::tampered;
  }
  if (!report.findings.empty()) {
    session.exit_code = tampered ? 3 : report.lacking > 0 ? 4 : 1;
  }
  base::Json unproven = base::Json::array();
  for (const auto& [generation, advice] : report.unproven) {
    unproven.push_back(generation_json(generation));
    unproven.back()["advice"] = advice;
    text +=
        fmt::format("note  generation {} (bundle {} of channel '{}') came out of a backup and is unproven, so it is "
                    "not served: {}\n",
                    generation.id, generation.serial, generation.channel.channel, advice);
  }
  text +=
      fmt::format("{} read ({}), {} bad, {} lacking{}\n", base::counted(report.blobs, "blob"),
                  base::format_bytes(report.bytes), report.bad, report.lacking,
                  unproven.empty() ? "" : fmt::format(", {} unproven", base::counted(unproven.size(), "generation")));
  if (report.bad > 0) {
    text +=
        repair ? fmt::format("{} were forgotten; import the newest bundle again, which brings them\n", report.forgotten)
               : "`airlock store check --repair` forgets them, and the next import of a bundle brings them again\n";
  }
  if (report.bad + report.lacking > 0) {
    text += "`airlock bundle import --salvage BUNDLE` takes them from bundles or volumes of any age\n";
  }
  session.answer({{"ok", report.findings.empty()},
                  {"findings", std::move(findings)},
                  {"unproven", std::move(unproven)},
                  {"blobs", report.blobs},
                  {"bytes", report.bytes},
                  {"lacking", report.lacking},
                  {"forgotten", report.forgotten}},
                 text);
}

void receipt(Session& session, const std::string& path) {
  require_replaceable(path, "receipt", [](const std::filesystem::path& file) {
    workflow::read_receipt(file);
    return true;
  });
  const store::StateDb state(session.home.root, store::StateDb::Access::read);
  const auto made = workflow::make_receipt(state, session.clock->now());
  workflow::write_receipt_file(made, path);
  session.answer({{"receipt", path}, {"blobs", made.blobs.size()}, {"blobs_sha256", made.blobs_digest.hex()}},
                 fmt::format("{}: {}; carry it back, `airlock bundle create --base` leaves them out\n", path,
                             base::counted(made.blobs.size(), "blob")));
}

void add_generation_commands(CLI::App& store, Session& session) {
  struct Ids {
    std::uint64_t first = 0, second = 0;
    std::optional<std::uint64_t> back;
    store::ChannelKey channel;
    bool withheld = false;
    RemarkFlags remark;
  };
  auto ids = std::make_shared<Ids>();

  auto* list_command = store.add_subcommand("list", "Generations, newest first, and which are served");
  list_command->add_flag("--withheld", ids->withheld, "Instead, what this site withholds, since when and why");
  list_command->footer("Examples:\n  airlock store list\n  airlock store list --withheld");
  list_command->callback([&session, ids] {
    if (ids->withheld) {
      show_withheld(session);
    } else {
      list(session);
    }
  });

  auto* diff_command = store.add_subcommand("diff", "What changed between two generations");
  diff_command->add_option("BEFORE", ids->first, "A generation")->required();
  diff_command->add_option("AFTER", ids->second, "Another")->required();
  diff_command->footer("Example:\n  airlock store diff 3 4");
  diff_command->callback([&session, ids] { diff(session, ids->first, ids->second); });

  auto* activate = store.add_subcommand("activate", "Serve this generation of its channel");
  activate->add_option("GENERATION", ids->first, "From `airlock store list`")->required();
  add_remark_flags(*activate, ids->remark);
  activate->footer("Example:\n  airlock store activate 4");
  activate->callback([&session, ids] {
    answer_activation(session,
                      workflow::activate_generation(session.home, ids->first, *session.clock, ids->remark.remark()));
  });

  auto* off = store.add_subcommand("deactivate", "Take a channel out of service: nothing of it is served any more");
  off->add_option("CHANNEL", ids->channel.channel, "As `airlock status` names it")->required();
  off->add_option("--producer", ids->channel.producer, "The first digits of its producer, where several have one")
      ->type_name("HEX");
  add_remark_flags(*off, ids->remark);
  off->footer("Example:\n  airlock store deactivate site-a --reason 'moved to site-b' --ticket CHG-31\n\n"
              "It stays so, whatever is imported of it, until `airlock store activate` of one of its generations.");
  off->callback([&session, ids] { deactivate(session, ids->channel, ids->remark.remark()); });

  auto* rollback = store.add_subcommand("rollback", "Serve an earlier generation again");
  rollback->add_option("GENERATION", ids->back, "Without it, the older one that was served last");
  add_remark_flags(*rollback, ids->remark);
  rollback->footer(
      "Examples:\n  airlock store rollback\n  airlock store rollback 3 --reason 'app 4.2 fails' --ticket INC-812");
  rollback->callback([&session, ids] {
    answer_activation(session, workflow::roll_back(session.home, ids->back, *session.clock, ids->remark.remark()));
  });
}

void add_care_commands(CLI::App& store, Session& session) {
  struct Flags {
    std::optional<std::uint64_t> keep;
    bool dry_run = false, repair = false, scan = false;
    std::string output;
    RemarkFlags remark;
  };
  auto flags = std::make_shared<Flags>();

  auto* sweep_command = store.add_subcommand("sweep", "Free what no kept generation needs; works on a full disk too");
  sweep_command->add_option("--keep", flags->keep, "Generations of each channel that stay (setting keep_generations)")
      ->type_name("N");
  sweep_command->add_flag("--dry-run", flags->dry_run, "Only say what would go");
  add_remark_flags(*sweep_command, flags->remark);
  sweep_command->footer("Example:\n  airlock store sweep --keep 3 --dry-run");
  sweep_command->callback([&session, flags] { sweep(session, flags->keep, flags->dry_run, flags->remark.remark()); });

  auto* check_command = store.add_subcommand("check", "Read and hash every blob again");
  check_command->add_flag("--repair", flags->repair, "Forget what is damaged, so that the next import brings it again");
  auto* scan_flag = check_command->add_flag("--scan", flags->scan,
                                            "Instead, show everything that is served to the site's scanner again");
  check_command->get_option("--repair")->excludes(scan_flag);
  check_command->footer("Example:\n  airlock store check\n  airlock store check --scan");
  check_command->callback([&session, flags] {
    if (flags->scan) {
      check_with_scanner(session);
    } else {
      check(session, flags->repair);
    }
  });

  auto* receipt_command = store.add_subcommand("receipt", "What is here, as a file to carry back");
  receipt_command->add_option("-o,--output", flags->output, "Where to")->type_name("FILE")->required();
  receipt_command->footer("Example:\n  airlock store receipt -o site-a.receipt.json");
  receipt_command->callback([&session, flags] { receipt(session, flags->output); });
}

}  // namespace

void add_store_commands(CLI::App& app, Session& session) {
  auto* store = app.add_subcommand("store", "What was taken in: generations, space, receipts");
  add_generation_commands(*store, session);
  add_care_commands(*store, session);
  add_who_command(*store, session);
  add_scans_command(*store, session);
  store->footer("Example:\n  airlock store list");
  add_home_commands(app, session);
}

}  // namespace airlock::cli
