#include "base/cipher.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>

#include "base/error.hpp"

namespace airlock::base {

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

}  // namespace airlock::base
