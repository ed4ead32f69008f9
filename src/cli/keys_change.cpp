// `airlock keys add|rotate|revoke|renew|threshold|sign|accept|abandon`: from one root to the next.
#include "cli/keys_change.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "cli/key_access.hpp"
#include "cli/keys_output.hpp"
#include "cli/new_keys.hpp"
#include "trust/fips.hpp"
#include "workflow/key_pair_files.hpp"
#include "workflow/key_restore.hpp"
#include "workflow/keys.hpp"
#include "workflow/named_keys.hpp"
#include "workflow/root_change.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;
using workflow::RootChange;

struct ChangeFlags {
  RootChange::Kind kind = RootChange::Kind::renew;
  std::string role, keyid, reason, public_key, cadence, scheme;
  std::uint64_t threshold = 0;  // 0: not given
  std::vector<std::string> root_keys, signer_command;
  std::string root_passphrase_file;
  std::uint64_t signer_timeout = 120;  // seconds
  bool amend = false, fips = false, new_passphrase = false, no_passphrase = false;
  PassphraseFlags passphrase;
};

std::optional<trust::SignerCommand> command_of(const ChangeFlags& flags) {
  if (flags.signer_command.empty()) {
    return std::nullopt;
  }
  return trust::SignerCommand{.argv = flags.signer_command, .timeout = std::chrono::seconds(flags.signer_timeout)};
}

RootChange change_of(const ChangeFlags& flags) {
  RootChange change;
  change.kind = flags.kind;
  change.role = flags.role;
  change.keyid = flags.keyid;
  change.reason = flags.reason;
  if (!flags.public_key.empty()) {
    change.key = workflow::read_public_key(flags.public_key);
  }
  if (flags.threshold > 0) {
    change.threshold = flags.threshold;
  }
  change.command = command_of(flags);
  if (flags.fips || trust::fips_in_force()) {
    change.scheme = trust::Scheme::ecdsa_p256;
  }
  if (change.command && !change.key) {
    throw Error(ErrorCode::usage, "--signer-command says how the key of a file is reached, and none is named")
        .with_hint("give its public half with --key, as the token or `openssl pkey -pubout` writes it");
  }
  return change;
}

// A key that is made here has the passphrase of the home's others, unless there is none or nobody knows it.
void read_passphrases(Session& session, const ChangeFlags& flags, const RootChange& change,
                      workflow::RootAccess& access) {
  const bool wishes = flags.new_passphrase || flags.no_passphrase;
  if (wishes && !workflow::makes_key(change)) {
    throw Error(ErrorCode::usage, "no private key is made here, so there is none to give a passphrase to")
        .with_hint("the passphrase of a key that comes with --key is given where that key is made: airlock keys new");
  }
  if (!flags.root_passphrase_file.empty()) {
    access.root_passphrase = PassphraseFlags{.file = flags.root_passphrase_file}.read(session, true);
  }
  const bool has_keys = workflow::has_private_keys(session.home);
  if (workflow::makes_key(change) && (flags.new_passphrase || !has_keys)) {
    access.new_key = workflow::NewKeyPassphrase{new_passphrase(session, flags.passphrase, flags.no_passphrase)};
    if (!access.root_passphrase && workflow::any_root_key_is_encrypted(access.root_keys)) {
      const bool asks = session.terminal && flags.passphrase.file.empty() && flags.passphrase.descriptor < 0;
      access.root_passphrase =
          asks ? session.ask_secret("Passphrase of root's key:", "--root-passphrase-file F") : access.new_key->secret;
    }
    return;
  }
  auto of_new_key = workflow::PassphraseOfNewKey::as_the_others;
  if (flags.no_passphrase) {
    protect_secrets();
    access.new_key = workflow::NewKeyPassphrase{};  // the home's keys are opened all the same
    of_new_key = workflow::PassphraseOfNewKey::its_own;
  }
  const auto with = access.root_passphrase ? std::vector<std::filesystem::path>() : access.root_keys;
  access.passphrase =
      flags.passphrase.read(session, workflow::root_change_needs_passphrase(session.home, change, with, of_new_key));
}

