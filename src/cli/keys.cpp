// `airlock keys`: making and showing the signing set of a home, and single keys for its holders.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/keys_change.hpp"
#include "cli/keys_output.hpp"
#include "cli/new_keys.hpp"
#include "cli/session.hpp"
#include "workflow/key_pair_files.hpp"
#include "workflow/keys.hpp"
#include "workflow/named_keys.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

void init(Session& session, const NewKeysFlags& flags) {
  const auto report = make_keys(session, flags);
  base::Json files = base::Json::array();
  for (const auto& file : report.private_keys) {
    files.push_back(file.string());
  }
  base::Json answer = {
      {"fingerprint", report.fingerprint}, {"root", report.root.string()}, {"expires", report.expires},
      {"encrypted", report.encrypted},     {"private_keys", files},        {"complete", !report.pending}};
  if (report.pending) {
    answer["pending"] = progress_json(*report.pending);
  }
  session.answer(std::move(answer),
                 new_keys_text(report, flags) +
                     (report.pending ? "" : "next: airlock trust export -o root.json, and hand it over\n"));
}

void show(Session& session) {
  if (!workflow::has_keys(session.home)) {
    if (const auto first = workflow::pending_root(session.home)) {
      session.answer({{"root_version", 0}, {"pending", progress_json(*first)}},
                     progress_text(*first, workflow::known_names(session.home)));
      return;
    }
  }
  const auto report = workflow::show_keys(session.home);
  const auto now = session.clock->now();
  session.answer(keys_json(report, now), keys_text(report, now, workflow::known_names(session.home)));
}

struct NewKeyFlags {
  workflow::KeyPairOptions options;
  std::string output;
  bool fips = false, no_passphrase = false;
  PassphraseFlags passphrase;
};

void make_one(Session& session, NewKeyFlags& flags) {
  flags.options.private_key = flags.output.empty() ? flags.options.role + ".pem" : flags.output;
  flags.options.scheme = scheme_of_new_keys(flags.fips);
  flags.options.passphrase = new_passphrase(session, flags.passphrase, flags.no_passphrase);
  const auto report = workflow::make_key_pair(flags.options);
  session.answer({{"keyid", report.keyid},
                  {"role", flags.options.role},
                  {"private_key", report.private_key.string()},
                  {"public_key", report.public_key.string()},
                  {"encrypted", flags.options.passphrase.has_value()}},
                 fmt::format("private key, which stays here: {}\npublic key, to carry: {}\nits id, for paper:\n{}",
                             report.private_key.string(), report.public_key.string(), paper_lines(report.keyid)));
}

void add_new(CLI::App& keys, Session& session) {
  auto* command = keys.add_subcommand("new", "Make one key pair for one role, on its holder's machine");
  auto flags = std::make_shared<NewKeyFlags>();
  command->add_option("--role", flags->options.role, "root, snapshot (to approve), targets or timestamp")
      ->type_name("ROLE")
      ->required();
  command->add_option("-o,--output", flags->output, "The private key; its public half is written beside it")
      ->type_name("FILE.pem");
  command->add_option("--name", flags->options.name, "Whose it is, for people")->type_name("NAME");
  command->add_flag("--fips", flags->fips, "ECDSA P-256 instead of Ed25519")->group("Keys");
  command->add_flag("--no-passphrase", flags->no_passphrase, "Leave the private key unencrypted")->group("Keys");
  add_passphrase_flags(*command, flags->passphrase);
  command->footer("Example:\n  airlock keys new --role snapshot --name Anna -o anna.pem\n\nIt needs no home. Hand over "
                  "anna.pub.json, and read its id out from paper: the other\nside adds it with `airlock keys add "
                  "snapshot anna.pub.json`.");
  command->callback([&session, flags] { make_one(session, *flags); });
}

}  // namespace

void add_keys_commands(CLI::App& app, Session& session) {
  auto* keys = app.add_subcommand("keys", "The keys that sign this host's bundles");
  keys->footer("Example:\n  airlock keys init --name \"Build host\" --cadence monthly");

  auto* make = keys->add_subcommand("init", "Make the trust root and a signing set in the home");
  auto flags = std::make_shared<NewKeysFlags>();
  add_new_keys_flags(*make, *flags);
  make->add_option("--name", flags->name, "Who signs, for people who look at the keys")->type_name("NAME");
  make->add_option("--root", flags->root_holders, "Public key of a holder of root, who made it; may be repeated")
      ->type_name("PUBLIC")
      ->group("Keys");
  make->add_option("--approver", flags->approvers, "Public key of an approver, who made it; may be repeated")
      ->type_name("PUBLIC")
      ->group("Keys");
  make->footer("Examples:\n"
               "  airlock keys init                                   one person, asked for a passphrase\n"
               "  airlock keys init --threshold 2 --split             two people approve; root's keys elsewhere\n"
               "  airlock keys init --threshold 2 --root anna.pub.json --root ben.pub.json --root carl.pub.json \\\n"
               "    --approver anna-approves.pub.json --approver ben-approves.pub.json\n"
               "                                                      every person's keys made where the person is\n"
               "  airlock keys init --no-passphrase --json            for a pipeline with a guarded disk");
  make->callback([&session, flags] { init(session, *flags); });

  auto* list = keys->add_subcommand("show", "Roles, keys, thresholds and expiry; which private keys are here");
  list->footer("Example:\n  airlock keys show");
  list->callback([&session] { show(session); });
  add_new(*keys, session);
  add_keys_change_commands(*keys, session);
  add_keys_restore_command(*keys, session);
}

}  // namespace airlock::cli
