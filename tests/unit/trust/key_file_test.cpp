#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <memory>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "support/catch.hpp"
#include "support/tuf_repository.hpp"
#include "trust/key.hpp"

using namespace airlock;
using base::Secret;
using test::outcome;
using trust::Scheme;

namespace {

const std::optional<Secret> k_none;
const std::optional<Secret> k_passphrase = Secret("correct horse");

std::string loading(const std::filesystem::path& path, const std::optional<Secret>& passphrase) {
  return outcome([&] { trust::load_private_key(path, passphrase); });
}

void write_private(const std::filesystem::path& path, std::string_view text) {
  base::write_file_atomic(path, text, 0600);
}

// What `openssl` writes by itself, in forms that our own writer never makes.
std::string pem_of(EVP_PKEY* key, const char* passphrase, bool traditional) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> out(BIO_new(BIO_s_mem()), &BIO_free_all);
  if (traditional) {
    PEM_write_bio_PrivateKey_traditional(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  } else {
    const int size = passphrase == nullptr ? 0 : static_cast<int>(std::string_view(passphrase).size());
    PEM_write_bio_PKCS8PrivateKey(out.get(), key, passphrase == nullptr ? nullptr : EVP_aes_256_cbc(), passphrase, size,
                                  nullptr, nullptr);
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
Key make_ec(const char* curve) {
  return {EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve), &EVP_PKEY_free};
}

std::string decode(const std::string& pem) {
  std::string digits;
  for (const auto& line : base::split(pem, '\n')) {
    digits += line.starts_with("-----") ? "" : line;
  }
  return base::base64_decode(digits).value();
}

}  // namespace

TEST_CASE("a private key comes back from its file", "[trust][key_file]") {
  const base::TempDir dir;
  const auto path = dir.path() / "a.key";
  const auto scheme = GENERATE(Scheme::ed25519, Scheme::ecdsa_p256);
  const bool encrypted = GENERATE(true, false);
  const auto signer = trust::generate_key(scheme);
  trust::save_private_key(*signer, path, encrypted ? k_passphrase : k_none);

  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  CHECK(trust::private_key_is_encrypted(path) == encrypted);
  const auto loaded = trust::load_private_key(path, encrypted ? k_passphrase : k_none);
  CHECK(loaded->public_key().keyid() == signer->public_key().keyid());
  CHECK(signer->public_key().verify("message", loaded->sign("message")));
}

TEST_CASE("an RSA key comes back from its file", "[trust][key_file]") {
  const base::TempDir dir;
  const auto signer = trust::generate_key(Scheme::rsa_pss_sha256);
  CHECK(signer->public_key().bits() == trust::k_rsa_bits_new);
  trust::save_private_key(*signer, dir.path() / "a.key", k_none);
  const auto loaded = trust::load_private_key(dir.path() / "a.key", k_none);
  CHECK(loaded->public_key().keyid() == signer->public_key().keyid());
}

TEST_CASE("the key derivation has the iterations that were promised", "[trust][key_file]") {
  const base::TempDir dir;
  const auto path = dir.path() / "a.key";
  trust::save_private_key(*trust::generate_key(Scheme::ed25519), path, k_passphrase);
  const std::string der = decode(base::read_file(path, 1 << 16));
  CHECK(der.find(std::string("\x02\x03\x09\x27\xc0", 5)) != std::string::npos);  // INTEGER 600000
  CHECK(der.find("\x2a\x86\x48\x86\xf7\x0d\x02\x09") != std::string::npos);      // hmacWithSHA256
  CHECK(der.find("\x60\x86\x48\x01\x65\x03\x04\x01\x2a") != std::string::npos);  // aes-256-cbc
}

TEST_CASE("a passphrase opens its own key only", "[trust][key_file]") {
  const base::TempDir dir;
  const auto path = dir.path() / "a.key";
  trust::save_private_key(*trust::generate_key(Scheme::ed25519), path, k_passphrase);
  CHECK(loading(path, k_none) == "auth");
  CHECK(loading(path, Secret("wrong")) == "auth");
  CHECK(loading(path, Secret("")) == "usage");
  CHECK(outcome([&] {
          trust::save_private_key(*trust::generate_key(Scheme::ed25519), dir.path() / "b.key", Secret(""));
        }) == "usage");
  CHECK_FALSE(std::filesystem::exists(dir.path() / "b.key"));
}

TEST_CASE("a private key is never written over", "[trust][key_file]") {
  const base::TempDir dir;
  const auto path = dir.path() / "a.key";
  write_private(path, "precious");
  CHECK(outcome([&] { trust::save_private_key(*trust::generate_key(Scheme::ed25519), path, k_none); }) == "conflict");
  CHECK(base::read_file(path, 100) == "precious");
  // Nor through a link that somebody laid there.
  std::filesystem::create_symlink(dir.path() / "elsewhere", dir.path() / "b.key");
  CHECK(outcome([&] {
          trust::save_private_key(*trust::generate_key(Scheme::ed25519), dir.path() / "b.key", k_none);
        }) == "conflict");
  CHECK_FALSE(std::filesystem::exists(dir.path() / "elsewhere"));
}

TEST_CASE("a private key that others can read is refused", "[trust][key_file]") {
  const base::TempDir dir;
  const auto path = dir.path() / "a.key";
  trust::save_private_key(*trust::generate_key(Scheme::ed25519), path, k_none);
  const auto mode = GENERATE(0640, 0604, 0660, 0777, 0610, 0602);
  REQUIRE(::chmod(path.c_str(), static_cast<mode_t>(mode)) == 0);
  CHECK(loading(path, k_none) == "untrusted");
  REQUIRE(::chmod(path.c_str(), 0400) == 0);
  CHECK(loading(path, k_none) == "ok");
}

TEST_CASE("a key file that is no usable key is refused", "[trust][key_file]") {
  const base::TempDir dir;
  const auto path = dir.path() / "a.key";
  const auto p256 = make_ec("P-256");
  const auto refused = [&](const std::string& text) {
    write_private(path, text);
    return loading(path, k_passphrase);
  };
  CHECK(loading(dir.path() / "none.key", k_none) == "not-found");
  CHECK(refused("") == "malformed");
  CHECK(refused("hello\n") == "malformed");
  CHECK(refused(std::string(100'000, 'x')) == "malformed");
  CHECK(refused("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n") == "malformed");
  CHECK(refused("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n") == "malformed");
  CHECK(refused(pem_of(p256.get(), nullptr, false)) == "ok");
  CHECK(refused(pem_of(p256.get(), "correct horse", false)) == "ok");
  CHECK(refused(pem_of(p256.get(), nullptr, true)) == "unsupported");
  CHECK(refused(pem_of(make_ec("P-384").get(), nullptr, false)) == "untrusted");
  const Key rsa(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{1024}), &EVP_PKEY_free);
  CHECK(refused(pem_of(rsa.get(), nullptr, false)) == "untrusted");
  const Key x25519(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"), &EVP_PKEY_free);
  CHECK(refused(pem_of(x25519.get(), nullptr, false)) == "unsupported");
}

TEST_CASE("halves of two keys are not one key", "[trust][key_file]") {
  const base::TempDir dir;
  const auto path = dir.path() / "a.key";
  const std::string one = decode(pem_of(make_ec("P-256").get(), nullptr, false));
  const std::string two = decode(pem_of(make_ec("P-256").get(), nullptr, false));
  REQUIRE(one.size() == two.size());
  constexpr std::size_t point = 65;
  const std::string mixed = one.substr(0, one.size() - point) + two.substr(two.size() - point);
  write_private(path, "-----BEGIN PRIVATE KEY-----\n" + base::base64_encode(mixed) + "\n-----END PRIVATE KEY-----\n");
  CHECK(loading(path, k_none) == "untrusted");
}