// Where the private half of a key goes that the build host is to sign with.
std::string place_text(const Session& session, const RootChange& change) {
  if (!change.key || change.command || (change.role != "targets" && change.role != "timestamp")) {
    return "";
  }
  return fmt::format(
      "its private half: into {0} as {1}.pem or {1}-NAME.pem, such as {1}-{2}.pem, mode 0600; or where a command "
      "reaches it: airlock keys signer {3} -- COMMAND\n",
      session.home.keys().string(), change.role, change.key->key.keyid().substr(0, 8),
      change.key->key.keyid().substr(0, workflow::k_keyid_shown));
}

void run_change(Session& session, const ChangeFlags& flags) {
  static_cast<void>(workflow::read_own_roots(session.home));  // says what to do where there are no keys
  const RootChange change = change_of(flags);
  workflow::RootAccess access;
  access.root_keys = {flags.root_keys.begin(), flags.root_keys.end()};
  access.amend = flags.amend;
  access.show = show_on(session);
  if (!flags.cadence.empty()) {
    cadence_named(flags.cadence);
    access.cadence = flags.cadence;
  }
  read_passphrases(session, flags, change, access);
  const auto progress = workflow::change_root(session.home, change, access, *session.clock);
  session.answer(progress_json(progress),
                 progress_text(progress, workflow::known_names(session.home)) + place_text(session, change));
}

void add_change_flags(CLI::App& command, ChangeFlags& flags) {
  command.add_option("--reason", flags.reason, "Why, for those who sign and for later; kept with the root")
      ->type_name("TEXT");
  command.add_option("--root-key", flags.root_keys, "Private key of root that is not in the home, or the folder of it")
      ->type_name("PATH")
      ->group("Keys");
  command
      .add_option("--root-passphrase-file", flags.root_passphrase_file,
                  "Passphrase of --root-key, where it is not that of the home's keys")
      ->type_name("FILE")
      ->group("Keys");
  command.add_flag("--amend", flags.amend, "Change a pending root although others have signed it; they sign anew")
      ->group("Keys");
  add_passphrase_flags(command, flags.passphrase);
}

void add_command_flags(CLI::App& command, ChangeFlags& flags) {
  command
      .add_option("--signer-command", flags.signer_command,
                  "The key is reached by this command: program, then each argument with the flag again")
      ->type_name("ARG")
      ->group("Keys");
  command.add_option("--signer-timeout", flags.signer_timeout, "Seconds that it may take for one signature")
      ->type_name("N")
      ->capture_default_str()
      ->group("Keys");
}

CLI::App* add_change(CLI::App& keys, Session& session, const std::string& name, const std::string& help,
                     RootChange::Kind kind, const std::function<void(CLI::App&, ChangeFlags&)>& add_own) {
  auto* command = keys.add_subcommand(name, help);
  auto flags = std::make_shared<ChangeFlags>();
  flags->kind = kind;
  add_own(*command, *flags);
  add_change_flags(*command, *flags);
  command->callback([&session, flags] { run_change(session, *flags); });
  return command;
}

