// `airlock keys restore`: a new home in the place of one that is gone.
#include <algorithm>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/fingerprint.hpp"
#include "cli/keys_change.hpp"
#include "cli/keys_output.hpp"
#include "cli/new_keys.hpp"
#include "workflow/key_restore.hpp"

namespace airlock::cli {

namespace {

struct KeyRestoreFlags {
  workflow::KeyRestoreOptions options;
  std::string bundle, cadence = "monthly";
  std::optional<std::string> fingerprint;
  std::vector<std::string> private_keys;
  PassphraseFlags passphrase;
};

void restore_keys(Session& session, KeyRestoreFlags& flags) {
  auto& options = flags.options;
  options.bundle = flags.bundle;
  options.private_keys = {flags.private_keys.begin(), flags.private_keys.end()};
  options.cadence = cadence_named(flags.cadence);
  if (flags.fingerprint) {
    options.fingerprint = parse_fingerprint(*flags.fingerprint);
  }
  const bool encrypted = std::ranges::any_of(options.private_keys, trust::private_key_is_encrypted);
  options.passphrase = flags.passphrase.read(session, encrypted);
  const auto report = workflow::restore_keys(session.home, options);
  if (!flags.fingerprint) {
    session.reporter->warning("compare the fingerprint of the first root with paper: anyone can make a bundle");
  }
  base::Json files = base::Json::array();
  for (const auto& file : report.private_keys) {
    files.push_back(file.string());
  }
  std::string text = fmt::format("root version {} and those before it are here\nfingerprint of the first:\n{}",
                                 report.root_version, paper_lines(report.first_fingerprint));
  if (!report.missing.empty()) {
    text += fmt::format("no private key is here for: {}\nnext: airlock keys rotate ROLE, for each that is lost\n",
                        base::join(report.missing, ", "));
  }
  session.answer({{"root_version", report.root_version},
                  {"first_fingerprint", report.first_fingerprint},
                  {"fingerprint", report.newest_fingerprint},
                  {"channel", report.channel},
                  {"serial", report.serial},
                  {"private_keys", files},
                  {"missing", report.missing}},
                 text +
                     fmt::format("then, with the newest bundle of each channel that was ever written: airlock bundle "
                                 "create … --continue {}\n",
                                 flags.bundle));
}

}  // namespace

void add_keys_restore_command(CLI::App& keys, Session& session) {
  auto* command = keys.add_subcommand("restore", "Begin a new home in the place of one that is gone");
  auto flags = std::make_shared<KeyRestoreFlags>();
  command->add_option("BUNDLE", flags->bundle, "The newest bundle or head that is left; it holds every root")
      ->required();
  command->add_option("--key", flags->private_keys, "Backup of a private key, taken in; may be repeated")
      ->type_name("FILE");
  command->add_option("--fingerprint", flags->fingerprint, "Of the first root, from paper")->type_name("HEX");
  command->add_option("--name", flags->options.name, "Who signs, for people")->type_name("NAME");
  command->add_option("--cadence", flags->cadence, "How often bundles travel: weekly, monthly or quarterly")
      ->type_name("WHEN")
      ->capture_default_str();
  add_passphrase_flags(*command, flags->passphrase);
  command->footer(
      "Example:\n  airlock keys restore site-a-7.airlock --fingerprint '3f9a 01c2 …' --key backup/targets.pem");
  command->callback([&session, flags] { restore_keys(session, *flags); });
}

}  // namespace airlock::cli
