// Who the caller is, and which stacks are known: what clients of this API ask first. The state
// of a stack is its backend's; here it has none.
#include <fmt/format.h>

#include <set>

#include "base/error.hpp"
#include "control/api.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;
using base::Json;
using http::ServerRequest;

void Api::mount_identity_routes(http::Router& router) {
  user_route(router, "GET", "/api/user", [this](const ServerRequest&, const Caller& caller) {
    std::set<std::string> names{"default"};
    {
      const std::lock_guard lock(m_core.mutex);
      names.merge(m_core.records.organizations());
    }
    Json organizations = Json::array();
    for (const std::string& name : names) {
      organizations.push_back({{"githubLogin", name}, {"name", name}, {"avatarUrl", ""}});
    }
    return json_response(200, {{"id", caller.token_id},
                               {"githubLogin", caller.name},
                               {"name", caller.name},
                               {"email", ""},
                               {"avatarUrl", ""},
                               {"organizations", std::move(organizations)},
                               {"tokenInfo", {{"name", caller.name}}}});
  });
  user_route(router, "GET", "/api/user/organizations/default", [](const ServerRequest&, const Caller&) {
    return json_response(200, {{"GitHubLogin", "default"}, {"Messages", Json::array()}});
  });
  user_route(router, "GET", "/api/stacks/{org}/{project}/{stack}", [this](const ServerRequest& request, const Caller&) {
    const StackName stack = stack_of(request);
    const std::lock_guard lock(m_core.mutex);
    const StackRecord record = m_core.records.stack(stack);
    if (!record.settings && record.last_version == 0) {
      throw Error(ErrorCode::not_found, fmt::format("nothing is known of the stack '{}' here", stack.to_string()))
          .with_hint("give it settings, or deploy to it");
    }
    return json_response(200, {{"id", stack.to_string()},
                               {"orgName", stack.organization},
                               {"projectName", stack.project},
                               {"stackName", stack.stack},
                               {"activeUpdate", ""},
                               {"tags", Json::object()},
                               {"version", 0}});
  });
}

}  // namespace airlock::control