void add_changes(CLI::App& keys, Session& session) {
  add_change(keys, session, "add", "Let another key sign for a role", RootChange::Kind::add,
             [](CLI::App& command, ChangeFlags& flags) {
               command.add_option("ROLE", flags.role, "root, snapshot, targets or timestamp")->required();
               command.add_option("PUBLIC", flags.public_key, "Its public half: NAME.pub.json, or PEM")->required();
               command.add_option("--threshold", flags.threshold, "How many of the role must sign from now on")
                   ->type_name("K");
               add_command_flags(command, flags);
             })
      ->footer("Examples:\n"
               "  airlock keys add snapshot anna.pub.json --threshold 2\n"
               "  airlock keys add root third.pub.json --root-key /media/safe/ --reason 'a third holder'\n"
               "  airlock keys add targets token.pem --signer-command openssl --signer-command dgst \\\n"
               "    --signer-command=-sha256 --signer-command=-sign --signer-command /etc/airlock/build.key");
  add_change(keys, session, "rotate", "Put a new key in the place of one", RootChange::Kind::rotate,
             [](CLI::App& command, ChangeFlags& flags) {
               command.add_option("ROLE", flags.role, "root, snapshot, targets or timestamp")->required();
               command
                   .add_option("--key", flags.public_key, "Public half of the new one; without it, one is made here")
                   ->type_name("PUBLIC");
               command.add_flag("--fips", flags.fips, "The one that is made here is for ECDSA P-256")->group("Keys");
               command
                   .add_flag("--new-passphrase", flags.new_passphrase,
                             "That of the home is forgotten: the one that is made here gets another")
                   ->group("Keys");
               command.add_flag("--no-passphrase", flags.no_passphrase, "Leave the one that is made here unencrypted")
                   ->group("Keys");
               command.add_option("--replace", flags.keyid, "The key that goes, where the role has several")
                   ->type_name("KEYID");
               command.add_option("--threshold", flags.threshold, "How many of the role must sign from now on")
                   ->type_name("K");
               add_command_flags(command, flags);
             })
      ->footer("Examples:\n"
               "  airlock keys rotate timestamp\n"
               "  airlock keys rotate snapshot --replace 3f9a01c2 --key ben-2027.pub.json\n"
               "  airlock keys rotate targets --new-passphrase --reason 'passphrase forgotten'");
  add_change(keys, session, "revoke", "Let a key sign no more: lost, stolen, or its holder has left",
             RootChange::Kind::revoke,
             [](CLI::App& command, ChangeFlags& flags) {
               command.add_option("KEYID", flags.keyid, "At least 8 digits of it")->required();
               command.add_option("--threshold", flags.threshold, "How many of its role must sign from now on")
                   ->type_name("K");
             })
      ->footer("Example:\n  airlock keys revoke 3f9a01c2 --reason 'the notebook was stolen'");
  add_change(keys, session, "renew", "The same keys for another root's lifetime", RootChange::Kind::renew,
             [](CLI::App& command, ChangeFlags& flags) {
               command.add_option("--cadence", flags.cadence, "How often bundles travel: weekly, monthly or quarterly")
                   ->type_name("WHEN");
             })
      ->footer("Example:\n  airlock keys renew --root-key /media/safe/root.pem");
  add_change(keys, session, "threshold", "Set how many of a role must sign", RootChange::Kind::threshold,
             [](CLI::App& command, ChangeFlags& flags) {
               command.add_option("ROLE", flags.role, "root, snapshot, targets or timestamp")->required();
               command.add_option("K", flags.threshold, "How many")->required()->check(CLI::PositiveNumber);
             })
      ->footer("Example:\n  airlock keys threshold snapshot 2");
}

struct RootSignFlags {
  std::string root, against, output;
  bool yes = false;
  SignerFlags signer;
};

void sign(Session& session, const RootSignFlags& flags) {
  const auto root = workflow::read_root_to_sign(flags.root, flags.against);
  session.reporter->say(root.review);
  const auto signer = open_signer(session, flags.signer, "root");
  if (!flags.yes && session.asks_before_signing()) {
    const auto answer = session.ask("Sign this root? [y/N]", "--yes");
    if (answer != "y" && answer != "Y" && answer != "yes") {
      throw Error(ErrorCode::interrupted, "nothing was signed");
    }
  }
  const auto signature = workflow::sign_root(root, *signer);
  const std::string output = flags.output.empty()
                                 ? fmt::format("{}.root.{}.sig.json", signature.version, signature.keyid.substr(0, 8))
                                 : flags.output;
  if (std::error_code ignored; std::filesystem::exists(output, ignored)) {
    throw Error(ErrorCode::conflict, fmt::format("{} exists already", output)).with_hint("name another file with -o");
  }
  base::write_file_atomic(output, to_text(signature));
  session.answer({{"signature", output},
                  {"keyid", signature.keyid},
                  {"version", signature.version},
                  {"payload_sha256", signature.payload.hex()},
                  {"review", root.review}},
                 fmt::format("{}\nnext: carry it back, and there: airlock keys accept {}\n", output,
                             std::filesystem::path(output).filename().string()));
}

