// Keys and signatures (TUF 1.0.34 section 4.2; docs/formats/trust.md, Keys and signatures). Everything goes through
// OpenSSL's EVP.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/secret.hpp"

namespace airlock::trust {

enum class Scheme { ed25519, ecdsa_p256, rsa_pss_sha256 };

std::string_view to_string(Scheme scheme);  // TUF's name: "ed25519", "ecdsa-sha2-nistp256", "rsassa-pss-sha256"
std::optional<Scheme> find_scheme(std::string_view name);

inline constexpr int k_rsa_bits_ever = 2'048;     // the least that is read
inline constexpr int k_rsa_bits_new = 3'072;      // the least that is made or put into a new root
inline constexpr int k_rsa_bits_largest = 8'192;  // more only costs the verifier time

// Which spellings of a key are read. `foreign` adds what other repositories wrote in earlier years: the
// keytype "ecdsa-sha2-nistp256", points as hex instead of PEM, and RSA-PSS salts of any length. airlock
// writes none of them.
enum class KeyForms { own, foreign };

// A public key as it stands in a root: the whole key object, unknown members included, and its identity.
class PublicKey {
 public:
  // Throws malformed, unsupported (scheme), untrusted (small-order point, RSA below 2048, explicit EC
  // parameters, a curve other than P-256, text around the PEM block).
  static PublicKey from_json(const base::Json& key_object, KeyForms forms = KeyForms::own);

  const std::string& keyid() const;  // sha256 over the canonical form of the whole object, hex
  const base::Json& json() const;
  Scheme scheme() const;
  int bits() const;  // of the modulus for RSA, 256 otherwise
  // True only when `signature` (raw bytes) is by this key over exactly `message`.
  bool verify(std::string_view message, std::string_view signature) const;
  // The same key, whatever its encoding or keyid (EVP_PKEY_eq).
  bool same_key(const PublicKey& other) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> m_impl;  // immutable, shared by copies
};

// Makes signatures. A key file is one; a token or a command of the user's is another (issue: people and
// keys).
class Signer {
 public:
  virtual ~Signer() = default;
  virtual const PublicKey& public_key() const = 0;
  // Raw signature bytes over `message`, verified before they are returned. Throws io, untrusted.
  virtual std::string sign(std::string_view message) const = 0;
};

// Creates a key pair in memory; RSA with k_rsa_bits_new.
std::unique_ptr<Signer> generate_key(Scheme scheme);

// PKCS#8 PEM, encrypted with PBES2/PBKDF2-HMAC-SHA256 (600,000 iterations) and AES-256-CBC; or plain when
// there is no passphrase. Mode 0600, and never over an existing file (throws conflict). The key must come
// from generate_key or load_private_key. Throws io, usage (an empty passphrase, a signer without a private
// key of its own).
void save_private_key(const Signer& signer, const std::filesystem::path& path,
                      const std::optional<base::Secret>& passphrase);
// Throws auth (wrong or missing passphrase), untrusted (file readable by group or others, private and public
// part that do not belong together), malformed, unsupported (not PKCS#8, another kind of key). A passphrase
// that an unencrypted file does not need is not looked at.
std::unique_ptr<Signer> load_private_key(const std::filesystem::path& path,
                                         const std::optional<base::Secret>& passphrase);
bool private_key_is_encrypted(const std::filesystem::path& path);
// Whether a PEM file has a private key in it, whoever may read it; false for public keys and everything else.
bool holds_private_key(const std::filesystem::path& path);

}  // namespace airlock::trust
