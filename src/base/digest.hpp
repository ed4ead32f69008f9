// Digests: the only key for content.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace airlock::base {

enum class HashAlgorithm : std::uint8_t { sha1, sha256, sha384, sha512 };

std::string_view to_string(HashAlgorithm algorithm);  // "sha256"
std::size_t digest_size(HashAlgorithm algorithm);     // bytes

// An algorithm and its value. Blobs are known by SHA-256 only; the others are pins that upstreams state.
class Digest {
 public:
  Digest() = default;  // the SHA-256 of nothing known: all zero; `is_zero()` tells
  Digest(HashAlgorithm algorithm, std::span<const std::uint8_t> value);  // throws malformed on a wrong size

  // "sha256:<lower-case hex>"; throws malformed. Upper-case hex is refused.
  static Digest parse(std::string_view text);
  // 64 lower-case hex characters; throws malformed.
  static Digest parse_sha256_hex(std::string_view hex);
  static bool is_sha256_hex(std::string_view hex);

  HashAlgorithm algorithm() const { return m_algorithm; }
  std::span<const std::uint8_t> bytes() const { return {m_value.data(), digest_size(m_algorithm)}; }
  std::string hex() const;
  std::string to_string() const;  // "sha256:<hex>"
  bool is_zero() const;

  auto operator<=>(const Digest&) const = default;

 private:
  HashAlgorithm m_algorithm = HashAlgorithm::sha256;
  std::array<std::uint8_t, 64> m_value{};
};

// Feeds bytes, gives the digest. Through EVP, so that a validated provider does the work.
class Hasher {
 public:
  explicit Hasher(HashAlgorithm algorithm = HashAlgorithm::sha256);
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void update(std::span<const std::byte> data);
  void update(std::string_view text);
  Digest finish();       // ends this hash and starts the next
  Digest peek() const;   // the digest so far; hashing goes on
  Hasher clone() const;  // an independent hash in the same state

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

Digest sha256(std::span<const std::byte> data);
Digest sha256(std::string_view text);

}  // namespace airlock::base

template <>
struct std::hash<airlock::base::Digest> {
  std::size_t operator()(const airlock::base::Digest& digest) const noexcept;
};
