// One request to a registry's token service (distribution's "Token Authentication" and "OAuth2 Token
// Authentication").
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "base/url.hpp"
#include "ecosystem/oci/docker_config.hpp"
#include "http/client.hpp"

namespace airlock::ecosystem::oci {

struct TokenRequest {
  base::Url realm;
  std::string service;  // empty where the registry names none
  std::string scopes;   // separated by spaces
};

struct IssuedToken {
  base::Secret token;
  std::chrono::seconds lifetime{60};
};

// GET with Basic where there is a password, without anything for what is public; POST for an identity token.
// Throws auth when it is refused, upstream when the answer is no token.
IssuedToken request_token(http::Client& http, const TokenRequest& request, const Credentials& credentials);

// The body of such an answer, which `name` stands for in messages. Throws upstream.
IssuedToken parse_token_answer(std::string_view body, const std::string& name);

}  // namespace airlock::ecosystem::oci
