#include "cli/key_access.hpp"

#include <CLI/CLI.hpp>

#include "base/error.hpp"
#include "trust/command_signer.hpp"
#include "workflow/key_pair_files.hpp"

namespace airlock::cli {

std::unique_ptr<workflow::KeyRing> open_keys(Session& session, const PassphraseFlags& passphrase) {
  return std::make_unique<workflow::KeyRing>(
      session.home, passphrase.read(session, workflow::keys_are_encrypted(session.home)), show_on(session));
}

std::unique_ptr<trust::Signer> open_key(Session& session, const std::filesystem::path& file,
                                        const PassphraseFlags& passphrase) {
  return trust::load_private_key(file, passphrase.read(session, trust::private_key_is_encrypted(file)));
}

void add_signer_flags(CLI::App& command, SignerFlags& flags, const std::string& whose) {
  command.add_option("--key", flags.key, whose)->type_name("FILE");
  command.add_option("--signer-command", flags.signer_command, "Sign by this command, in place of --key")
      ->type_name("ARG")
      ->group("Keys");
  command.add_option("--public", flags.public_key, "The public half of its key, with --signer-command")
      ->type_name("PUBLIC")
      ->group("Keys");
  command.add_option("--signer-timeout", flags.signer_timeout, "Seconds that it may take")
      ->type_name("N")
      ->capture_default_str()
      ->group("Keys");
  add_passphrase_flags(command, flags.passphrase);
}

std::unique_ptr<trust::Signer> open_signer(Session& session, const SignerFlags& flags, const std::string& role) {
  using base::Error;
  using base::ErrorCode;
  if (flags.signer_command.empty() != flags.public_key.empty()) {
    throw Error(ErrorCode::usage, "a command signs for a key whose public half is known")
        .with_hint("give both, --signer-command and --public");
  }
  if (flags.key.empty() == flags.signer_command.empty()) {
    throw Error(ErrorCode::usage,
                flags.key.empty() ? "no key to sign with" : "--key and --signer-command exclude each other")
        .with_hint("name a key's file with --key, or what reaches it with --signer-command and --public");
  }
  if (!flags.key.empty()) {
    return open_key(session, flags.key, flags.passphrase);
  }
  return std::make_unique<trust::CommandSigner>(
      workflow::read_public_key(flags.public_key).key, role,
      trust::SignerCommand{.argv = flags.signer_command, .timeout = std::chrono::seconds(flags.signer_timeout)},
      show_on(session));
}

}  // namespace airlock::cli
