#include "trust/key_pair.hpp"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/error.hpp"
#include "trust/key_material.hpp"

namespace airlock::trust {

namespace {

using base::Error;
using base::ErrorCode;

PublicKey public_half(EVP_PKEY* key) {
  const auto scheme = scheme_of(key);
  if (!scheme) {
    throw Error(ErrorCode::unsupported, "the private key is neither Ed25519 nor ECDSA P-256 nor RSA");
  }
  // A file may hold a public half of its own; signing with one and publishing the other would leak the
  // private one.
  const EvpPkeyCtx context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (!context || EVP_PKEY_pairwise_check(context.get()) != 1) {
    throw openssl_error(ErrorCode::untrusted, "the private and the public part of the key do not belong together");
  }
  return public_key_of(key, *scheme);
}

EvpPkey generate(Scheme scheme) {
  switch (scheme) {
  case Scheme::ed25519:
    return EvpPkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  case Scheme::ecdsa_p256:
    return EvpPkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  case Scheme::rsa_pss_sha256:
    return EvpPkey(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(k_rsa_bits_new)));
  }
  return nullptr;
}

}  // namespace

KeyPair::KeyPair(EvpPkey key) : m_key(std::move(key)), m_public(public_half(m_key.get())) {}

std::string KeyPair::sign(std::string_view message) const {
  const EvpMdCtx context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr;  // owned by `context`
  const EVP_MD* const digest = m_public.scheme() == Scheme::ed25519 ? nullptr : EVP_sha256();
  bool good = context && EVP_DigestSignInit(context.get(), &options, digest, nullptr, m_key.get()) == 1;
  if (good && m_public.scheme() == Scheme::rsa_pss_sha256) {
    good = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(options, EVP_sha256()) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  const auto* const data = reinterpret_cast<const unsigned char*>(message.data());
  std::size_t size = 0;
  good = good && EVP_DigestSign(context.get(), nullptr, &size, data, message.size()) == 1;
  std::string signature(size, '\0');
  good = good && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, data,
                                message.size()) == 1;
  if (!good) {
    throw openssl_error(ErrorCode::io, "signing failed");
  }
  signature.resize(size);  // a DER signature is often shorter than the bound
  // A faulty signature can give the private key away, so it never leaves.
  if (!m_public.verify(message, signature)) {
    throw Error(ErrorCode::untrusted, "the signature just made does not verify; do not use this key on this machine");
  }
  return signature;
}

std::unique_ptr<Signer> generate_key(Scheme scheme) {
  refuse_unapproved(scheme);
  EvpPkey key = generate(scheme);
  if (!key) {
    throw openssl_error(ErrorCode::unsupported, "OpenSSL cannot make a key for " + std::string(to_string(scheme)));
  }
  return std::make_unique<KeyPair>(std::move(key));
}

}  // namespace airlock::trust
