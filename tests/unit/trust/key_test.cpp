#include "trust/key.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "support/catch.hpp"
#include "support/tuf_repository.hpp"
#include "trust/canonical.hpp"

using namespace airlock;
using base::Json;
using test::outcome;
using trust::KeyForms;
using trust::PublicKey;
using trust::Scheme;

namespace {

std::string pem(const std::string& name) {
  return base::read_file(AIRLOCK_TEST_DATA "/trust/keys/" + name + ".pem", 1 << 16);
}

Json key_object(std::string_view keytype, std::string_view scheme, const std::string& value) {
  return {{"keytype", keytype}, {"scheme", scheme}, {"keyval", {{"public", value}}}};
}

Json ecdsa(const std::string& value) {
  return key_object("ecdsa", "ecdsa-sha2-nistp256", value);
}
Json rsa(const std::string& value) {
  return key_object("rsa", "rsassa-pss-sha256", value);
}
Json ed25519(const std::string& value) {
  return key_object("ed25519", "ed25519", value);
}

std::string reading(const Json& object, KeyForms forms = KeyForms::own) {
  return outcome([&] { PublicKey::from_json(object, forms); });
}

std::string hex_point(const std::string& name) {
  const std::string text = pem(name);
  std::string digits;
  for (const auto& line : base::split(text, '\n')) {
    if (!line.starts_with("-----")) {
      digits += line;
    }
  }
  const std::string der = base::base64_decode(digits).value();
  const std::string point = der.substr(der.size() - 65);
  return base::to_hex({reinterpret_cast<const std::uint8_t*>(point.data()), point.size()});
}

}  // namespace

