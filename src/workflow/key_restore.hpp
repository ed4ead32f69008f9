// Keys after the home that held them is gone, and keys that move to another place (docs/operations/keys.md).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "trust/root_authoring.hpp"
#include "workflow/home.hpp"
#include "workflow/key_store.hpp"

namespace airlock::workflow {

struct KeyRestoreOptions {
  std::filesystem::path bundle;                     // any bundle or head of the producer; the newest is best
  std::vector<std::filesystem::path> private_keys;  // of backups; may be none
  std::optional<base::Secret> passphrase;
  std::string fingerprint;  // hex of the first root, from paper; empty: not compared
  std::string name;         // who signs, for people; empty: "airlock"
  trust::Cadence cadence = trust::Cadence::monthly;
};

struct KeyRestoreReport {
  std::string first_fingerprint, newest_fingerprint;  // hex
  std::uint64_t root_version = 0;
  std::string channel;  // of the bundle
  std::uint64_t serial = 0;
  std::vector<std::filesystem::path> private_keys;  // as they lie in the home now
  std::vector<std::string> missing;                 // roles of which no private key is here
};

// Takes the chain of roots out of a bundle into a home that has no keys, and private keys beside it. The chain is
// proven link by link; that it is the producer's own, only the fingerprint proves. The next state of the bundle's
// channel asks for the newest bundle with --continue (ChannelState::require_newest). Throws conflict when the home has
// keys, untrusted for another fingerprint, a broken chain, a bundle that is not signed under it, or a private key that
// the newest root does not list, tampered for a bundle that says another channel or serial than is signed.
KeyRestoreReport restore_keys(const Home& home, const KeyRestoreOptions& options);

// Tries the command that reaches the private half of `key`, over a text that is no metadata. Throws what
// trust::CommandSigner throws.
void require_reachable(const trust::PublicKey& key, const std::string& role, const trust::SignerCommand& command,
                       const ShowText& show);

// From now on this key, which the newest or the pending root lists, is reached by `command`. It is tried first, over a
// text that is no metadata. Throws usage for a key that is not listed, conflict when its file lies here, and what
// trust::CommandSigner throws. Returns the keyid.
std::string set_signer_command(const Home& home, const std::string& keyid_prefix, const trust::SignerCommand& command,
                               const ShowText& show);

}  // namespace airlock::workflow
