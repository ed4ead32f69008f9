#include "base/digest.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "base/text.hpp"

namespace airlock::base {

namespace {

struct Algorithm {
  HashAlgorithm id;
  std::string_view name;
  std::size_t size;
  const char* evp_name;
};

constexpr std::array<Algorithm, 4> k_algorithms = {{
    {HashAlgorithm::sha1, "sha1", 20, "SHA1"},
    {HashAlgorithm::sha256, "sha256", 32, "SHA256"},
    {HashAlgorithm::sha384, "sha384", 48, "SHA384"},
    {HashAlgorithm::sha512, "sha512", 64, "SHA512"},
}};

const Algorithm& describe(HashAlgorithm algorithm) {
  return k_algorithms.at(static_cast<std::size_t>(algorithm));
}

// Fetching walks the providers' tables; it is done once, because a store hashes millions of small files.
const EVP_MD* message_digest(HashAlgorithm algorithm) {
  static const std::array<EVP_MD*, k_algorithms.size()> fetched = [] {
    std::array<EVP_MD*, k_algorithms.size()> all{};
    std::ranges::transform(k_algorithms, all.begin(),
                           [](const Algorithm& a) { return EVP_MD_fetch(nullptr, a.evp_name, nullptr); });
    return all;
  }();
  const EVP_MD* found = fetched.at(static_cast<std::size_t>(algorithm));
  if (found == nullptr) {
    throw Error(ErrorCode::unsupported, "OpenSSL offers no " + std::string(to_string(algorithm)))
        .with_hint("in FIPS mode only what the validated provider offers can be used");
  }
  return found;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return -1;
}

bool is_lower_hex(std::string_view text) {
  return std::ranges::all_of(text, is_hex_digit);
}

Digest from_lower_hex(HashAlgorithm algorithm, std::string_view hex) {
  std::array<std::uint8_t, 64> value{};
  for (std::size_t i = 0; i < hex.size() / 2; ++i) {
    value.at(i) = static_cast<std::uint8_t>(hex_value(hex[2 * i]) * 16 + hex_value(hex[2 * i + 1]));
  }
  return {algorithm, std::span(value).first(hex.size() / 2)};
}

void check(int result) {
  if (result != 1) {
    throw Error(ErrorCode::internal, "OpenSSL could not compute a hash");
  }
}

}  // namespace

std::string_view to_string(HashAlgorithm algorithm) {
  return describe(algorithm).name;
}

std::size_t digest_size(HashAlgorithm algorithm) {
  return describe(algorithm).size;
}

Digest::Digest(HashAlgorithm algorithm, std::span<const std::uint8_t> value) : m_algorithm(algorithm) {
  if (value.size() != digest_size(algorithm)) {
    throw Error(ErrorCode::malformed, "a " + std::string(base::to_string(algorithm)) + " digest has " +
                                          std::to_string(digest_size(algorithm)) + " bytes, not " +
                                          std::to_string(value.size()));
  }
  std::ranges::copy(value, m_value.begin());
}

Digest Digest::parse(std::string_view text) {
  const auto colon = text.find(':');
  if (colon != std::string_view::npos) {
    const auto name = text.substr(0, colon);
    const auto hex = text.substr(colon + 1);
    const auto found = std::ranges::find(k_algorithms, name, &Algorithm::name);
    if (found != k_algorithms.end() && hex.size() == 2 * found->size && is_lower_hex(hex)) {
      return from_lower_hex(found->id, hex);
    }
  }
  throw Error(ErrorCode::malformed, "'" + printable(text, 200) + "' is not a digest")
      .with_hint("a digest is written as sha256:<64 lower-case hexadecimal characters>");
}

Digest Digest::parse_sha256_hex(std::string_view hex) {
  if (!is_sha256_hex(hex)) {
    throw Error(ErrorCode::malformed,
                "'" + printable(hex, 200) + "' is not a SHA-256 in 64 lower-case hexadecimal characters");
  }
  return from_lower_hex(HashAlgorithm::sha256, hex);
}

bool Digest::is_sha256_hex(std::string_view hex) {
  return hex.size() == 64 && is_lower_hex(hex);
}

std::string Digest::hex() const {
  return to_hex(bytes());
}

std::string Digest::to_string() const {
  std::string text(base::to_string(m_algorithm));
  text += ':';
  text += hex();
  return text;
}

bool Digest::is_zero() const {
  return std::ranges::all_of(bytes(), [](std::uint8_t byte) { return byte == 0; });
}

struct Hasher::Impl {
  struct Free {
    void operator()(EVP_MD_CTX* pointer) const { EVP_MD_CTX_free(pointer); }
  };

  explicit Impl(HashAlgorithm wanted) : algorithm(wanted), context(EVP_MD_CTX_new()) {
    if (!context) {
      throw std::bad_alloc();
    }
  }

  HashAlgorithm algorithm;
  std::unique_ptr<EVP_MD_CTX, Free> context;
};

Hasher::Hasher(HashAlgorithm algorithm) : m_impl(std::make_unique<Impl>(algorithm)) {
  check(EVP_DigestInit_ex2(m_impl->context.get(), message_digest(algorithm), nullptr));
}

Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(std::span<const std::byte> data) {
  check(EVP_DigestUpdate(m_impl->context.get(), data.data(), data.size()));
}

void Hasher::update(std::string_view text) {
  update(std::as_bytes(std::span(text)));
}

Digest Hasher::finish() {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> value{};
  unsigned int size = 0;
  check(EVP_DigestFinal_ex(m_impl->context.get(), value.data(), &size));
  check(EVP_DigestInit_ex2(m_impl->context.get(), nullptr, nullptr));
  return {m_impl->algorithm, std::span(value).first(size)};
}

Digest Hasher::peek() const {
  return clone().finish();
}

Hasher Hasher::clone() const {
  Hasher copy(m_impl->algorithm);
  check(EVP_MD_CTX_copy_ex(copy.m_impl->context.get(), m_impl->context.get()));
  return copy;
}

Digest sha256(std::span<const std::byte> data) {
  Hasher hasher;
  hasher.update(data);
  return hasher.finish();
}

Digest sha256(std::string_view text) {
  return sha256(std::as_bytes(std::span(text)));
}

}  // namespace airlock::base

std::size_t std::hash<airlock::base::Digest>::operator()(const airlock::base::Digest& digest) const noexcept {
  // Digests that somebody chose, who knows no digest's content, could all begin alike: each process mixes its own way.
  static const std::array<std::uint64_t, 4> keys = [] {
    const std::string bytes = airlock::base::random_bytes(4 * sizeof(std::uint64_t));
    std::array<std::uint64_t, 4> drawn{};
    std::memcpy(drawn.data(), bytes.data(), bytes.size());
    return drawn;
  }();
  std::array<std::uint64_t, 4> words{};
  std::memcpy(words.data(), digest.bytes().data(), std::min(sizeof words, digest.bytes().size()));
  const auto folded = [&](std::size_t at) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{words[at] ^ keys[at]} * (words[at + 1] ^ keys[at + 1]);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  return folded(0) ^ folded(2);
}
