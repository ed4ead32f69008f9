// Settings of a stack's deployments, and whether they are held.
#include "base/error.hpp"
#include "control/api.hpp"
#include "control/api_json.hpp"
#include "control/configuration.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;
using base::Json;
using http::ServerRequest;

void Api::mount_settings_routes(http::Router& router) {
  const std::string base = "/api/stacks/{org}/{project}/{stack}/deployments";
  user_route(router, "GET", base + "/settings", [this](const ServerRequest& request, const Caller&) {
    const auto settings = m_deployments.settings(stack_of(request));
    if (!settings) {
      throw Error(ErrorCode::not_found, "this stack has no settings");
    }
    return json_response(200, *settings);
  });
  user_route(router, "POST", base + "/settings", [this](const ServerRequest& request, const Caller&) {
    return json_response(
        200, m_deployments.change_settings(stack_of(request), body_json(request), Deployments::Change::merge));
  });
  user_route(router, "PUT", base + "/settings", [this](const ServerRequest& request, const Caller&) {
    return json_response(
        200, m_deployments.change_settings(stack_of(request), body_json(request), Deployments::Change::replace));
  });
  user_route(router, "DELETE", base + "/settings", [this](const ServerRequest& request, const Caller&) {
    m_deployments.remove_settings(stack_of(request));
    return no_content();
  });
  user_route(router, "POST", base + "/settings/encrypt", [this](const ServerRequest& request, const Caller&) {
    const StackName stack = stack_of(request);
    Json value = body_json(request);
    if (value.is_string()) {
      value = Json{{"secret", value}};
    }
    const Json closed = with_closed_secrets(value, m_core.vault, stack);
    if (!closed.is_object() || !closed.contains("ciphertext")) {
      throw Error(ErrorCode::malformed, "the body is no secret value; write {\"secret\": \"…\"}");
    }
    return json_response(200, closed);
  });
  for (const bool paused : {true, false}) {
    user_route(router, "POST", base + (paused ? "/pause" : "/resume"),
               [this, paused](const ServerRequest& request, const Caller&) {
                 m_deployments.pause(stack_of(request), paused);
                 return json_response(200, Json::object());
               });
  }
  user_route(router, "GET", base + "/metadata", [this](const ServerRequest& request, const Caller&) {
    const StackName stack = stack_of(request);
    const std::lock_guard lock(m_core.mutex);
    const bool own = m_core.records.stack(stack).paused;
    const bool all = m_core.records.organization_paused(stack.organization);
    return json_response(200, {{"paused", own || all},
                               {"stackPaused", own},
                               {"organizationPaused", all},
                               {"hasSchedules", false},
                               {"drift", nullptr}});
  });
}

}  // namespace airlock::control
