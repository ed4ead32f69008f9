#include "agent/control_client.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "control/api_paths.hpp"

namespace airlock::agent {

namespace {

using base::Error;
using base::ErrorCode;

// A server that says nothing for so long is away.
constexpr std::chrono::seconds k_patience{30};
constexpr std::chrono::seconds k_beyond_hold{10};  // for an answer that was held as long as it may be

base::Secret token_header(const base::Secret& token) {
  return base::Secret("token " + token.reveal());
}

std::optional<std::chrono::seconds> retry_after(const http::Headers& headers) {
  const auto text = headers.find("Retry-After");
  unsigned seconds = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), seconds).ec != std::errc()) {
    return std::nullopt;
  }
  return std::chrono::seconds(std::min(seconds, 3600U));
}

bool is_disowned(int status) {
  return status == 401 || status == 403 || status == 404 || status == 410;
}

}  // namespace

ControlClient::Poll ControlClient::poll(const control::AgentIdentity& identity, const base::Secret& pool_token,
                                        const std::function<bool()>& given_up) {
  http::Request request;
  request.url = m_server.resolve(fmt::format("{}?{}", control::k_poll_path, control::query_text(identity)));
  request.authorization = token_header(pool_token);
  request.redirects = http::Redirects::refuse;
  request.body_limit = control::limits::k_claim;
  request.retry = false;
  request.wait = http::Wait::held;
  request.patience = identity.wait + k_beyond_hold;
  request.given_up = given_up;
  const auto response = m_http.send(request);
  if (response.status == 204) {
    return {std::nullopt, retry_after(response.headers)};
  }
  http::expect_status(response, {200}, "asking for work");
  return {control::parse_claim(response.body), std::nullopt};
}

http::Request ControlClient::request(const std::string& id, std::string_view what, const base::Secret& token) const {
  http::Request request;
  request.url = m_server.resolve(control::deployment_path(id, what));
  request.authorization = token_header(token);
  request.redirects = http::Redirects::refuse;
  request.body_limit = control::limits::k_report;
  request.patience = k_patience;
  request.retry = false;
  request.given_up = m_given_up;
  return request;
}

http::Response ControlClient::send(const http::Request& request, std::string_view what) {
  auto response = m_http.send(request);
  if (is_disowned(response.status)) {
    throw Disowned(fmt::format("the server answered {} to '{}'", response.status, what));
  }
  return response;
}

http::Request ControlClient::post_request(const std::string& id, std::string_view what, const base::Secret& token,
                                          std::string body) const {
  auto post = request(id, what, token);
  post.method = "POST";
  post.headers.add("Content-Type", "application/json");
  post.body = std::move(body);
  return post;
}

http::Response ControlClient::post(const std::string& id, std::string_view what, const base::Secret& token,
                                   std::string body) {
  return send(post_request(id, what, token, std::move(body)), what);
}

std::string ControlClient::status(const std::string& id, const base::Secret& token) {
  const auto response = send(request(id, control::k_status, token), control::k_status);
  http::expect_status(response, {200}, "asking for the status");
  const auto json = base::parse_json(response.body, "a status");
  return json.is_string() ? json.get<std::string>() : std::string();
}

control::LeaseAnswer ControlClient::renew(const std::string& id, const base::Secret& token, std::chrono::seconds wait) {
  const auto what = fmt::format("{}?wait={}", control::k_lease, wait.count());
  auto sent = post_request(id, what, token, "{}");
  sent.wait = http::Wait::held;
  sent.patience = wait + k_beyond_hold;
  const auto response = send(sent, what);
  if (response.status == 409) {
    throw Disowned("the server has given this deployment up");
  }
  http::expect_status(response, {200}, "renewing the lease");
  return control::parse_lease_answer(response.body);
}

void ControlClient::report(const std::string& id, const base::Secret& token, const control::StepReports& reports) {
  const auto response = post(id, control::k_steps, token, control::print(reports));
  if (response.status == 409) {
    throw Disowned("the server has given this deployment up");
  }
  http::expect_status(response, {200, 202, 204}, "reporting steps");
}

control::AppendAnswer ControlClient::append_to(const std::string& id, std::string_view what, const base::Secret& token,
                                               std::string body) {
  const auto response = post(id, what, token, std::move(body));
  http::expect_status(response, {200, 409}, fmt::format("sending {}", what));
  try {
    return control::parse_append_answer(response.body);
  } catch (const Error&) {
    if (response.status == 409) {  // no word on what comes next: nothing of this job is wanted
      throw Disowned("the server has given this deployment up");
    }
    throw;
  }
}

control::AppendAnswer ControlClient::append(const std::string& id, const base::Secret& token,
                                            const control::LogAppend& append) {
  return append_to(id, control::k_logs, token, control::print(append));
}

control::AppendAnswer ControlClient::append(const std::string& id, const base::Secret& token,
                                            const control::RefusedAppend& append) {
  return append_to(id, control::k_refused, token, control::print(append));
}

void ControlClient::complete(const std::string& id, const base::Secret& token, const control::Completion& completion) {
  const auto response = post(id, control::k_complete, token, control::print(completion));
  if (response.status == 409) {
    throw Disowned("the deployment has ended otherwise");
  }
  http::expect_status(response, {200, 202, 204}, "completing the deployment");
}

void ControlClient::download_source(const std::string& id, const base::Secret& token, base::ByteSink& sink) {
  http::Download download;
  download.url = m_server.resolve(control::deployment_path(id, control::k_source));
  download.authorize = [&](const http::Response*) { return token_header(token); };
  m_http.download(download, sink);
}

}  // namespace airlock::agent