TEST_CASE("a signature verifies by its key over its message and nothing else", "[trust][key]") {
  const auto scheme = GENERATE(Scheme::ed25519, Scheme::ecdsa_p256, Scheme::rsa_pss_sha256);
  const auto signer = trust::generate_key(scheme);
  const auto other = trust::generate_key(scheme);
  const auto& key = signer->public_key();
  const std::string signature = signer->sign("message");

  CHECK(key.scheme() == scheme);
  CHECK(key.verify("message", signature));
  CHECK_FALSE(key.verify("messagE", signature));
  CHECK_FALSE(key.verify("", signature));
  CHECK_FALSE(other->public_key().verify("message", signature));
  CHECK_FALSE(key.verify("message", ""));
  CHECK_FALSE(key.verify("message", signature + '\0'));
  CHECK_FALSE(key.verify("message", signature.substr(1)));
  CHECK_FALSE(key.verify("message", std::string(100'000, 'x')));
  std::string flipped = signature;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  CHECK_FALSE(key.verify("message", flipped));
  CHECK(key.verify("", signer->sign("")));
}

TEST_CASE("schemes have the specification's names", "[trust][key]") {
  CHECK(to_string(Scheme::ed25519) == "ed25519");
  CHECK(to_string(Scheme::ecdsa_p256) == "ecdsa-sha2-nistp256");
  CHECK(to_string(Scheme::rsa_pss_sha256) == "rsassa-pss-sha256");
  CHECK(trust::find_scheme("rsassa-pss-sha256") == Scheme::rsa_pss_sha256);
  CHECK_FALSE(trust::find_scheme("rsassa-pss-sha512"));
}

TEST_CASE("a keyid covers the whole object, unknown members included", "[trust][key]") {
  Json object = ed25519(std::string(64, '5'));
  const auto plain = PublicKey::from_json(object);
  CHECK(plain.keyid() == trust::canonical_sha256(object).hex());
  object["x-owner"] = "@somebody";
  const auto annotated = PublicKey::from_json(object);
  CHECK(annotated.keyid() != plain.keyid());
  CHECK(annotated.same_key(plain));
  CHECK(annotated.json() == object);
}

TEST_CASE("one key in two encodings is one key", "[trust][key]") {
  const auto plain = PublicKey::from_json(ecdsa(pem("p256")));
  const auto compressed = PublicKey::from_json(ecdsa(pem("p256-compressed")));
  CHECK(plain.keyid() != compressed.keyid());
  CHECK(plain.same_key(compressed));
  const auto hex = PublicKey::from_json(ecdsa(hex_point("p256")), KeyForms::foreign);
  CHECK(plain.same_key(hex));
  CHECK_FALSE(plain.same_key(PublicKey::from_json(rsa(pem("rsa-3072")))));
  CHECK_FALSE(plain.same_key(PublicKey::from_json(ed25519(std::string(64, '5')))));
}

TEST_CASE("refuses keys that anybody could sign for", "[trust][key]") {
  // The points whose order divides 8, each with either sign, and their non-canonical names.
  const std::string y = GENERATE(as<std::string>(), "0000000000000000000000000000000000000000000000000000000000000000",
                                 "0100000000000000000000000000000000000000000000000000000000000000",
                                 "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                                 "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                                 "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                 "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                 "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                 "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
  std::string raw = base::from_hex(y).value();
  CHECK(reading(ed25519(y)) == "untrusted");
  raw.back() = static_cast<char>(static_cast<unsigned char>(raw.back()) | 0x80);
  const std::string negative = base::to_hex({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()});
  CHECK(reading(ed25519(negative)) == "untrusted");
}

TEST_CASE("refuses keys that are weak or not what they say", "[trust][key]") {
  CHECK(reading(ecdsa(pem("p256"))) == "ok");
  CHECK(reading(ecdsa(pem("p256-explicit"))) == "untrusted");
  CHECK(reading(ecdsa(pem("p384"))) == "untrusted");
  CHECK(reading(ecdsa(pem("secp256k1"))) == "untrusted");
  CHECK(reading(ecdsa(pem("p256-off-curve"))) == "malformed");
  CHECK(reading(ecdsa(pem("rsa-3072"))) == "malformed");
  CHECK(reading(ecdsa(pem("ed25519"))) == "malformed");
  CHECK(reading(rsa(pem("rsa-3072"))) == "ok");
  CHECK(reading(rsa(pem("rsa-2048"))) == "ok");
  CHECK(reading(rsa(pem("rsa-1024"))) == "untrusted");
  CHECK(reading(rsa(pem("rsa-exponent-1"))) == "untrusted");
  CHECK(reading(rsa(pem("rsa-exponent-3"))) == "untrusted");
  CHECK(reading(rsa(pem("rsa-pss-restricted"))) == "malformed");
  CHECK(reading(rsa(pem("p256"))) == "malformed");
  CHECK(reading(ed25519(std::string(62, '5'))) == "malformed");
  CHECK(reading(ed25519(std::string(66, '5'))) == "malformed");
  CHECK(reading(ed25519(std::string(64, 'g'))) == "malformed");
  CHECK(reading(ed25519("")) == "malformed");
  CHECK(PublicKey::from_json(rsa(pem("rsa-2048"))).bits() == 2048);
}

TEST_CASE("a PEM block stands alone", "[trust][key]") {
  const std::string good = pem("p256");
  CHECK(reading(ecdsa("comment\n" + good)) == "untrusted");
  CHECK(reading(ecdsa("\n" + good)) == "untrusted");
  CHECK(reading(ecdsa(good + "comment")) == "untrusted");
  CHECK(reading(ecdsa(good + good)) == "untrusted");
  CHECK(reading(ecdsa(good.substr(0, good.size() - 1))) == "ok");
  CHECK(reading(ecdsa(good.substr(0, good.size() - 10))) == "malformed");
  CHECK(reading(ecdsa("")) == "malformed");
  CHECK(reading(ecdsa("-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----")) == "malformed");
  std::string urlsafe = good;
  urlsafe.insert(40, "_");
  CHECK(reading(ecdsa(urlsafe)) == "malformed");
  std::string with_header = good;
  with_header.insert(good.find('\n') + 1, "Proc-Type: 4,ENCRYPTED\n\n");
  CHECK(reading(ecdsa(with_header)) == "malformed");
  // One more byte inside the block: the structure ends before it does.
  std::string longer = base::base64_decode("AAAA").value();
  CHECK(reading(ecdsa("-----BEGIN PUBLIC KEY-----\n" + base::base64_encode(longer) + "\n-----END PUBLIC KEY-----\n")) ==
        "malformed");
  CHECK(reading(ecdsa("-----BEGIN PUBLIC KEY-----\n" + std::string(40'000, 'A') + "\n-----END PUBLIC KEY-----\n")) ==
        "malformed");
}

TEST_CASE("old spellings are read for foreign repositories only", "[trust][key]") {
  const Json alias = key_object("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", pem("p256"));
  CHECK(reading(alias) == "malformed");
  CHECK(reading(alias, KeyForms::foreign) == "ok");
  const Json point = ecdsa(hex_point("p256"));
  CHECK(reading(point) == "malformed");
  CHECK(reading(point, KeyForms::foreign) == "ok");
  CHECK(reading(ecdsa(hex_point("p256-off-curve")), KeyForms::foreign) != "ok");
  CHECK(reading(ecdsa("04"), KeyForms::foreign) == "malformed");
}

TEST_CASE("refuses key objects of another shape", "[trust][key]") {
  CHECK(reading(key_object("ed25519", "ed448", "00")) == "unsupported");
  CHECK(reading(key_object("ed25519", "ecdsa-sha2-nistp256", pem("p256"))) == "malformed");
  CHECK(reading(key_object("rsa", "ed25519", std::string(64, '5'))) == "malformed");
  CHECK(reading(Json::array()) == "malformed");
  CHECK(reading(nullptr) == "malformed");
  CHECK(reading({{"keytype", "ed25519"}, {"scheme", "ed25519"}}) == "malformed");
  CHECK(reading({{"keytype", "ed25519"}, {"scheme", "ed25519"}, {"keyval", "x"}}) == "malformed");
  CHECK(reading({{"keytype", "ed25519"}, {"scheme", "ed25519"}, {"keyval", {{"public", 5}}}}) == "malformed");
  CHECK(reading({{"keytype", 1}, {"scheme", "ed25519"}, {"keyval", {{"public", ""}}}}) == "malformed");
}
