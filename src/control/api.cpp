#include "control/api.hpp"

#include <charconv>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "control/api_json.hpp"
#include "control/api_paths.hpp"
#include "control/json_fields.hpp"
#include "control/wire_checks.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;
using base::Json;
using http::ServerRequest;
using http::ServerResponse;

namespace {

constexpr std::size_t k_body_limit = 1024 * 1024;  // bytes

// What the client did wrong it is told; everything else is the server's own table and log.
int status_of_refusal(ErrorCode code) {
  switch (code) {
  case ErrorCode::auth:
    return 401;
  case ErrorCode::not_found:
    return 404;
  case ErrorCode::malformed:
  case ErrorCode::usage:
  case ErrorCode::unsupported:
    return 400;
  case ErrorCode::conflict:
    return 409;
  case ErrorCode::limit:
    return 413;
  default:
    return 0;
  }
}

ServerResponse refusal(const Error& error, int status) {
  std::string message = error.message();
  if (!error.hint().empty()) {
    message += "; " + error.hint();
  }
  ServerResponse response = json_response(status, {{"code", status}, {"message", message}});
  if (status == 401) {
    response.headers.set("WWW-Authenticate", "token");
  }
  return response;
}

http::Handler guarded(http::Handler handler) {
  return [handler = std::move(handler)](const ServerRequest& request) {
    try {
      ServerResponse response = handler(request);
      response.headers.set("Cache-Control", "no-store");
      return response;
    } catch (const Error& error) {
      if (const int status = status_of_refusal(error.code()); status != 0) {
        return refusal(error, status);
      }
      throw;
    }
  };
}

}  // namespace

ServerResponse json_response(int status, const Json& json) {
  return ServerResponse::json(status, dump_json(json));
}

ServerResponse no_content() {
  ServerResponse response;
  response.status = 204;
  return response;
}

std::string body_text(const ServerRequest& request) {
  return base::read_all(*request.body, k_body_limit);
}

Json body_json(const ServerRequest& request) {
  return parse_private_json(body_text(request), "the body", {k_body_limit, 16, 10'000});
}

StackName stack_of(const ServerRequest& request) {
  return StackName::parse(
      fmt::format("{}/{}/{}", request.parameter("org"), request.parameter("project"), request.parameter("stack")));
}

std::uint64_t query_number(const ServerRequest& request, std::string_view name, std::uint64_t fallback,
                           std::uint64_t smallest, std::uint64_t largest) {
  const auto text = request.query_value(name);
  if (!text || text->empty()) {
    return fallback;
  }
  std::uint64_t number = 0;
  const auto [end, status] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (status != std::errc() || end != text->data() + text->size() || number < smallest || number > largest) {
    throw Error(ErrorCode::malformed, fmt::format("'{}' is not a number from {} to {}", name, smallest, largest));
  }
  return number;
}

void Api::user_route(http::Router& router, std::string method, std::string pattern, UserHandler handler,
                     http::RouteOptions options) {
  router.add(std::move(method), std::move(pattern),
             guarded([this, handler = std::move(handler)](const ServerRequest& request) {
               return handler(request, m_access.user(request));
             }),
             options);
}

void Api::job_route(http::Router& router, std::string method, std::string_view what, JobHandler handler) {
  router.add(std::move(method), "/api/deployments/{id}/" + std::string(what),
             guarded([this, handler = std::move(handler)](const ServerRequest& request) {
               const auto token = token_of(request.headers);
               const std::string& id = request.parameter("id");
               if (!token || !is_deployment_id(id)) {
                 throw Error(ErrorCode::auth, "a job's token is needed: Authorization: token …");
               }
               m_dispatcher.state(id, *token);  // strangers are turned away before their bodies are read
               return handler(request, id, *token);
             }));
}

void Api::mount(http::Router& router) {
  router.add("GET", std::string(k_poll_path), guarded([this](const ServerRequest& request) {
               const auto token = token_of(request.headers);
               if (request.method != "GET") {
                 return no_content();  // HEAD would throw an offer away
               }
               if (!token) {
                 throw Error(ErrorCode::auth, "a pool's token is needed: Authorization: token …");
               }
               {
                 const std::lock_guard lock(m_core.mutex);
                 m_access.pool_token(*token);
               }
               const AgentIdentity agent = parse_identity(request.query);
               const auto claim = m_dispatcher.poll(*token, agent, request.peer, request.client_gone);
               return claim ? ServerResponse::json(200, print(*claim)) : no_content();
             }));
  mount_agent_routes(router);
  mount_pool_routes(router);
  mount_identity_routes(router);
  mount_token_routes(router);
  mount_settings_routes(router);
  mount_deployment_routes(router);
  mount_organization_routes(router);
  mount_source_routes(router);
}

}  // namespace airlock::control
