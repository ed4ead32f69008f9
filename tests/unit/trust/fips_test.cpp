#include "trust/fips.hpp"

#include <openssl/evp.h>
#include <openssl/provider.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "support/catch.hpp"
#include "support/tuf_repository.hpp"
#include "trust/public_key_file.hpp"

using namespace airlock;
using test::outcome;
using trust::Scheme;

namespace {

// As OpenSSL's own configuration would set it.
class FipsProperties {
 public:
  FipsProperties() { EVP_default_properties_enable_fips(nullptr, 1); }
  FipsProperties(const FipsProperties&) = delete;
  FipsProperties& operator=(const FipsProperties&) = delete;
  ~FipsProperties() { EVP_default_properties_enable_fips(nullptr, 0); }
};

}  // namespace

TEST_CASE("without the provider FIPS mode is a configuration error, and nothing else changes", "[trust][fips]") {
  if (OSSL_PROVIDER* provider = OSSL_PROVIDER_try_load(nullptr, "fips", 1)) {
    OSSL_PROVIDER_unload(provider);
    WARN("this OpenSSL has a FIPS provider, so its absence cannot be tried");
    return;
  }
  std::string message;
  CHECK(outcome([] { trust::require_fips(); }, &message) == "config");
  CHECK(message.find("FIPS provider") != std::string::npos);
  CHECK_FALSE(trust::fips_in_force());
  const auto signer = trust::generate_key(Scheme::ed25519);
  CHECK(signer->public_key().verify("x", signer->sign("x")));
}

TEST_CASE("in FIPS mode Ed25519 is neither made nor read", "[trust][fips]") {
  const auto signer = trust::generate_key(Scheme::ed25519);
  const base::Json key = signer->public_key().json();
  const std::string pem = base::read_file(AIRLOCK_TEST_DATA "/trust/keys/ed25519.pem", 10'000);
  const FipsProperties fips;
  CHECK(trust::fips_in_force());
  CHECK(outcome([&] { trust::PublicKey::from_json(key); }) == "unsupported");
  CHECK(outcome([&] { trust::public_key_from_pem(pem); }) == "unsupported");
  CHECK(outcome([] { trust::generate_key(Scheme::ed25519); }) == "unsupported");
}
