// `block` and `unblock`: what this site does not serve.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/session.hpp"
#include "cli/table.hpp"
#include "model/item.hpp"
#include "store/state_db.hpp"
#include "workflow/block.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;

struct BlockFlags {
  std::string item, reason, ticket, channel;
  bool list = false, revoked = false;
};

Json override_json(const std::optional<store::RevocationOverride>& one) {
  return one ? Json{{"reason", one->reason},
                    {"ticket", one->ticket},
                    {"user", one->user},
                    {"since", base::to_rfc3339(one->since)}}
             : Json();
}

void list_blocks(Session& session) {
  const store::StateDb state(session.home.root, store::StateDb::Access::read);
  Json blocked = Json::array();
  Json revoked = Json::array();
  Table table({"what", "by", "since", "reason", "ticket"});
  for (const auto& block : state.blocks()) {
    blocked.push_back({{"item", block.item},
                       {"reason", block.reason},
                       {"ticket", block.ticket},
                       {"user", block.user},
                       {"since", base::to_rfc3339(block.since)}});
    table.add({base::printable(block.item), base::printable(block.user), base::to_rfc3339(block.since),
               base::printable(block.reason), base::printable(block.ticket)});
  }
  for (const auto& one : state.revoked()) {
    revoked.push_back({{"item", one.item},
                       {"reason", one.reason},
                       {"channel", one.channel.channel},
                       {"producer", one.channel.producer},
                       {"since", base::to_rfc3339(one.since)},
                       {"overridden", override_json(one.overridden)}});
    table.add({base::printable(one.item), fmt::format("producer of {}", one.channel.channel),
               base::to_rfc3339(one.since), base::printable(one.reason), ""});
    if (const auto& over = one.overridden) {
      table.add({base::printable(one.item), fmt::format("SERVED: {}", base::printable(over->user)),
                 base::to_rfc3339(over->since), base::printable(over->reason), base::printable(over->ticket)});
    }
  }
  const bool in_force = store::catalog_is_current(state, session.home.root);
  std::string text = table.empty() ? "nothing is blocked or revoked\n" : table.text();
  if (!in_force) {
    text += "the last change is NOT IN FORCE: its run ended before the catalog was published; run it again\n";
  }
  session.answer({{"blocked", std::move(blocked)}, {"revoked", std::move(revoked)}, {"in_force", in_force}}, text);
}

void answer(Session& session, const workflow::BlockReport& report, std::string_view done) {
  std::string text =
      fmt::format("{} is {}: {}\n", base::printable(report.item), done, base::counted(report.files, "file"));
  for (const auto& one : report.some) {
    text += fmt::format("  {}\n", base::printable(one, 200));
  }
  if (report.files > report.some.size()) {
    text += fmt::format("  and {} more\n", report.files - report.some.size());
  }
  const bool unversioned = model::Item::parse(report.item).is_unversioned();
  if (report.files == 0) {
    text += "nothing of it is active here now; it holds for what is imported later, too\n";
  }
  if (unversioned) {
    text += fmt::format("{} names no version, so this holds for all of them, also those that are imported later\n",
                        base::printable(report.item));
  }
  Json channels = Json::array();
  for (const auto& key : report.channels) {
    channels.push_back({{"channel", key.channel}, {"producer", key.producer}});
  }
  session.answer({{"item", report.item},
                  {"all_versions", unversioned},
                  {"files", report.files},
                  {"some", report.some},
                  {"catalog", report.catalog},
                  {"lacking", report.lacking},
                  {"channels", std::move(channels)}},
                 text);
}

void unblock(Session& session, const BlockFlags& flags) {
  if (!flags.revoked) {
    if (!flags.channel.empty()) {
      throw Error(ErrorCode::usage, "--channel goes with --revoked").with_hint("a block holds for all channels");
    }
    answer(session, workflow::unblock_item(session.home, flags.item, flags.reason, flags.ticket, *session.clock),
           "not blocked any more");
    return;
  }
  const auto report =
      workflow::serve_revoked(session.home, flags.item, flags.channel, {flags.reason, flags.ticket}, *session.clock);
  for (const auto& key : report.channels) {
    session.reporter->warning(fmt::format("the producer of '{}' revoked it, and this site serves it", key.channel));
  }
  if (report.lacking > 0) {
    session.reporter->warning(
        fmt::format("{} of it {} not here, because what is revoked is not taken: import the bundle "
                    "again",
                    base::counted(report.lacking, "file"), report.lacking == 1 ? "is" : "are"));
  }
  answer(session, report, "served although it was revoked");
}

}  // namespace

void add_block_commands(CLI::App& app, Session& session) {
  auto flags = std::make_shared<BlockFlags>();
  auto* block = app.add_subcommand("block", "Stop serving something at once, whoever brings it");
  block->add_option("ITEM", flags->item, "A digest (sha256:…), a package URL, or ECOSYSTEM:NAME[@VERSION]");
  block->add_option("--reason", flags->reason, "Why; clients are told it")->type_name("TEXT");
  block->add_option("--ticket", flags->ticket, "Of your own records; kept in the audit log")->type_name("ID");
  block->add_flag("--list", flags->list, "What is blocked, and what producers revoked");
  block->footer("Examples:\n"
                "  airlock block npm:left-pad@1.3.0 --reason \"under investigation\" --ticket INC-7\n"
                "  airlock block oci:docker.io/library/debian:12 --reason CVE-2026-1234\n"
                "  airlock block --list");
  block->callback([&session, flags] {
    if (flags->list) {
      if (!flags->item.empty()) {
        throw Error(ErrorCode::usage, "--list takes no item");
      }
      list_blocks(session);
      return;
    }
    if (flags->item.empty()) {
      throw Error(ErrorCode::usage, "block needs to know what").with_hint("airlock block ITEM --reason TEXT");
    }
    answer(session, workflow::block_item(session.home, flags->item, flags->reason, flags->ticket, *session.clock),
           "blocked");
  });

  auto off = std::make_shared<BlockFlags>();
  auto* command = app.add_subcommand("unblock", "Serve again what `block` stopped, or what a producer revoked");
  command->add_option("ITEM", off->item, "As `airlock block --list` shows it")->required();
  command->add_flag("--revoked", off->revoked, "Serve it although its producer revoked it; `block ITEM` ends that");
  command->add_option("--channel", off->channel, "With --revoked: only what this channel's producer revoked")
      ->type_name("NAME");
  command->add_option("--reason", off->reason, "Why; kept in the audit log")->type_name("TEXT");
  command->add_option("--ticket", off->ticket, "Of your own records; kept in the audit log")->type_name("ID");
  command->footer("Examples:\n  airlock unblock npm:left-pad@1.3.0 --reason \"a false alarm\"\n"
                  "  airlock unblock pkg:npm/left-pad --revoked --reason \"revoked with stolen keys\" --ticket INC-9");
  command->callback([&session, off] { unblock(session, *off); });
}

}  // namespace airlock::cli
