#include "base/digest.hpp"

#include <set>
#include <unordered_set>

#include <fmt/format.h>

#include "base/text.hpp"
#include "support/errors.hpp"

using namespace airlock::base;
using airlock::test::code_of;

namespace {

std::string hash(HashAlgorithm algorithm, std::string_view text) {
  Hasher hasher(algorithm);
  hasher.update(text);
  return hasher.finish().hex();
}

const std::string k_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

}  // namespace

TEST_CASE("the hashes are those of FIPS 180-4", "[base][digest]") {
  CHECK(hash(HashAlgorithm::sha1, "abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hash(HashAlgorithm::sha256, "abc") == k_abc);
  CHECK(hash(HashAlgorithm::sha256, "") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hash(HashAlgorithm::sha384, "abc") ==
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  CHECK(hash(HashAlgorithm::sha512, "abc") == "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                                              "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  CHECK(sha256("abc").hex() == k_abc);
}

TEST_CASE("a digest prints and parses to itself", "[base][digest]") {
  const auto algorithm =
      GENERATE(HashAlgorithm::sha1, HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512);
  Hasher hasher(algorithm);
  hasher.update("text");
  const Digest digest = hasher.finish();
  CHECK(digest.algorithm() == algorithm);
  CHECK(digest.bytes().size() == digest_size(algorithm));
  CHECK(digest.to_string() == std::string(to_string(algorithm)) + ":" + digest.hex());
  CHECK(Digest::parse(digest.to_string()) == digest);
}

TEST_CASE("a digest in any other form is refused", "[base][digest]") {
  const std::string bad = GENERATE_COPY(
      values<std::string>({"", ":", "sha256", "sha256:", k_abc, "sha256:" + k_abc.substr(1), "sha256:" + k_abc + "0",
                           "SHA256:" + k_abc, "sha256:" + std::string(64, 'A'), "sha256:" + std::string(63, '0') + "g",
                           "sha512:" + k_abc, "md5:d41d8cd98f00b204e9800998ecf8427e", " sha256:" + k_abc,
                           "sha256:" + k_abc + "\n", "sha256::" + k_abc.substr(1)}));
  CAPTURE(bad);
  CHECK(code_of([&] { return Digest::parse(bad); }) == ErrorCode::malformed);
}

TEST_CASE("a SHA-256 in hexadecimal is 64 lower-case characters", "[base][digest]") {
  CHECK(Digest::parse_sha256_hex(k_abc) == sha256("abc"));
  CHECK(Digest::is_sha256_hex(k_abc));
  CHECK_FALSE(Digest::is_sha256_hex(std::string(64, 'A')));
  CHECK_FALSE(Digest::is_sha256_hex(k_abc.substr(1)));
  CHECK(code_of([] { return Digest::parse_sha256_hex(std::string(64, 'F')); }) == ErrorCode::malformed);
}

TEST_CASE("a value of the wrong size is no digest", "[base][digest]") {
  const std::array<std::uint8_t, 20> value{};
  CHECK(code_of([&] { return Digest(HashAlgorithm::sha256, value); }) == ErrorCode::malformed);
  CHECK_NOTHROW(Digest(HashAlgorithm::sha1, value));
}

TEST_CASE("only an unset digest is zero", "[base][digest]") {
  CHECK(Digest().is_zero());
  CHECK(Digest().algorithm() == HashAlgorithm::sha256);
  CHECK_FALSE(sha256("").is_zero());
}

TEST_CASE("digests have an order and a hash", "[base][digest]") {
  CHECK(sha256("abc") < Digest::parse_sha256_hex(std::string(64, 'f')));
  const std::unordered_set<Digest> set = {sha256("a"), sha256("b"), sha256("a")};
  CHECK(set.size() == 2);
}

TEST_CASE("digests that begin alike do not hash alike", "[base][digest]") {
  std::set<std::size_t> hashes;
  for (int i = 0; i < 1000; ++i) {
    const std::string hex = std::string(16, '1') + std::string(40, '0') + fmt::format("{:08x}", i);
    hashes.insert(std::hash<Digest>{}(Digest::parse_sha256_hex(hex)) % 4096);
  }
  CHECK(hashes.size() > 500);  // 886 where they are spread by chance, one where they begin alike and that counts
}

TEST_CASE("a hasher can be looked at, cloned and used again", "[base][digest]") {
  Hasher hasher;
  hasher.update("a");
  CHECK(hasher.peek() == sha256("a"));
  Hasher other = hasher.clone();
  other.update("x");
  hasher.update("bc");
  CHECK(hasher.finish() == sha256("abc"));
  CHECK(other.finish() == sha256("ax"));
  CHECK(hasher.finish() == sha256(""));
  hasher = std::move(other);
  hasher.update("abc");
  CHECK(hasher.finish() == sha256("abc"));
}
