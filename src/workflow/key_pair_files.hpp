// One key pair made where its holder is: the private half stays, the public half is carried (docs/operations/keys.md).
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/secret.hpp"
#include "trust/public_key_file.hpp"

namespace airlock::workflow {

struct KeyPairOptions {
  std::string role;  // root, snapshot, targets, timestamp
  std::string name;  // whose it is, for people; may be empty
  trust::Scheme scheme = trust::Scheme::ed25519;
  std::filesystem::path private_key;       // to be written; the public half lies beside it as NAME.pub.json
  std::optional<base::Secret> passphrase;  // none: the private key is not encrypted
};

struct KeyPairReport {
  std::string keyid;  // hex
  std::filesystem::path private_key, public_key;
};

// Throws usage for an unknown role, conflict when one of the two files exists.
KeyPairReport make_key_pair(const KeyPairOptions& options);

trust::PublicKeyFile read_public_key(const std::filesystem::path& file);  // as trust::parse_public_key_file

}  // namespace airlock::workflow
