// Keys and signatures that come from other programs: openssl, tokens, commands of the user's.
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "support/catch.hpp"
#include "support/tuf_repository.hpp"
#include "trust/canonical.hpp"
#include "trust/command_signer.hpp"
#include "trust/detached_signature.hpp"
#include "trust/metadata.hpp"
#include "trust/public_key_file.hpp"

using namespace airlock;
using test::outcome;
using trust::Scheme;
namespace fs = std::filesystem;

namespace {

std::string run(const std::vector<std::string>& argv) {
  const auto result = base::run_process({.argv = argv});
  CAPTURE(argv, result.errors);
  REQUIRE(result.exit_code == 0);
  return result.output;
}

// A key pair as `openssl` makes it, and the command line that signs with it.
struct OpensslKey {
  explicit OpensslKey(Scheme scheme) {
    std::vector<std::string> algorithm = {"ed25519"};
    if (scheme == Scheme::ecdsa_p256) {
      algorithm = {"EC", "-pkeyopt", "ec_paramgen_curve:P-256"};
    } else if (scheme == Scheme::rsa_pss_sha256) {
      algorithm = {"RSA", "-pkeyopt", "rsa_keygen_bits:3072"};
    }
    std::vector<std::string> argv = {"openssl", "genpkey", "-out", file.string(), "-algorithm"};
    argv.insert(argv.end(), algorithm.begin(), algorithm.end());
    run(argv);
    pem = run({"openssl", "pkey", "-in", file.string(), "-pubout"});
    if (scheme == Scheme::ed25519) {
      // It wants a real file, so a small script makes one.
      script("#!/bin/sh\nt=$(mktemp) || exit 1\ncat >\"$t\"\nopenssl pkeyutl -sign -rawin -inkey '" + file.string() +
             "' -in \"$t\"\ns=$?\nrm -f \"$t\"\nexit $s\n");
      sign = {(folder.path() / "sign").string()};
    } else {
      sign = {"openssl", "dgst", "-sha256", "-sign", file.string()};
      if (scheme == Scheme::rsa_pss_sha256) {
        for (const std::string option : {"rsa_padding_mode:pss", "rsa_pss_saltlen:digest"}) {
          sign.insert(sign.end(), {"-sigopt", option});
        }
      }
    }
  }
  void script(const std::string& text) const { base::write_file_atomic(folder.path() / "sign", text, 0700); }

  base::TempDir folder;
  fs::path file = folder.path() / "key.pem";
  std::string pem;
  std::vector<std::string> sign;
};

const std::string k_message = "{\"_type\":\"snapshot\",\"version\":7}";

trust::SignedFile some_file() {
  const base::Json part = {{"_type", "root"}, {"version", 3}};
  return trust::parse_signed(trust::sign_role(part, {}), "root", trust::k_root_limit);
}

}  // namespace

TEST_CASE("a command of the user's signs with each scheme", "[trust][command_signer]") {
  const Scheme scheme = GENERATE(Scheme::ed25519, Scheme::ecdsa_p256, Scheme::rsa_pss_sha256);
  const OpensslKey key(scheme);
  const trust::PublicKey pub = trust::public_key_from_pem(key.pem);
  CHECK(pub.scheme() == scheme);
  const trust::CommandSigner signer(pub, "snapshot", {.argv = key.sign});
  CHECK(pub.verify(k_message, signer.sign(k_message)));
  const std::string large(3u << 20, 'x');  // more than any pipe holds
  CHECK(pub.verify(large, signer.sign(large)));
}

