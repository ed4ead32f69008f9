// Authorization for one registry: Basic, or tokens of a token service (distribution's "Token Authentication"
// and "OAuth2 Token Authentication" specifications; RFC 6749, section 6).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "base/url.hpp"
#include "ecosystem/oci/docker_config.hpp"
#include "http/client.hpp"
#include "http/message.hpp"

namespace airlock::ecosystem::oci {

// What a request needs: "repository:REPO:pull", or several such, separated by spaces.
struct Scope {
  std::string text;
  std::string repository;  // whose credentials are used
};
Scope pull_scope(const std::string& repository);
Scope push_scope(const std::string& repository, const std::string& mount_from = "");

// Learns from the registry's first challenge what it wants, and sends it unasked from then on. Tokens are
// kept by scope until shortly before they expire; threads that need the same one wait for one request.
// Thread-safe.
class Authenticator {
 public:
  using FindCredentials = std::function<Credentials(std::string_view repository)>;
  using Now = std::function<std::chrono::steady_clock::time_point()>;

  // `how_to_log_in` is the hint of an error where there are no credentials.
  Authenticator(http::Client& http, base::Url registry, FindCredentials credentials, std::string how_to_log_in,
                Now now = std::chrono::steady_clock::now);

  // Value of Authorization; empty before a challenge was seen, or where there are no credentials.
  base::Secret authorization(const Scope& scope);
  // What to send after a 401 to a request with `sent`. Throws auth when the registry wants what cannot be
  // given.
  base::Secret answer(const http::Response& unauthorized, const Scope& scope, const base::Secret& sent);
  // Sends, once more after a 401; a second 401 throws auth. `request.authorization` is replaced.
  http::Response send(http::Request request, const Scope& scope);
  // For http::Download::authorize; the object must outlive it.
  std::function<base::Secret(const http::Response*)> for_download(Scope scope);

 private:
  enum class Scheme { unknown, basic, bearer };
  struct Challenged {
    Scheme scheme = Scheme::unknown;
    std::string realm;
    std::string service;
  };
  struct Token {
    std::mutex mutex;  // held while it is asked for
    base::Secret value;
    std::chrono::steady_clock::time_point expires{};
  };
  Challenged challenged() const;
  void learn(const http::Response& unauthorized);
  base::Secret token(const Challenged& challenged, const Scope& scope, const base::Secret& refused);
  base::Error refused_error(const http::Response& response, const Scope& scope) const;

  http::Client& m_http;
  base::Url m_registry;
  FindCredentials m_find_credentials;
  std::string m_how_to_log_in;
  Now m_now;
  mutable std::mutex m_mutex;
  Challenged m_challenged;
  std::map<std::string, std::shared_ptr<Token>> m_tokens;  // by scope
};

}  // namespace airlock::ecosystem::oci
