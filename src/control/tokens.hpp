// Tokens: shown once, kept as SHA-256, found by the id in them and then compared in constant time.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "http/message.hpp"

namespace airlock::control {

enum class TokenKind { pool, user, job };

// "airlock_pool_<id: 16 hex characters>_<64 hex characters>"; the id is no secret.
struct NewToken {
  std::string id;
  base::Secret value;
  std::string hash;  // 32 bytes
};
NewToken make_token(TokenKind kind);
// The id in a token of that kind; nullopt for anything else.
std::optional<std::string> id_in_token(TokenKind kind, std::string_view token);
bool token_matches(std::string_view token, std::string_view hash);  // in constant time

// What stands in `Authorization: token X` (or `Bearer X`); nullopt where there is none.
std::optional<base::Secret> token_of(const http::Headers& headers);

std::string make_deployment_id();  // random, in the form of a UUID (RFC 9562, version 4)
std::string make_short_id();       // 16 hex characters

}  // namespace airlock::control