void add_root_sign(CLI::App& keys, Session& session) {
  auto* command = keys.add_subcommand("sign", "Sign a pending root with a key of root, on any machine");
  auto flags = std::make_shared<RootSignFlags>();
  command->add_option("ROOT", flags->root, "The file N.root.json of the folder pending/")->required();
  command->add_option("--against", flags->against, "The root before it; else the one that lies beside it")
      ->type_name("ROOT");
  command->add_option("-o,--output", flags->output, "Where the signature goes; else a name with version and key")
      ->type_name("FILE");
  command->add_flag("--yes", flags->yes, "Do not ask");
  add_signer_flags(*command, flags->signer, "The holder's private key");
  command->footer(
      "Example:\n  airlock keys sign pending/4.root.json --key anna-root.pem -o anna.sig.json\n\nIt needs no "
      "home. What the root changes is told from its bytes, before anything is signed.");
  command->callback([&session, flags] { sign(session, *flags); });
}

struct AcceptFlags {
  std::vector<std::string> signatures;
  std::string keyid;
};

void add_accept(CLI::App& keys, Session& session) {
  auto* command = keys.add_subcommand("accept", "Add signatures from elsewhere to the pending root");
  auto flags = std::make_shared<AcceptFlags>();
  command->add_option("SIGNATURE", flags->signatures, "From `keys sign`, or raw as openssl writes it; one or more")
      ->required();
  command->add_option("--keyid", flags->keyid, "Whose a raw signature is; else every key of root is tried")
      ->type_name("KEYID");
  command->footer("Examples:\n"
                  "  airlock keys accept anna.sig.json ben.sig.json\n"
                  "  airlock keys accept --keyid 3f9a01c2 root.sig");
  command->callback([&session, flags] {
    const auto progress =
        workflow::accept_signatures(session.home, {flags->signatures.begin(), flags->signatures.end()}, flags->keyid);
    if (progress.added == 0) {
      session.reporter->say("every one of these signatures was there already");
    }
    session.answer(progress_json(progress), progress_text(progress, workflow::known_names(session.home)));
  });
}

struct SignerFlags {
  std::string keyid;
  std::vector<std::string> argv;
  std::uint64_t timeout = 120;  // seconds
};

void add_signer(CLI::App& keys, Session& session) {
  auto* command = keys.add_subcommand("signer", "Say by which command a key of the root is reached");
  auto flags = std::make_shared<SignerFlags>();
  command->add_option("KEYID", flags->keyid, "At least 8 digits of it")->required();
  command->add_option("COMMAND", flags->argv, "Program and arguments, behind --")->required();
  command->add_option("--timeout", flags->timeout, "Seconds that it may take for one signature")
      ->type_name("N")
      ->capture_default_str();
  command->footer(
      "Example:\n  airlock keys signer 3f9a01c2 -- /etc/airlock/sign-with-token 9c\n\nThe command gets the "
      "bytes on stdin, AIRLOCK_SIGN_ROLE, _KEYID, _SCHEME, _TYPE, _VERSION and\n_SHA256 in its environment, "
      "and writes the raw signature to stdout. It is tried once.");
  command->callback([&session, flags] {
    const auto keyid = workflow::set_signer_command(
        session.home, flags->keyid, {.argv = flags->argv, .timeout = std::chrono::seconds(flags->timeout)},
        show_on(session));
    session.answer({{"keyid", keyid}, {"command", flags->argv}},
                   fmt::format("key {} signs by this command; it was tried and works\n", keyid));
  });
}

void add_abandon(CLI::App& keys, Session& session) {
  auto* command = keys.add_subcommand("abandon", "Drop the pending root; the one before it stays");
  command->footer("Example:\n  airlock keys abandon");
  command->callback([&session] {
    const auto progress = workflow::abandon_root(session.home);
    std::string text = fmt::format("root version {} was dropped\n", progress.version);
    for (const auto& file : progress.moved_aside) {
      text += fmt::format("moved aside: {}\n", file.string());
    }
    session.answer(progress_json(progress), text);
  });
}

}  // namespace

void add_keys_change_commands(CLI::App& keys, Session& session) {
  add_changes(keys, session);
  add_root_sign(keys, session);
  add_accept(keys, session);
  add_abandon(keys, session);
  add_signer(keys, session);
}

}  // namespace airlock::cli
