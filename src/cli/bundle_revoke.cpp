// `bundle revoke`: what was sent is taken back, on the near side.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/key_access.hpp"
#include "cli/new_keys.hpp"
#include "cli/session.hpp"
#include "model/item.hpp"
#include "workflow/revoke.hpp"

namespace airlock::cli {

namespace {

using base::Json;

struct RevokeFlags {
  std::vector<std::string> items;
  std::string reason, channel, output, continue_from;
  PassphraseFlags passphrase;
};

Json revoke_json(const workflow::RevokeReport& report) {
  Json added = Json::array();
  for (const auto& revoked : report.added) {
    added.push_back({{"item", revoked.item}, {"reason", revoked.reason}});
  }
  Json files = Json::array();
  for (const auto& file : report.others) {
    files.push_back(file.string());
  }
  return {{"channel", report.channel},
          {"serial", report.serial},
          {"bundle", report.bundle.string()},
          {"bundle_id", report.bundle_id},
          {"files", files},
          {"kind", "metadata"},
          {"added", added},
          {"revoked", report.revoked},
          {"files_revoked", report.files},
          {"sealed", report.sealed},
          {"continued", report.continued},
          {"approvals", report.approvals},
          {"threshold", report.threshold},
          {"bytes", report.bytes},
          {"read_back", report.read_back}};
}

std::string revoke_text(const workflow::RevokeReport& report) {
  std::string text =
      fmt::format("{}\n  bundle    '{}' {}, statements only{}, {}\n", report.bundle.string(), report.channel,
                  report.serial, report.sealed ? ", sealed" : ", draft", base::format_bytes(report.bytes));
  for (const auto& revoked : report.added) {
    text += fmt::format("  revoked   {}{}\n", base::printable(revoked.item),
                        model::Item::parse(revoked.item).is_unversioned() ? ", all versions, also later ones" : "");
  }
  text += fmt::format("  means     {} of the newest state; {} in all\n", base::counted(report.files, "file"),
                      base::counted(report.revoked, "revocation"));
  if (!report.sealed) {
    return text + (report.approvals < report.threshold
                       ? fmt::format("draft: {} of {} people have approved it\nnext: airlock bundle sign {}\n",
                                     report.approvals, report.threshold, report.bundle.string())
                       : fmt::format("next: airlock bundle seal {}\n", report.bundle.string()));
  }
  return text + "next: carry it to every site, and import it there; it takes effect at once\n";
}

}  // namespace

void add_bundle_revoke_command(CLI::App& bundle, Session& session) {
  auto* command =
      bundle.add_subcommand("revoke", "Take back what was sent: the channel's next state, as statements alone");
  auto flags = std::make_shared<RevokeFlags>();
  command->add_option("ITEM", flags->items, "A digest, a package URL, or ECOSYSTEM:NAME[@VERSION]")->required();
  command->add_option("--reason", flags->reason, "Why; travels along, and clients are told it")
      ->type_name("TEXT")
      ->required();
  command->add_option("--channel", flags->channel, "Whose; needed where this home has several")->type_name("NAME");
  command->add_option("--continue", flags->continue_from, "Last head of a channel, where this home does not know it")
      ->type_name("HEAD");
  command->add_option("-o,--output", flags->output, "DIR/ for the whole set to carry, FILE for the bundle alone")
      ->type_name("PATH");
  add_passphrase_flags(*command, flags->passphrase);
  command->footer("Examples:\n"
                  "  airlock bundle revoke pkg:npm/left-pad@1.3.0 --reason \"malicious release\" -o /media/stick/\n"
                  "  airlock bundle revoke sha256:9f86… --reason CVE-2026-1234 --channel site-a -o out/");
  command->callback([&session, flags] {
    workflow::RevokeOptions options;
    options.items = flags->items;
    options.reason = flags->reason;
    options.channel = flags->channel;
    options.output = flags->output;
    if (!flags->continue_from.empty()) {
      options.continue_from = flags->continue_from;
    }
    const auto keys = open_keys(session, flags->passphrase);
    const auto report = workflow::revoke(session.home, options, *keys, *session.clock, *session.reporter);
    session.answer(revoke_json(report), revoke_text(report));
  });
}

}  // namespace airlock::cli
