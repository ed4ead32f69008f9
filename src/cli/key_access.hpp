// Opening private keys, the same on each command that signs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cli/session.hpp"
#include "trust/key.hpp"
#include "workflow/keys.hpp"

namespace airlock::cli {

// The signing set of this home.
std::unique_ptr<workflow::KeyRing> open_keys(Session& session, const PassphraseFlags& passphrase);
// One key file, anywhere.
std::unique_ptr<trust::Signer> open_key(Session& session, const std::filesystem::path& file,
                                        const PassphraseFlags& passphrase);

// One key, the same on each command that one person signs with: a file, or a command that reaches a token, an HSM or
// another host (trust/command_signer.hpp).
struct SignerFlags {
  std::string key, public_key;              // files
  std::vector<std::string> signer_command;  // one argument each
  std::uint64_t signer_timeout = 120;       // seconds
  PassphraseFlags passphrase;

  bool given() const { return !key.empty() || !signer_command.empty() || !public_key.empty(); }
};
// --key, described by `whose`, --signer-command, --public, --signer-timeout and those of the passphrase.
void add_signer_flags(CLI::App& command, SignerFlags& flags, const std::string& whose);
// `role` is what a command is told in AIRLOCK_SIGN_ROLE. Throws usage where both or neither are given, or a command
// without the public half of its key.
std::unique_ptr<trust::Signer> open_signer(Session& session, const SignerFlags& flags, const std::string& role);

}  // namespace airlock::cli
