// The signer that holds its private key in memory, for the files of this folder only.
#pragma once

#include "trust/key.hpp"
#include "trust/openssl.hpp"

namespace airlock::trust {

class KeyPair : public Signer {
 public:
  // Throws untrusted when the two halves do not belong together, unsupported for another kind of key, and
  // what PublicKey::from_json throws.
  explicit KeyPair(EvpPkey key);

  const PublicKey& public_key() const override { return m_public; }
  std::string sign(std::string_view message) const override;

  EVP_PKEY* private_key() const { return m_key.get(); }

 private:
  EvpPkey m_key;
  PublicKey m_public;
};

}  // namespace airlock::trust
