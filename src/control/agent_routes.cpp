// What an agent calls while it runs a job (docs/formats/deployments-api.md).
#include "base/error.hpp"
#include "control/api.hpp"
#include "control/api_json.hpp"
#include "control/api_paths.hpp"

namespace airlock::control {

using base::Json;
using http::ServerRequest;
using http::ServerResponse;

namespace {

ServerResponse append_response(const LogStore::Appended& appended) {
  return ServerResponse::json(appended.gap ? 409 : 200, print(appended.answer));
}

}  // namespace

void Api::mount_agent_routes(http::Router& router) {
  job_route(router, "POST", k_lease, [this](const ServerRequest& request, const std::string& id, const auto& token) {
    const std::chrono::seconds wait(query_number(request, "wait", 0, 0, 20));
    return ServerResponse::json(200, print(m_dispatcher.renew(id, token, wait, request.client_gone)));
  });
  job_route(router, "POST", k_steps, [this](const ServerRequest& request, const std::string& id, const auto& token) {
    m_dispatcher.report_steps(id, token, parse_step_reports(body_text(request)));
    return json_response(200, Json::object());
  });
  job_route(router, "POST", k_logs, [this](const ServerRequest& request, const std::string& id, const auto& token) {
    return append_response(m_dispatcher.append_log(id, token, parse_log_append(body_text(request))));
  });
  job_route(router, "POST", k_refused, [this](const ServerRequest& request, const std::string& id, const auto& token) {
    return append_response(m_dispatcher.append_refused(id, token, parse_refused_append(body_text(request))));
  });
  job_route(router, "POST", k_complete, [this](const ServerRequest& request, const std::string& id, const auto& token) {
    const Completion completion = parse_completion(body_text(request));
    if (completion.result == JobResult::failed) {
      doubt_source(id, token);  // before it ends, as its token opens less afterwards
    }
    m_dispatcher.complete(id, token, completion);
    return json_response(200, Json::object());
  });
  job_route(router, "GET", k_status, [this](const ServerRequest&, const std::string& id, const auto& token) {
    return json_response(200, api_status(m_dispatcher.state(id, token)));
  });
  job_route(router, "GET", k_source, [this](const ServerRequest&, const std::string& id, const auto& token) {
    std::string sha256;
    base::FileSlice slice = m_dispatcher.source(id, token, sha256);
    return ServerResponse::file(std::move(slice), "application/gzip", "sha256:" + sha256);
  });
}

}  // namespace airlock::control