TEST_CASE("the command is told what it signs, and what it says is shown", "[trust][command_signer]") {
  const OpensslKey key(Scheme::ed25519);
  const trust::PublicKey pub = trust::public_key_from_pem(key.pem);
  const std::string before = base::read_file(key.folder.path() / "sign", 10'000);
  const auto body = before.substr(before.find('\n') + 1);
  key.script("#!/bin/sh\necho \"$AIRLOCK_SIGN_ROLE/$AIRLOCK_SIGN_TYPE/$AIRLOCK_SIGN_VERSION/$AIRLOCK_SIGN_SCHEME/"
             "$AIRLOCK_SIGN_KEYID/$AIRLOCK_SIGN_SHA256\" >&2\n" +
             body);
  std::string shown;
  const trust::CommandSigner signer(pub, "snapshot", {.argv = key.sign}, [&](std::string_view text) { shown += text; });
  signer.sign(k_message);
  CHECK(shown == "snapshot/snapshot/7/ed25519/" + pub.keyid() + "/" + base::sha256(k_message).hex() + "\n");
  shown.clear();
  // Canonical JSON holds the line breaks of a PEM key as they are.
  signer.sign("{\"_type\":\"root\",\"keys\":\"a\nb\",\"version\":12}");
  CHECK(shown.starts_with("snapshot/root/12/"));
  shown.clear();
  signer.sign("DSSEv1 4 text 2 {}");
  CHECK(shown.starts_with("snapshot/text//"));
}

TEST_CASE("only a signature by the listed key leaves a command", "[trust][command_signer]") {
  const OpensslKey key(Scheme::ed25519);
  const trust::PublicKey pub = trust::public_key_from_pem(key.pem);
  const auto signing = [&](const std::vector<std::string>& argv,
                           std::chrono::seconds timeout = std::chrono::seconds(60)) {
    return outcome([&] { trust::CommandSigner(pub, "root", {.argv = argv, .timeout = timeout}).sign(k_message); });
  };
  CHECK(signing(key.sign) == "ok");
  CHECK(signing(OpensslKey(Scheme::ed25519).sign) == "untrusted");
  CHECK(signing({"cat"}) == "untrusted");
  CHECK(signing({"true"}) == "untrusted");
  CHECK(signing({"false"}) == "io");
  CHECK(signing({"/nowhere/at/all"}) == "not-found");
  CHECK(signing({"cat", "/dev/zero"}) == "limit");
  CHECK(signing({"sleep", "1000"}, std::chrono::seconds(1)) == "io");
  CHECK(signing({}) == "usage");
  // No shell: what would be a second command to one is an argument here.
  CHECK(signing({"cat; true"}) == "not-found");
}

TEST_CASE("what a failing command says stands in the message, printable", "[trust][command_signer]") {
  const OpensslKey key(Scheme::ed25519);
  key.script("#!/bin/sh\nprintf 'no token\\033[2J' >&2\nexit 7\n");
  try {
    trust::CommandSigner(trust::public_key_from_pem(key.pem), "root", {.argv = key.sign}).sign(k_message);
    FAIL("it must fail");
  } catch (const base::Error& error) {
    CHECK(error.message() == "it ended with 7: no token\\x1b[2J");
  }
}

TEST_CASE("a signature travels as a file of its own", "[trust][detached]") {
  const auto signer = trust::generate_key(Scheme::ecdsa_p256);
  const auto file = some_file();
  const auto made = trust::sign_detached(file, *signer);
  const std::string text = trust::to_text(made);
  CHECK(trust::looks_like_detached_signature(text));
  const auto read = trust::parse_detached_signature(text, "sig");
  CHECK(read.role == "root");
  CHECK(read.version == 3);
  CHECK(read.keyid == signer->public_key().keyid());
  CHECK(read.payload == trust::identity(file));
  CHECK(signer->public_key().verify(file.canonical, read.sig));

  const auto parsing = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return outcome([&] { trust::parse_detached_signature(changed, "sig"); });
  };
  CHECK(parsing("airlock-signature", "something-else") == "malformed");
  CHECK(parsing("ecdsa-sha2-nistp256", "md5") == "unsupported");
  CHECK(parsing(read.keyid, "../../x") == "malformed");
  CHECK(parsing("\"sig\": \"", "\"sig\": \"xy") == "malformed");
  CHECK(parsing("\"version\": 3", "\"version\": -3") == "malformed");
  CHECK(outcome([&] { trust::parse_detached_signature(std::string(20'000, ' '), "sig"); }) == "limit");
}

TEST_CASE("r and s as a token gives them become DER", "[trust][detached]") {
  const OpensslKey key(Scheme::ecdsa_p256);
  const auto pub = trust::public_key_from_pem(key.pem);
  const std::string der = trust::CommandSigner(pub, "root", {.argv = key.sign}).sign(k_message);
  // SEQUENCE of two INTEGERs: take the numbers out by hand.
  std::string numbers;
  std::size_t at = 2;
  for (int i = 0; i < 2; ++i) {
    const auto length = static_cast<std::size_t>(der[at + 1]);
    std::string number = der.substr(at + 2, length);
    at += 2 + length;
    number = number.size() > 32 ? number.substr(number.size() - 32) : std::string(32 - number.size(), '\0') + number;
    numbers += number;
  }
  REQUIRE(numbers.size() == 64);
  CHECK_FALSE(pub.verify(k_message, numbers));
  const auto converted = trust::as_signature(pub, k_message, numbers);
  REQUIRE(converted);
  CHECK(pub.verify(k_message, *converted));
  CHECK_FALSE(trust::as_signature(pub, k_message + "!", numbers));
  numbers[5] = static_cast<char>(numbers[5] ^ 1);
  CHECK_FALSE(trust::as_signature(pub, k_message, numbers));
}

TEST_CASE("public keys are read from openssl's PEM and from our own form", "[trust][public_key]") {
  const Scheme scheme = GENERATE(Scheme::ed25519, Scheme::ecdsa_p256, Scheme::rsa_pss_sha256);
  const OpensslKey key(scheme);
  const auto from_pem = trust::parse_public_key_file(key.pem, "key");
  CHECK(from_pem.role.empty());
  const std::string text = trust::to_text({.role = "snapshot", .name = "Anna", .key = from_pem.key});
  const auto from_own = trust::parse_public_key_file(text, "key");
  CHECK(from_own.role == "snapshot");
  CHECK(from_own.name == "Anna");
  CHECK(from_own.key.keyid() == from_pem.key.keyid());
  CHECK(outcome([&] { trust::parse_public_key_file("x\n" + key.pem, "key"); }) == "untrusted");
  CHECK(outcome([&] { trust::parse_public_key_file(base::read_file(key.file, 10'000), "key"); }) == "malformed");
}

TEST_CASE("a key that openssl would take and a root must not is refused", "[trust][public_key]") {
  const auto reading = [](const std::string& name) {
    const std::string pem = base::read_file(fs::path(AIRLOCK_TEST_DATA) / "trust/keys" / name, 10'000);
    return outcome([&] { trust::parse_public_key_file(pem, name); });
  };
  CHECK(reading("ed25519.pem") == "ok");
  CHECK(reading("p256.pem") == "ok");
  CHECK(reading("p384.pem") == "untrusted");
  CHECK(reading("p256-explicit.pem") == "untrusted");
  CHECK(reading("p256-off-curve.pem") != "ok");
  CHECK(reading("rsa-3072.pem") == "ok");
  CHECK(reading("rsa-1024.pem") == "untrusted");
  CHECK(reading("rsa-exponent-1.pem") == "untrusted");
  CHECK(reading("secp256k1.pem") == "untrusted");
}

TEST_CASE("an RSA key restricted to PSS signs under a root as any RSA key does", "[trust][public_key]") {
  const base::TempDir folder;
  const std::string file = (folder.path() / "pss.pem").string();
  run({"openssl", "genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:3072", "-out", file});
  const auto pub = trust::public_key_from_pem(run({"openssl", "pkey", "-in", file, "-pubout"}));
  CHECK(pub.scheme() == Scheme::rsa_pss_sha256);
  CHECK(pub.bits() == 3072);
  const trust::CommandSigner signer(pub, "root",
                                    {.argv = {"openssl", "dgst", "-sha256", "-sign", file, "-sigopt",
                                              "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"}});
  CHECK(pub.verify(k_message, signer.sign(k_message)));
}
