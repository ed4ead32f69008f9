#include "base/cipher.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include "base/error.hpp"

namespace airlock::base {

namespace {

constexpr std::size_t k_nonce_size = 12;  // bytes
constexpr std::size_t k_tag_size = 16;    // bytes

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

CipherContext make_cipher_context() {
  CipherContext context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  if (!context) {
    throw Error(ErrorCode::internal, "OpenSSL gave no cipher context");
  }
  return context;
}

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* octets(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

void check_seal_sizes(std::string_view key, std::string_view text) {
  if (key.size() != k_seal_key_size) {
    throw Error(ErrorCode::internal, "a key for AES-256 has 32 bytes");
  }
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) - 64) {
    throw Error(ErrorCode::limit, "a text is too large to be sealed at once");
  }
}

}  // namespace

void cleanse(void* memory, std::size_t size) {
  OPENSSL_cleanse(memory, size);
}

void fill_random(std::span<std::uint8_t> buffer) {
  constexpr std::size_t largest_request = 1 << 20;  // RAND_priv_bytes counts in int
  while (!buffer.empty()) {
    const auto part = buffer.first(std::min(buffer.size(), largest_request));
    if (RAND_priv_bytes(part.data(), static_cast<int>(part.size())) != 1) {
      throw Error(ErrorCode::internal, "the OpenSSL random generator gave no bytes");
    }
    buffer = buffer.subspan(part.size());
  }
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string seal(std::string_view key, std::string_view plain, std::string_view bound_to) {
  check_seal_sizes(key, plain);
  std::array<std::uint8_t, k_nonce_size> nonce{};
  fill_random(nonce);
  std::string sealed(k_nonce_size + plain.size() + k_tag_size, '\0');
  std::copy(nonce.begin(), nonce.end(), octets(sealed));
  unsigned char* const body = octets(sealed) + k_nonce_size;
  const auto context = make_cipher_context();
  int size = 0;
  int last = 0;
  const bool done =
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, octets(key), nonce.data()) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &size, octets(bound_to), static_cast<int>(bound_to.size())) == 1 &&
      EVP_EncryptUpdate(context.get(), body, &size, octets(plain), static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(context.get(), body + size, &last) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(k_tag_size), body + plain.size()) == 1;
  if (!done) {
    throw Error(ErrorCode::internal, "OpenSSL could not seal a text with AES-256-GCM");
  }
  return sealed;
}

std::optional<std::string> unseal(std::string_view key, std::string_view sealed, std::string_view bound_to) {
  check_seal_sizes(key, sealed);
  if (sealed.size() < k_nonce_size + k_tag_size) {
    return std::nullopt;
  }
  const std::string_view body = sealed.substr(k_nonce_size, sealed.size() - k_nonce_size - k_tag_size);
  std::array<unsigned char, k_tag_size> tag{};
  std::copy_n(octets(sealed) + k_nonce_size + body.size(), k_tag_size, tag.begin());
  std::string plain(body.size(), '\0');
  const auto context = make_cipher_context();
  int size = 0;
  int last = 0;
  const bool genuine =
      EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, octets(key), octets(sealed)) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &size, octets(bound_to), static_cast<int>(bound_to.size())) == 1 &&
      EVP_DecryptUpdate(context.get(), octets(plain), &size, octets(body), static_cast<int>(body.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(k_tag_size), tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), octets(plain) + size, &last) == 1;
  if (!genuine) {
    cleanse(plain.data(), plain.size());
    return std::nullopt;
  }
  return plain;
}

}  // namespace airlock::base
