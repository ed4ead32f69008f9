// A private key that is reached by a command of the user's: in a token, an HSM or on another host
// (docs/operations/keys.md).
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "trust/key.hpp"

namespace airlock::trust {

struct SignerCommand {
  std::vector<std::string> argv;      // run as it stands, without a shell; argv[0] is looked up on PATH
  std::chrono::seconds timeout{120};  // long enough to enter a PIN
};

// Runs the command for each signature. It is given the exact bytes to sign on stdin, and in its environment
//   AIRLOCK_SIGN_ROLE     the role whose key this is: root, snapshot, targets, timestamp, officer (of the receiving
//   site) AIRLOCK_SIGN_KEYID    hex AIRLOCK_SIGN_SCHEME   ed25519, ecdsa-sha2-nistp256, rsassa-pss-sha256
//   AIRLOCK_SIGN_TYPE     what is signed: a TUF `_type`, or the payload type of a DSSE envelope
//   AIRLOCK_SIGN_VERSION  of that role; empty for an envelope
//   AIRLOCK_SIGN_SHA256   of the bytes, hex, to compare with a review text or a display
// and answers with the raw signature on stdout (see signature_form). It may ask on the terminal.
class CommandSigner : public Signer {
 public:
  // `show` is given what the command writes to stderr, as it comes; may be empty. Throws usage for an empty command.
  CommandSigner(PublicKey key, std::string role, SignerCommand command,
                std::function<void(std::string_view)> show = {});

  const PublicKey& public_key() const override { return m_key; }
  // Throws not_found (no such program), io (it failed or took too long), limit (it wrote too much), untrusted (what it
  // wrote is no signature by this key over `message`).
  std::string sign(std::string_view message) const override;

 private:
  PublicKey m_key;
  std::string m_role;
  SignerCommand m_command;
  std::function<void(std::string_view)> m_show;
};

}  // namespace airlock::trust
