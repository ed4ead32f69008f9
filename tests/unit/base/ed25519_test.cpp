#include "base/ed25519.hpp"

#include "base/text.hpp"
#include "support/catch.hpp"

namespace airlock::base {

TEST_CASE("Ed25519 signatures are verified (RFC 8032, 7.1, test 2)", "[base][ed25519]") {
  const std::string key = *from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const std::string signature = *from_hex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15"
                                          "996e458f3613d0f11d8c387b2eaeb4302aeeb0"
                                          "0d291612bb0c00");
  CHECK(verify_ed25519(key, "\x72", signature));
  CHECK_FALSE(verify_ed25519(key, "\x73", signature));
  CHECK_FALSE(verify_ed25519(key, "", signature));
  CHECK_FALSE(verify_ed25519(key.substr(1), "\x72", signature));
  CHECK_FALSE(verify_ed25519(key, "\x72", signature.substr(1)));
  std::string changed = signature;
  changed[0] = static_cast<char>(changed[0] ^ 1);
  CHECK_FALSE(verify_ed25519(key, "\x72", changed));
}

}  // namespace airlock::base
