// FIPS mode: everything cryptographic by OpenSSL's FIPS provider, and no Ed25519
// (docs/decisions/0003-crypto-module.md).
#pragma once

namespace airlock::trust {

// Loads the provider and makes its algorithms the only ones of this process. Throws config where this host's OpenSSL
// has none, or where it fails its own tests.
void require_fips();
// Whether it is in force: by require_fips(), or by OpenSSL's own configuration. Keys of schemes that are not approved
// are then neither made nor read (unsupported).
bool fips_in_force();

}  // namespace airlock::trust
