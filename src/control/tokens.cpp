#include "control/tokens.hpp"

#include <fmt/format.h>

#include "base/digest.hpp"
#include "base/text.hpp"

namespace airlock::control {

namespace {

constexpr std::size_t k_id_size = 16;      // hex characters
constexpr std::size_t k_secret_size = 64;  // hex characters
constexpr std::size_t k_longest_token = 256;

std::string random_hex(std::size_t bytes) {
  const std::string random = base::random_bytes(bytes);
  return base::to_hex({reinterpret_cast<const std::uint8_t*>(random.data()), random.size()});
}

std::string_view prefix_of(TokenKind kind) {
  switch (kind) {
  case TokenKind::pool:
    return "airlock_pool_";
  case TokenKind::user:
    return "airlock_user_";
  case TokenKind::job:
    break;
  }
  return "airlock_job_";
}

std::string hash_of(std::string_view token) {
  const base::Digest digest = base::sha256(token);
  const auto bytes = digest.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

NewToken make_token(TokenKind kind) {
  NewToken token;
  token.id = random_hex(k_id_size / 2);
  token.value = base::Secret(fmt::format("{}{}_{}", prefix_of(kind), token.id, random_hex(k_secret_size / 2)));
  token.hash = hash_of(token.value.reveal());
  return token;
}

std::optional<std::string> id_in_token(TokenKind kind, std::string_view token) {
  const auto prefix = prefix_of(kind);
  if (!token.starts_with(prefix) || token.size() != prefix.size() + k_id_size + 1 + k_secret_size) {
    return std::nullopt;
  }
  const auto id = token.substr(prefix.size(), k_id_size);
  if (!is_hex(id) || token[prefix.size() + k_id_size] != '_' || !is_hex(token.substr(prefix.size() + k_id_size + 1))) {
    return std::nullopt;
  }
  return std::string(id);
}

bool token_matches(std::string_view token, std::string_view hash) {
  return base::constant_time_equal(hash_of(token), hash);
}

std::optional<base::Secret> token_of(const http::Headers& headers) {
  const auto field = headers.find("Authorization");
  if (!field) {
    return std::nullopt;
  }
  for (const std::string_view scheme : {"token ", "bearer "}) {
    if (base::starts_with_ignoring_case(*field, scheme)) {
      const auto token = base::trim(std::string_view(*field).substr(scheme.size()));
      if (!token.empty() && token.size() <= k_longest_token) {
        return base::Secret(std::string(token));
      }
    }
  }
  return std::nullopt;
}

std::string make_deployment_id() {
  std::string hex = random_hex(16);
  hex[12] = '4';
  hex[16] = "89ab"[static_cast<unsigned char>(hex[16]) % 4];
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4), hex.substr(16, 4),
                     hex.substr(20));
}

std::string make_short_id() {
  return random_hex(k_id_size / 2);
}

}  // namespace airlock::control
