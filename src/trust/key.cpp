#include "trust/key.hpp"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/text.hpp"
#include "trust/canonical.hpp"
#include "trust/key_material.hpp"

namespace airlock::trust {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_signature_size_limit = 8'192 / 8;  // bytes; RSA of the largest accepted size

struct SchemeName {
  Scheme scheme;
  std::string_view keytype;
  std::string_view name;
};

constexpr std::array<SchemeName, 3> k_schemes = {{
    {Scheme::ed25519, "ed25519", "ed25519"},
    {Scheme::ecdsa_p256, "ecdsa", "ecdsa-sha2-nistp256"},
    {Scheme::rsa_pss_sha256, "rsa", "rsassa-pss-sha256"},
}};

const SchemeName& names_of(Scheme scheme) {
  return *std::ranges::find(k_schemes, scheme, &SchemeName::scheme);
}

Scheme read_scheme(const base::Json& object, KeyForms forms) {
  const std::string keytype = base::string_member(object, "keytype", "key");
  const std::string name = base::string_member(object, "scheme", "key");
  const auto scheme = find_scheme(name);
  if (!scheme) {
    throw Error(ErrorCode::unsupported, "signature scheme '" + base::printable(name, 60) + "' is not known")
        .with_hint("known are ed25519, ecdsa-sha2-nistp256 and rsassa-pss-sha256");
  }
  const bool alias = forms == KeyForms::foreign && *scheme == Scheme::ecdsa_p256 && keytype == name;
  if (keytype != names_of(*scheme).keytype && !alias) {
    throw Error(ErrorCode::malformed,
                "keytype '" + base::printable(keytype, 60) + "' does not belong to scheme '" + name + "'");
  }
  return *scheme;
}

EvpPkey read_value(const std::string& text, Scheme scheme, KeyForms forms) {
  if (scheme == Scheme::ed25519) {
    refuse_unapproved(scheme);
    const auto raw = base::from_hex(text);
    if (!raw) {
      throw Error(ErrorCode::malformed, "the Ed25519 key is not written in hex");
    }
    return load_ed25519_point(*raw);
  }
  if (forms == KeyForms::foreign && scheme == Scheme::ecdsa_p256) {
    if (const auto raw = base::from_hex(text)) {
      return load_p256_point(*raw);
    }
  }
  return load_public_pem(text, scheme);
}

}  // namespace

std::string_view to_string(Scheme scheme) {
  return names_of(scheme).name;
}

std::optional<Scheme> find_scheme(std::string_view name) {
  const auto* const found = std::ranges::find(k_schemes, name, &SchemeName::name);
  return found == k_schemes.end() ? std::nullopt : std::optional(found->scheme);
}

struct PublicKey::Impl {
  base::Json json;
  std::string keyid;
  Scheme scheme = Scheme::ed25519;
  int salt_length = RSA_PSS_SALTLEN_DIGEST;
  EvpPkey key;
};

PublicKey PublicKey::from_json(const base::Json& key_object, KeyForms forms) {
  auto impl = std::make_shared<Impl>();
  impl->scheme = read_scheme(key_object, forms);
  const auto& value = base::member(key_object, "keyval", "key");
  impl->key = read_value(base::string_member(value, "public", "key"), impl->scheme, forms);
  impl->keyid = canonical_sha256(key_object).hex();
  impl->json = key_object;
  if (forms == KeyForms::foreign) {
    impl->salt_length = RSA_PSS_SALTLEN_AUTO;  // the reference implementation's verifier takes any
  }
  PublicKey key;
  key.m_impl = std::move(impl);
  return key;
}

const std::string& PublicKey::keyid() const {
  return m_impl->keyid;
}
const base::Json& PublicKey::json() const {
  return m_impl->json;
}
Scheme PublicKey::scheme() const {
  return m_impl->scheme;
}
int PublicKey::bits() const {
  return m_impl->scheme == Scheme::rsa_pss_sha256 ? EVP_PKEY_get_bits(m_impl->key.get()) : 256;
}

bool PublicKey::verify(std::string_view message, std::string_view signature) const {
  if (signature.empty() || signature.size() > k_signature_size_limit) {
    return false;
  }
  const EvpMdCtx context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr;  // owned by `context`
  // Ed25519 hashes by itself; EVP fails when it is given a digest.
  const EVP_MD* const digest = m_impl->scheme == Scheme::ed25519 ? nullptr : EVP_sha256();
  bool good = context && EVP_DigestVerifyInit(context.get(), &options, digest, nullptr, m_impl->key.get()) == 1;
  if (good && m_impl->scheme == Scheme::rsa_pss_sha256) {
    good = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(options, EVP_sha256()) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(options, m_impl->salt_length) == 1;
  }
  // Only 1 is success: 0 and negative values are all refusals.
  good = good && EVP_DigestVerify(context.get(), as_unsigned(signature), signature.size(), as_unsigned(message),
                                  message.size()) == 1;
  ERR_clear_error();
  return good;
}

bool PublicKey::same_key(const PublicKey& other) const {
  // Not by comparing encodings: a P-256 point has a compressed and an uncompressed one.
  const bool same = EVP_PKEY_eq(m_impl->key.get(), other.m_impl->key.get()) == 1;
  ERR_clear_error();
  return same;
}

}  // namespace airlock::trust
