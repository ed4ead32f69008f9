#include "ecosystem/oci/auth.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/oci/registry_errors.hpp"
#include "ecosystem/oci/token_service.hpp"

namespace airlock::ecosystem::oci {

using base::Error;
using base::ErrorCode;
using base::Secret;

namespace {

constexpr std::chrono::seconds k_renewed_before{10};

Secret basic_value(const Credentials& credentials) {
  return Secret("Basic " + base::base64_encode(credentials.username + ":" + credentials.password.reveal()));
}

Secret bearer_value(const Secret& token) {
  return Secret("Bearer " + token.reveal());
}

// The registry's own TLS protects what is sent to it; a token service reached without TLS would be a way
// around.
base::Url check_realm(const std::string& realm, const base::Url& registry) {
  const base::Url url = registry.resolve(realm);
  if (registry.scheme() == "https" && url.scheme() != "https") {
    throw Error(ErrorCode::auth, fmt::format("{} sends its clients to a token service without TLS, {}",
                                             registry.origin(), url.redacted()));
  }
  return url;
}

}  // namespace

Scope pull_scope(const std::string& repository) {
  return {fmt::format("repository:{}:pull", repository), repository};
}

Scope push_scope(const std::string& repository, const std::string& mount_from) {
  const std::string mount = mount_from.empty() ? "" : fmt::format(" repository:{}:pull", mount_from);
  return {fmt::format("repository:{}:pull,push{}", repository, mount), repository};
}

Authenticator::Authenticator(http::Client& http, base::Url registry, FindCredentials credentials,
                             std::string how_to_log_in, Now now)
    : m_http(http), m_registry(std::move(registry)), m_find_credentials(std::move(credentials)),
      m_how_to_log_in(std::move(how_to_log_in)), m_now(std::move(now)) {}

Error Authenticator::refused_error(const http::Response& response, const Scope& scope) const {
  Error error = unexpected_answer(response, "access was refused");
  error.with_hint(m_find_credentials(scope.repository).empty()
                      ? m_how_to_log_in
                      : fmt::format("the credentials for {} are not accepted for this; they may be expired or lack the "
                                    "right",
                                    m_registry.host_port()));
  return error;
}

Authenticator::Challenged Authenticator::challenged() const {
  const std::lock_guard lock(m_mutex);
  return m_challenged;
}

void Authenticator::learn(const http::Response& unauthorized) {
  std::vector<http::Challenge> challenges;
  for (const std::string& field : unauthorized.headers.all("WWW-Authenticate")) {
    for (http::Challenge& challenge : http::parse_challenges(field)) {
      challenges.push_back(std::move(challenge));
    }
  }
  const auto of = [&](std::string_view scheme) {
    return std::find_if(challenges.begin(), challenges.end(),
                        [&](const http::Challenge& challenge) { return challenge.scheme == scheme; });
  };
  const std::lock_guard lock(m_mutex);
  if (const auto found = of("bearer"); found != challenges.end() && found->parameter("realm")) {
    const std::string service = found->parameter("service").value_or("");
    m_challenged = {Scheme::bearer, *found->parameter("realm"), service};
  } else if (of("basic") != challenges.end()) {
    m_challenged = {Scheme::basic, "", ""};
  } else {
    throw unexpected_answer(unauthorized, "access was refused")
        .with_hint("the registry names no way of authentication that is known here (Basic, Bearer)");
  }
}

Secret Authenticator::token(const Challenged& challenged, const Scope& scope, const Secret& refused) {
  const Credentials credentials = m_find_credentials(scope.repository);
  if (!credentials.registry_token.empty()) {
    return bearer_value(credentials.registry_token);
  }
  std::shared_ptr<Token> token;
  {
    const std::lock_guard lock(m_mutex);
    std::shared_ptr<Token>& entry = m_tokens[scope.text];
    if (!entry) {
      entry = std::make_shared<Token>();
    }
    token = entry;
  }
  const std::lock_guard lock(token->mutex);
  const bool was_refused = !refused.empty() && token->value.reveal() == refused.reveal();
  if (token->value.empty() || was_refused || m_now() >= token->expires) {
    const IssuedToken issued =
        request_token(m_http, {check_realm(challenged.realm, m_registry), challenged.service, scope.text}, credentials);
    token->value = bearer_value(issued.token);
    token->expires = m_now() + issued.lifetime - k_renewed_before;
  }
  return token->value;
}

Secret Authenticator::authorization(const Scope& scope) {
  const Challenged known = challenged();
  if (known.scheme == Scheme::unknown) {
    return {};
  }
  if (known.scheme == Scheme::bearer) {
    return token(known, scope, {});
  }
  const Credentials credentials = m_find_credentials(scope.repository);
  return credentials.password.empty() ? Secret() : basic_value(credentials);
}

Secret Authenticator::answer(const http::Response& unauthorized, const Scope& scope, const Secret& sent) {
  learn(unauthorized);
  const Challenged known = challenged();
  const Credentials credentials = m_find_credentials(scope.repository);
  Secret value;
  if (known.scheme == Scheme::bearer) {
    value = token(known, scope, sent);
  } else if (!credentials.password.empty()) {
    value = basic_value(credentials);
  }
  if (value.empty() || value.reveal() == sent.reveal()) {
    throw refused_error(unauthorized, scope);
  }
  return value;
}

http::Response Authenticator::send(http::Request request, const Scope& scope) {
  request.authorization = authorization(scope);
  http::Response response = m_http.send(request);
  if (response.status != 401) {
    return response;
  }
  request.authorization = answer(response, scope, request.authorization);
  response = m_http.send(request);
  if (response.status == 401) {
    throw refused_error(response, scope);
  }
  return response;
}

std::function<Secret(const http::Response*)> Authenticator::for_download(Scope scope) {
  struct State {
    std::mutex mutex;
    Secret sent;
    bool answered = false;
  };
  return [this, scope = std::move(scope), state = std::make_shared<State>()](const http::Response* unauthorized) {
    const std::lock_guard lock(state->mutex);
    if (unauthorized == nullptr) {
      state->answered = false;
      state->sent = authorization(scope);
    } else if (std::exchange(state->answered, true)) {
      throw refused_error(*unauthorized, scope);
    } else {
      state->sent = answer(*unauthorized, scope, state->sent);
    }
    return state->sent;
  };
}

}  // namespace airlock::ecosystem::oci
