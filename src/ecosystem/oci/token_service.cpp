#include "ecosystem/oci/token_service.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "ecosystem/oci/registry_errors.hpp"

namespace airlock::ecosystem::oci {

using base::Error;
using base::ErrorCode;
using base::Secret;

namespace {

// The specification: 60 seconds where none are stated, and no service may mean less.
constexpr std::uint64_t k_shortest_lifetime = 60;
constexpr std::uint64_t k_longest_lifetime = 3600;
constexpr std::size_t k_answer_limit = 1024 * 1024;  // bytes

base::Url with_query(const base::Url& url, const std::string& query) {
  const std::string text = url.to_string();
  return base::Url::parse(text + (url.query().empty() ? "?" : "&") + query);
}

http::Request get_request(const TokenRequest& wanted, const Credentials& credentials) {
  std::vector<std::string> query;
  if (!wanted.service.empty()) {
    query.push_back("service=" + base::percent_encode(wanted.service));
  }
  if (!wanted.scopes.empty()) {
    for (const std::string& scope : base::split(wanted.scopes, ' ')) {
      query.push_back("scope=" + base::percent_encode(scope));
    }
  }
  http::Request request;
  if (!credentials.password.empty()) {
    query.push_back("account=" + base::percent_encode(credentials.username));
    request.authorization =
        Secret("Basic " + base::base64_encode(credentials.username + ":" + credentials.password.reveal()));
  }
  request.url = with_query(wanted.realm, base::join(query, "&"));
  return request;
}

http::Request refresh_request(const TokenRequest& wanted, const Secret& identity_token) {
  http::Request request;
  request.method = "POST";
  request.url = wanted.realm;
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  request.body = fmt::format("grant_type=refresh_token&service={}&client_id=airlock&scope={}&refresh_token={}",
                             base::percent_encode(wanted.service), base::percent_encode(wanted.scopes),
                             base::percent_encode(identity_token.reveal()));
  // The body is a secret: it must not follow a redirect to another host.
  request.redirects = http::Redirects::refuse;
  return request;
}

}  // namespace

IssuedToken request_token(http::Client& http, const TokenRequest& wanted, const Credentials& credentials) {
  http::Request request = credentials.identity_token.empty() ? get_request(wanted, credentials)
                                                             : refresh_request(wanted, credentials.identity_token);
  request.body_limit = k_answer_limit;
  const http::Response response = http.send(request);
  if (response.status != 200) {
    throw unexpected_answer(response, "the registry's token service gave no token")
        .with_hint(credentials.empty() ? "no credentials are stored for this registry; the image may be private"
                                       : "the stored credentials may be expired or wrong; log in again");
  }
  return parse_token_answer(response.body, "the answer of " + wanted.realm.redacted());
}

IssuedToken parse_token_answer(std::string_view body, const std::string& name) {
  try {
    const base::Json answer = base::parse_json(body, name);
    std::string token = base::string_member_or(answer, "token", "", name);
    if (token.empty()) {
      token = base::string_member_or(answer, "access_token", "", name);
    }
    if (token.empty() || token.find_first_of("\r\n") != std::string::npos) {
      throw Error(ErrorCode::upstream, name + " holds no token");
    }
    IssuedToken issued;
    issued.token = Secret(std::move(token));
    const std::uint64_t seconds =
        answer.contains("expires_in") ? base::uint_member(answer, "expires_in", name) : k_shortest_lifetime;
    issued.lifetime = std::chrono::seconds(std::clamp(seconds, k_shortest_lifetime, k_longest_lifetime));
    return issued;
  } catch (const Error& error) {
    throw Error(ErrorCode::upstream, error.message());
  }
}

}  // namespace airlock::ecosystem::oci
