#include "cli/new_keys.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/keys_output.hpp"
#include "trust/fips.hpp"
#include "workflow/key_pair_files.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

constexpr const char* k_root_key_folder = "airlock-root-key";  // below the folder that this runs in
constexpr std::size_t k_least_passphrase = 8;                  // bytes

}  // namespace

std::optional<base::Secret> new_passphrase(Session& session, const PassphraseFlags& flags, bool no_passphrase) {
  const bool given = !flags.file.empty() || flags.descriptor >= 0;
  if (no_passphrase) {
    if (given) {
      throw Error(ErrorCode::usage, "--no-passphrase and a passphrase exclude each other");
    }
    protect_secrets();
    return std::nullopt;
  }
  std::optional<base::Secret> secret;
  if (given || !session.terminal) {
    if (!given && std::getenv("CREDENTIALS_DIRECTORY") == nullptr) {
      throw Error(ErrorCode::usage, "new keys need a passphrase, and there is no terminal to ask on")
          .with_hint("give --passphrase-file F, --passphrase-fd N, or --no-passphrase to leave the keys unencrypted");
    }
    secret = flags.read(session, true);
  } else {
    protect_secrets();
    secret = session.ask_secret("Passphrase for the new signing keys:", "--passphrase-file F");
    if (!base::constant_time_equal(secret->reveal(), session.ask_secret("The same again:", "").reveal())) {
      throw Error(ErrorCode::usage, "the two passphrases differ; nothing was made");
    }
  }
  if (secret->reveal().size() < k_least_passphrase) {
    throw Error(ErrorCode::usage, fmt::format("a passphrase has at least {} characters", k_least_passphrase));
  }
  return secret;
}

trust::Cadence cadence_named(const std::string& name) {
  const auto cadence = trust::find_cadence(name);
  if (!cadence) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is no cadence", base::printable(name, 40)))
        .with_hint("it is weekly, monthly or quarterly");
  }
  return *cadence;
}

trust::Scheme scheme_of_new_keys(bool fips) {
  return fips || trust::fips_in_force() ? trust::Scheme::ecdsa_p256 : trust::Scheme::ed25519;
}

void add_new_keys_flags(CLI::App& command, NewKeysFlags& flags) {
  const std::string group = "Keys";
  command.add_option("--threshold", flags.threshold, "How many people must approve; as many keys are made")
      ->type_name("K")
      ->group(group);
  command.add_option("--cadence", flags.cadence, "How often bundles travel: weekly, monthly or quarterly")
      ->type_name("WHEN")
      ->group(group);
  command.add_flag("--fips", flags.fips, "ECDSA P-256 instead of Ed25519")->group(group);
  command.add_flag("--split", flags.split, "Keep root's private keys apart from the start")->group(group);
  command
      .add_option("--root-key", flags.root_key_folder, "Folder for root's private keys, with --split; airlock-root-key")
      ->type_name("DIR")
      ->group(group);
  command.add_flag("--no-passphrase", flags.no_passphrase, "Leave the private keys unencrypted")->group(group);
  add_passphrase_flags(command, flags.passphrase);
}

workflow::KeysInitReport make_keys(Session& session, const NewKeysFlags& flags) {
  workflow::KeysInitOptions options;
  options.name = flags.name;
  options.threshold = flags.threshold;
  options.cadence = cadence_named(flags.cadence);
  options.scheme = scheme_of_new_keys(flags.fips);
  for (const auto& file : flags.root_holders) {
    options.holders["root"].push_back(workflow::read_public_key(file));
  }
  for (const auto& file : flags.approvers) {
    options.holders["snapshot"].push_back(workflow::read_public_key(file));
  }
  if (!flags.split && !flags.root_key_folder.empty()) {
    throw Error(ErrorCode::usage, "--root-key names a folder for root's private keys, and without --split they stay in "
                                  "the home")
        .with_hint("add --split, or leave --root-key out");
  }
  if (flags.split) {
    options.root_key_folder =
        std::filesystem::absolute(flags.root_key_folder.empty() ? k_root_key_folder : flags.root_key_folder);
  }
  if (workflow::has_keys(session.home)) {
    // Said before a passphrase is asked for in vain.
    return workflow::init_keys(session.home, options, *session.clock);
  }
  options.passphrase = new_passphrase(session, flags.passphrase, flags.no_passphrase);
  auto report = workflow::init_keys(session.home, options, *session.clock);
  if (!report.encrypted) {
    session.reporter->warning("the private keys are not encrypted: whoever reads the home can sign bundles");
  }
  return report;
}

std::string new_keys_text(const workflow::KeysInitReport& report, const NewKeysFlags& flags) {
  std::string text = fmt::format("keys made; the root is valid until {}\nfingerprint, for paper:\n{}", report.expires,
                                 paper_lines(report.fingerprint));
  if (report.pending) {
    return text + progress_text(*report.pending);
  }
  text += fmt::format("public root: {}\n", report.root.string());
  if (flags.threshold > 1 && flags.root_holders.empty()) {
    text +=
        fmt::format("root needs all {0} of its {0} keys: once one is lost, no key can ever be replaced. Keep a copy "
                    "of each apart, or add one more: airlock keys add root NAME.pub.json --threshold {0}\n",
                    flags.threshold);
  }
  if (flags.split) {
    text += fmt::format(
        "root's private key: {}\n  move it to a medium that is locked away; bundles are signed without it\n",
        report.private_keys.front().parent_path().string());
  }
  if (flags.threshold > 1 && flags.approvers.empty()) {
    text += fmt::format("{} people must approve: give each further person one of the files snapshot-N.pem in {}, and "
                        "remove it here\n",
                        flags.threshold, report.root.parent_path().string());
  }
  return text;
}

}  // namespace airlock::cli
