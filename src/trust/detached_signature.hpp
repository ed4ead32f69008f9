// A signature that was made elsewhere and travels as a file of its own (docs/formats/trust.md, Files that travel).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "trust/metadata.hpp"

namespace airlock::trust {

inline constexpr std::size_t k_detached_limit = 16 * 1024;  // bytes of such a file

struct DetachedSignature {
  std::string role;  // whose statement is signed: its `_type`
  std::uint64_t version = 0;
  std::string keyid;
  Scheme scheme = Scheme::ed25519;
  std::string sig;       // raw bytes
  base::Digest payload;  // SHA-256 of the canonical bytes that were signed
};

// Signs the canonical bytes of `file`.
DetachedSignature sign_detached(const SignedFile& file, const Signer& signer);
std::string to_text(const DetachedSignature& signature);
// Throws malformed, limit, unsupported (scheme). Nothing is proven by it.
DetachedSignature parse_detached_signature(std::string_view text, std::string_view name);
// Whether a file holds one, rather than raw bytes as `openssl` writes them.
bool looks_like_detached_signature(std::string_view text);

// `raw` as a signature by `key` over `message`, when it is one: as it stands, or for ECDSA the two numbers of 32 bytes
// that PKCS#11 gives (CKM_ECDSA), written as DER. nullopt otherwise.
std::optional<std::string> as_signature(const PublicKey& key, std::string_view message, std::string_view raw);
// What `raw` should have been, for a hint: "64 bytes for Ed25519".
std::string_view signature_form(Scheme scheme);

}  // namespace airlock::trust
