// `block` and `unblock`: what this site does not serve.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/session.hpp"
#include "cli/table.hpp"
#include "store/state_db.hpp"
#include "workflow/block.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;
using base::Json;

struct BlockFlags {
  std::string item, reason, ticket;
  bool list = false;
};

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
                       {"since", base::to_rfc3339(one.since)}});
    table.add({base::printable(one.item), fmt::format("producer of {}", one.channel.channel),
               base::to_rfc3339(one.since), base::printable(one.reason), ""});
  }
  session.answer({{"blocked", std::move(blocked)}, {"revoked", std::move(revoked)}},
                 table.empty() ? "nothing is blocked or revoked\n" : table.text());
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
  if (report.files == 0) {
    text += "nothing of it is active here now; it holds for what is imported later, too\n";
  }
  session.answer({{"item", report.item}, {"files", report.files}, {"some", report.some}, {"catalog", report.catalog}},
                 text);
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
  auto* unblock = app.add_subcommand("unblock", "Serve again what `block` stopped");
  unblock->add_option("ITEM", off->item, "As `airlock block --list` shows it")->required();
  unblock->add_option("--reason", off->reason, "Why; kept in the audit log")->type_name("TEXT");
  unblock->add_option("--ticket", off->ticket, "Of your own records; kept in the audit log")->type_name("ID");
  unblock->footer("Example:\n  airlock unblock npm:left-pad@1.3.0 --reason \"a false alarm\"");
  unblock->callback([&session, off] {
    answer(session, workflow::unblock_item(session.home, off->item, off->reason, off->ticket, *session.clock),
           "not blocked any more");
  });
}

}  // namespace airlock::cli
