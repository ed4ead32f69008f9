// A public key that is carried to whoever writes the root: as airlock writes it, or a SubjectPublicKeyInfo in PEM from
// `openssl` or a token (docs/formats/trust.md, Files that travel).
#pragma once

#include <string>
#include <string_view>

#include "trust/key.hpp"

namespace airlock::trust {

inline constexpr std::size_t k_public_key_limit = 16 * 1024;  // bytes of such a file

struct PublicKeyFile {
  std::string role;  // what its holder made it for; a hint, empty where the file does not say
  std::string name;  // whose it is, for people; may be empty
  PublicKey key;
};

std::string to_text(const PublicKeyFile& file);
// Throws malformed, unsupported, limit, and untrusted as PublicKey::from_json does; a private key is malformed, and its
// text stands in no message.
PublicKeyFile parse_public_key_file(std::string_view text, std::string_view name);
// The key of a lone PEM block of type PUBLIC KEY: Ed25519, ECDSA on P-256, or RSA, which signs with PSS here.
PublicKey public_key_from_pem(std::string_view pem);

}  // namespace airlock::trust
