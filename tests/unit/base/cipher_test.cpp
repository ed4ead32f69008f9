#include "base/cipher.hpp"

#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::base {

namespace {

std::string bytes(std::string_view hex) {
  return from_hex(hex).value();
}

}  // namespace

TEST_CASE("a sealed text of the GCM specification opens", "[cipher]") {
  // McGrew and Viega, The Galois/Counter Mode of Operation, test case 16.
  const std::string key = bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const std::string nonce = bytes("cafebabefacedbaddecaf888");
  const std::string bound_to = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const std::string cipher = bytes("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                                   "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662");
  const std::string tag = bytes("76fc6ece0f4e1768cddf8853bb2d551b");
  const auto plain = unseal(key, nonce + cipher + tag, bound_to);
  REQUIRE(plain);
  CHECK(*plain == bytes("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"));
  CHECK_FALSE(unseal(key, nonce + cipher + tag, bound_to + "x"));
}

TEST_CASE("what was sealed opens only whole, with its key and for its owner", "[cipher]") {
  const std::string key(k_seal_key_size, 'k');
  for (const std::string& text : std::vector<std::string>{"", "a", std::string(100'000, 'x')}) {
    const std::string sealed = seal(key, text, "owner");
    CHECK(unseal(key, sealed, "owner") == text);
    CHECK(seal(key, text, "owner") != sealed);
    CHECK_FALSE(unseal(std::string(k_seal_key_size, 'l'), sealed, "owner"));
    CHECK_FALSE(unseal(key, sealed, "other"));
    CHECK_FALSE(unseal(key, sealed.substr(1), "owner"));
    CHECK_FALSE(unseal(key, sealed.substr(0, 27), "owner"));
    for (std::size_t at = 0; at < sealed.size(); at += sealed.size() / 7 + 1) {
      std::string touched = sealed;
      touched[at] = static_cast<char>(touched[at] ^ 1);
      CHECK_FALSE(unseal(key, touched, "owner"));
    }
  }
  CHECK(test::code_of([] { return seal("short", "a", ""); }) == ErrorCode::internal);
}

}  // namespace airlock::base
