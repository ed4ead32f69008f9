// The agent's side of the protocol with the control plane (control/wire.hpp). One request a call, no retries: who calls
// knows what waiting costs.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/url.hpp"
#include "control/wire.hpp"
#include "http/client.hpp"

namespace airlock::agent {

// "This attempt is not yours (any more)": the token was revoked, the lease ran out, or the deployment is over.
class Disowned : public std::exception {
 public:
  explicit Disowned(std::string why) : m_why(std::move(why)) {}
  const char* what() const noexcept override { return m_why.c_str(); }

 private:
  std::string m_why;
};

// Thread-safe.
class ControlClient {
 public:
  // Once `given_up` says so, nothing is waited for any more: each call but poll throws interrupted. It may be empty.
  ControlClient(http::Client& http, base::Url server, std::function<bool()> given_up = {})
      : m_http(http), m_server(std::move(server)), m_given_up(std::move(given_up)) {}

  struct Poll {
    std::optional<control::Claim> claim;
    std::optional<std::chrono::seconds> wait;  // how long the server asks to stay away
  };
  // Throws auth when the pool's token is refused, interrupted once `given_up` says so and no answer has begun to come,
  // network and upstream otherwise.
  Poll poll(const control::AgentIdentity& identity, const base::Secret& pool_token,
            const std::function<bool()>& given_up);

  // Each throws Disowned, network or upstream.
  // The first one takes what the claim offered: until then the server may offer it again. With `wait` the server holds
  // the answer until the job is cancelled or over, at most so long.
  control::LeaseAnswer renew(const std::string& id, const base::Secret& token, std::chrono::seconds wait);
  // "accepted": offered, and not taken up yet.
  std::string status(const std::string& id, const base::Secret& token);
  void report(const std::string& id, const base::Secret& token, const control::StepReports& reports);
  control::AppendAnswer append(const std::string& id, const base::Secret& token, const control::LogAppend& append);
  control::AppendAnswer append(const std::string& id, const base::Secret& token, const control::RefusedAppend& append);
  void complete(const std::string& id, const base::Secret& token, const control::Completion& completion);

  // The uploaded folder; throws as http::Client::download does.
  void download_source(const std::string& id, const base::Secret& token, base::ByteSink& sink);

  const base::Url& server() const { return m_server; }

 private:
  http::Request request(const std::string& id, std::string_view what, const base::Secret& token) const;
  http::Request post_request(const std::string& id, std::string_view what, const base::Secret& token,
                             std::string body) const;
  http::Response send(const http::Request& request, std::string_view what);
  http::Response post(const std::string& id, std::string_view what, const base::Secret& token, std::string body);
  control::AppendAnswer append_to(const std::string& id, std::string_view what, const base::Secret& token,
                                  std::string body);

  http::Client& m_http;
  base::Url m_server;
  std::function<bool()> m_given_up;
};

}  // namespace airlock::agent
