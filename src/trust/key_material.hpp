// From the text of a public key to an EVP key that may be trusted with verifying, for the files of this
// folder only.
#pragma once

#include <string_view>

#include "trust/key.hpp"
#include "trust/openssl.hpp"

namespace airlock::trust {

// 32 raw bytes (RFC 8032, 5.1.5). Throws malformed, untrusted for points of small order and non-canonical
// ones.
EvpPkey load_ed25519_point(std::string_view raw);
// A SubjectPublicKeyInfo in PEM and nothing around it. Throws malformed; untrusted as PublicKey::from_json
// says.
EvpPkey load_public_pem(std::string_view pem, Scheme scheme);
// The same for a key of any scheme that airlock knows; the structure says which. RSA keys that are restricted to PSS
// come out as plain RSA keys, since a root writes them so. Throws unsupported for other kinds of key.
struct NamedKey {
  EvpPkey key;
  Scheme scheme;
};
NamedKey load_any_public_pem(std::string_view pem);
// An uncompressed P-256 point of 65 bytes (SEC 1, 2.3.3).
EvpPkey load_p256_point(std::string_view raw);

// Throws unsupported for a scheme that FIPS mode does not use, while that is in force.
void refuse_unapproved(Scheme scheme);
// The other way: `keyval.public` as TUF writes it.
std::string public_value(EVP_PKEY* key, Scheme scheme);
// The key object as it stands in a root.
PublicKey public_key_of(EVP_PKEY* key, Scheme scheme);
// nullopt for a key that none of the schemes uses.
std::optional<Scheme> scheme_of(const EVP_PKEY* key);

}  // namespace airlock::trust
