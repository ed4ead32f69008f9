#include "running_plane.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "control/api_paths.hpp"
#include "support/catch.hpp"

namespace airlock::control {

namespace {

http::ClientOptions direct_client() {
  http::ClientOptions options;
  options.retries = 0;
  options.hosts["127.0.0.1"].proxy = "direct";
  return options;
}

}  // namespace

base::Json Answer::json() const {
  return base::parse_json(body, "an answer");
}

RunningPlane::RunningPlane(const std::function<void(ControlOptions&)>& change) : m_client(direct_client()) {
  m_options.home = m_home.path();
  m_options.lease = std::chrono::seconds(60);
  m_options.lease_grace = std::chrono::milliseconds(100);
  m_options.offer = std::chrono::seconds(60);
  m_options.cancel_grace = std::chrono::milliseconds(300);
  if (change) {
    change(m_options);
  }
  start();
}

RunningPlane::~RunningPlane() {
  m_plane->stop_waiting();
  m_server->stop();
}

void RunningPlane::start() {
  m_plane = std::make_unique<ControlPlane>(m_options);
  http::Router router;
  m_plane->mount(router);
  http::ServerOptions options;
  options.port = m_port;
  m_server = std::make_unique<http::Server>(options, std::move(router));
  m_server->start();
  m_port = m_server->port();
}

void RunningPlane::restart() {
  m_plane->stop_waiting();
  m_server->stop();
  m_server.reset();
  m_plane.reset();
  start();
}

std::string RunningPlane::url() const {
  return fmt::format("http://127.0.0.1:{}", m_port);
}

std::string RunningPlane::admin_token() const {
  return std::string(base::trim(base::read_file(admin_token_file(m_home.path()), 4096)));
}

Answer RunningPlane::send(const std::string& method, const std::string& path, const std::string& token,
                          const std::string& body) {
  http::Request request;
  request.method = method;
  request.url = base::Url::parse(url() + path);
  request.retry = false;
  if (!token.empty()) {
    request.authorization = base::Secret("token " + token);
  }
  request.body = body;
  const http::Response response = m_client.send(request);
  return {response.status, response.body};
}

Answer RunningPlane::user(const std::string& method, const std::string& path, const base::Json& body) {
  return send(method, path, admin_token(), body.is_null() ? "" : body.dump());
}

std::string RunningPlane::make_pool(const std::string& name) {
  const Answer answer = user("POST", "/api/orgs/default/agent-pools", {{"name", name}, {"description", ""}});
  REQUIRE(answer.status == 200);
  return base::string_member(answer.json(), "tokenValue", "a pool");
}

std::string RunningPlane::deploy(const std::string& stack, const std::string& operation, base::Json more) {
  more["operation"] = operation;
  const Answer answer = user("POST", fmt::format("/api/stacks/default/{}/deployments", stack), more);
  INFO(answer.body);
  REQUIRE(answer.status == 202);
  return base::string_member(answer.json(), "id", "a deployment");
}

std::string RunningPlane::state(const std::string& id) {
  const Answer answer = user("GET", "/api/orgs/default/deployments/" + id);
  REQUIRE(answer.status == 200);
  return base::string_member(answer.json().at("airlock"), "state", "a deployment");
}

TestAgent::TestAgent(RunningPlane& plane, std::string pool_token, const std::string& name)
    : m_plane(plane), m_token(std::move(pool_token)) {
  identity.hostname = name;
  identity.pid = "4711";
  identity.platform = "linux/amd64";
  identity.version = "1.0";
  identity.instance = base::sha256(name).hex().substr(0, 16);
  identity.runners = {RunnerKind::process, RunnerKind::docker};
}

Answer TestAgent::poll_raw(int wait) {
  identity.wait = std::chrono::seconds(wait);
  return m_plane.send("GET", fmt::format("{}?{}", k_poll_path, query_text(identity)), m_token);
}

std::optional<Claim> TestAgent::poll(int wait) {
  const Answer answer = poll_raw(wait);
  INFO(answer.body);
  REQUIRE((answer.status == 200 || answer.status == 204));
  if (answer.status == 204) {
    return std::nullopt;
  }
  claim = parse_claim(answer.body);
  return claim;
}

Answer TestAgent::job(const std::string& what, const std::string& body, const std::string& query) {
  const bool get = what == k_status || what == k_source;
  return m_plane.send(get ? "GET" : "POST", deployment_path(claim.deployment_id, what) + query,
                      claim.job_token.reveal(), get ? "" : body);
}

UnixMillis some_moment() {
  return parse_rfc3339_millis("2026-07-01T12:00:00.250Z");
}

Answer TestAgent::log(std::uint64_t step, std::uint64_t offset, const std::vector<std::string>& lines) {
  LogAppend append{step, offset, {}};
  for (const auto& line : lines) {
    append.lines.push_back({some_moment(), line});
  }
  return job("logs", print(append));
}

Answer TestAgent::step(std::uint64_t number, const std::string& name, StepStatus status) {
  StepReport report;
  report.step = number;
  report.name = name;
  report.status = status;
  report.started = some_moment();
  report.updated = some_moment();
  return job("steps", print(StepReports{{report}}));
}

Answer TestAgent::complete(JobResult result, const std::string& message) {
  return job("complete", print(Completion{result, message, std::nullopt}));
}

}  // namespace airlock::control
