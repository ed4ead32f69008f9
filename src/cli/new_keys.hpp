// Making keys from flags and answers: for `keys init`, `init`, and `bundle create` on a home that has none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/session.hpp"
#include "workflow/keys.hpp"

namespace airlock::cli {

struct NewKeysFlags {
  std::string name;
  std::uint64_t threshold = 1;
  bool fips = false;
  std::string cadence = "monthly";
  bool split = false;
  std::string root_key_folder;  // with --split; empty: k_root_key_folder
  bool no_passphrase = false;
  PassphraseFlags passphrase;
  std::vector<std::string> root_holders, approvers;  // public keys that people made themselves
};

// The passphrase for private keys that are about to be made; nullopt with `no_passphrase`. Asks for it, twice, where no
// flag gives one. Throws usage without a terminal to ask on, and for one that is too short.
std::optional<base::Secret> new_passphrase(Session& session, const PassphraseFlags& flags, bool no_passphrase);

trust::Cadence cadence_named(const std::string& name);  // throws usage
// ECDSA P-256 with `fips` or in FIPS mode, else Ed25519.
trust::Scheme scheme_of_new_keys(bool fips);

void add_new_keys_flags(CLI::App& command, NewKeysFlags& flags);
// Asks for a passphrase, twice, where no flag gives one. Throws usage without a terminal to ask on.
workflow::KeysInitReport make_keys(Session& session, const NewKeysFlags& flags);
// Fingerprint for paper, where the files are, and what to do with them.
std::string new_keys_text(const workflow::KeysInitReport& report, const NewKeysFlags& flags);

}  // namespace airlock::cli
