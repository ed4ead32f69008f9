// Keys and signatures: tests/data/openpgp/README.md.
#include "ecosystem/openpgp.hpp"

#include "base/files.hpp"
#include "base/text.hpp"
#include "support/catch.hpp"
#include "support/environment.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem {

namespace {

std::string data(const std::string& name) {
  return base::read_file(std::filesystem::path(AIRLOCK_TEST_DATA) / "openpgp" / name, 1 << 20);
}

const std::string k_sums = "demo_1.2.3_SHA256SUMS";

}  // namespace

TEST_CASE("a vendor's signature is accepted, armoured or not", "[ecosystem]") {
  for (const char* signature : {"vendor.sig", "vendor.sig.asc"}) {
    const OpenPgpVerdict verdict = verify_openpgp(data(k_sums), data(signature), data("vendor.asc"));
    INFO(verdict.reason);
    CHECK(verdict.good);
    CHECK(verdict.reason == "347E79B87AAC824328BDCB6D60D956EA15FEC374");
  }
  CHECK(verify_openpgp(data(k_sums), data("vendor.sig"), *dearmor(data("vendor.asc"))).good);
}

TEST_CASE("one of several keys may have signed", "[ecosystem]") {
  CHECK(verify_openpgp(data(k_sums), data("vendor.sig"), data("stranger.asc") + data("vendor.asc")).good);
}

TEST_CASE("one good signature of several will do", "[ecosystem]") {
  const std::string both = data("stranger.sig") + data("vendor.sig");
  CHECK(verify_openpgp(data(k_sums), both, data("vendor.asc")).good);
}

TEST_CASE("signatures that prove nothing are refused with the reason", "[ecosystem]") {
  const auto refusal = [](const std::string& content, const std::string& signature, const std::string& keys) {
    const OpenPgpVerdict verdict = verify_openpgp(content, signature, keys);
    CHECK_FALSE(verdict.good);
    return verdict.reason;
  };
  CHECK(refusal(data(k_sums) + " ", data("vendor.sig"), data("vendor.asc")) ==
        "the signature does not fit the content");
  CHECK(refusal(data(k_sums), data("stranger.sig"), data("vendor.asc")).starts_with("it was made by another key"));
  CHECK(refusal(data(k_sums), data("revoked.sig"), data("revoked.asc")) == "the key was revoked");
  CHECK(refusal(data(k_sums), data("expired.sig"), data("expired.asc")) == "the signature or its key has expired");
  CHECK_FALSE(refusal(data(k_sums), "", data("vendor.asc")).empty());
  CHECK_FALSE(refusal(data(k_sums), "no signature", data("vendor.asc")).empty());
  CHECK_FALSE(refusal(data(k_sums), data("vendor.asc"), data("vendor.asc")).empty());
  // A wrong one beside a good one is no accident.
  CHECK_FALSE(
      refusal(data(k_sums) + " ", data("vendor.sig") + data("stranger.sig"), data("vendor.asc") + data("stranger.asc"))
          .empty());
}

TEST_CASE("a key that is none is an error, not a verdict", "[ecosystem]") {
  const std::string keys =
      GENERATE(as<std::string>{}, "", "no key",
               "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n!!!\n-----END PGP PUBLIC KEY BLOCK-----\n");
  CHECK(test::code_of([&] { return verify_openpgp(data(k_sums), data("vendor.sig"), keys).good; }) ==
        base::ErrorCode::malformed);
}

TEST_CASE("without gpgv the error says what to install", "[ecosystem]") {
  const base::TempDir empty;
  const test::ScopedEnvironment environment("PATH", empty.path().string());
  const auto error =
      test::error_of([&] { return verify_openpgp(data(k_sums), data("vendor.sig"), data("vendor.asc")).good; });
  CHECK(error.code() == base::ErrorCode::unsupported);
  CHECK(error.hint().find("gpgv") != std::string::npos);
}

TEST_CASE("armour is taken off with and without headers and checksum", "[ecosystem]") {
  const std::string packets = "\x98\x33 some packets";
  const std::string encoded = base::base64_encode(packets);
  const auto armour = [&](const std::string& inside, const std::string& what = "PUBLIC KEY BLOCK") {
    return "noise before\n-----BEGIN PGP " + what + "-----\n" + inside + "-----END PGP " + what + "-----\nafter\n";
  };
  CHECK(dearmor(armour("\n" + encoded + "\n=Soen\n")) == packets);
  CHECK(dearmor(armour("Version: 1\nComment: x\n\n" + encoded + "\n")) == packets);
  CHECK(dearmor(armour(encoded.substr(0, 8) + "\r\n" + encoded.substr(8) + "\r\n")) == packets);
  CHECK(dearmor(armour("\n" + encoded + "\n") + armour("\n" + encoded + "\n")) == packets + packets);
  CHECK(dearmor(packets) == packets);
  CHECK_FALSE(dearmor(armour("\n" + encoded + "\n", "PRIVATE KEY BLOCK")));
  CHECK_FALSE(dearmor(armour("\n")));
  CHECK_FALSE(dearmor(armour("\n*\n")));
  CHECK_FALSE(dearmor("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + encoded));
  CHECK_FALSE(dearmor("-----BEGIN PGP PUBLIC KEY BLOCK-----"));
}

}  // namespace airlock::ecosystem
