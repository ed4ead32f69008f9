#include "trust/fips.hpp"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#include "base/error.hpp"
#include "trust/openssl.hpp"

namespace airlock::trust {

namespace {

using base::Error;
using base::ErrorCode;

using EvpMd = std::unique_ptr<EVP_MD, OpensslDeleter<EVP_MD_free>>;

}  // namespace

void require_fips() {
  // Tried, so that a failure leaves the process with the providers that it had.
  constexpr int keep_fallbacks = 1;
  const bool loaded = OSSL_PROVIDER_try_load(nullptr, "fips", keep_fallbacks) != nullptr &&
                      OSSL_PROVIDER_try_load(nullptr, "base", keep_fallbacks) != nullptr;
  if (!loaded) {
    throw openssl_error(ErrorCode::config, std::string("FIPS mode is set, and ") + OpenSSL_version(OPENSSL_VERSION) +
                                               " has no FIPS provider that can be loaded")
        .with_hint("install a validated fips.so into OpenSSL's module folder and run `openssl fipsinstall`; "
                   "distributions such as Debian ship none. Or take `fips: true` out of airlock.yaml");
  }
  const bool in_force = EVP_default_properties_enable_fips(nullptr, 1) == 1;
  const EvpMd digest(in_force ? EVP_MD_fetch(nullptr, "SHA256", nullptr) : nullptr);
  if (!digest) {
    EVP_default_properties_enable_fips(nullptr, 0);
    throw openssl_error(ErrorCode::config, "FIPS mode is set, and OpenSSL's FIPS provider does not work")
        .with_hint("run `openssl list -providers -provider fips` and `openssl fipsinstall`");
  }
}

bool fips_in_force() {
  return EVP_default_properties_is_fips_enabled(nullptr) == 1;
}

}  // namespace airlock::trust
