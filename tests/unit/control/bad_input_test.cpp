// What hostile or broken clients send: nothing of it may change a record or hold up others.
#include <fmt/format.h>

#include <thread>

#include "control/api_paths.hpp"
#include "running_plane.hpp"
#include "support/catch.hpp"

namespace airlock::control {

using base::Json;

namespace {

const std::string k_stack = "/api/stacks/default/shop/prod/deployments";

}  // namespace

TEST_CASE("without a token nothing is told, and errors are JSON with their code", "[bad_input]") {
  RunningPlane plane;
  const std::string pool_token = plane.make_pool();
  for (const auto& [method, path] : std::vector<std::pair<std::string, std::string>>{
           {"GET", k_stack},
           {"POST", k_stack},
           {"GET", k_stack + "/settings"},
           {"GET", "/api/orgs/default/agent-pools"},
           {"POST", "/api/orgs/default/agent-pools"},
           {"GET", "/api/user/tokens"},
           {"PUT", "/api/sources/sha256:" + std::string(64, 'a')},
           {"GET", std::string(k_poll_path) + "?hostname=h"},
           {"POST", deployment_path("01234567-89ab-4def-8123-456789abcdef", "lease")}}) {
    CAPTURE(method, path);
    for (const std::string& token : std::vector<std::string>{
             std::string(), std::string("nonsense"),
             std::string("airlock_user_") + std::string(16, '0') + "_" + std::string(64, '0'), pool_token}) {
      const bool poll = path.starts_with(k_poll_path);
      const Answer answer = plane.send(method, path, token);
      CHECK(answer.status == (poll && token == pool_token ? 400 : 401));
      CHECK(answer.json().at("code") == answer.status);
    }
  }
  // A user's token is none for agents.
  TestAgent agent(plane, plane.admin_token());
  CHECK(agent.poll_raw().status == 401);
}

TEST_CASE("a held poll ends when its token is revoked", "[bad_input]") {
  RunningPlane plane;
  TestAgent agent(plane, plane.make_pool());
  const std::string pool = "/api/orgs/default/agent-pools/p";
  Answer answer;
  std::thread waiting([&] { answer = agent.poll_raw(25); });
  Json shown;
  do {
    shown = plane.user("GET", pool).json();
  } while (shown.at("agents").empty());
  const std::string id = shown.at("airlock").at("tokens").at(0).at("id");
  CHECK(plane.user("DELETE", pool + "/tokens/" + id).status == 204);
  waiting.join();
  CHECK(answer.status == 401);
  plane.deploy();
  CHECK(agent.poll_raw().status == 401);
}

TEST_CASE("a job's token opens its own job and no other", "[bad_input]") {
  RunningPlane plane([](ControlOptions& options) { options.lease = std::chrono::seconds(60); });
  const std::string token = plane.make_pool();
  TestAgent one(plane, token, "one");
  TestAgent two(plane, token, "two");
  plane.deploy("shop/prod");
  plane.deploy("shop/dev");
  REQUIRE(one.poll());
  REQUIRE(two.poll());
  REQUIRE(one.begin().status == 200);
  const std::string other = two.claim.deployment_id;
  for (const auto* what : {"lease", "steps", "logs", "refused", "complete"}) {
    CAPTURE(what);
    const std::string body = std::string(what) == "complete" ? R"({"result":"succeeded"})" : R"({"step":0,"offset":0})";
    CHECK(plane.send("POST", deployment_path(other, what), one.claim.job_token.reveal(), body).status == 401);
  }
  CHECK(plane.send("GET", deployment_path(other, "status"), one.claim.job_token.reveal()).status == 401);
  CHECK(plane.send("GET", deployment_path(other, "source"), one.claim.job_token.reveal()).status == 401);
  CHECK(plane.send("POST", deployment_path(other, "lease"), token, "{}").status == 401);
  CHECK(plane.send("POST", deployment_path(other, "logs"), one.claim.job_token.reveal(), "{").status == 401);
  CHECK(plane.send("GET", k_stack, one.claim.job_token.reveal()).status == 401);
  CHECK(plane.state(other) == "offered");
}

TEST_CASE("bodies that are malformed or too large change nothing", "[bad_input]") {
  RunningPlane plane([](ControlOptions& options) {
    options.lease = std::chrono::seconds(60);
    options.source_limit = 1000;
  });
  TestAgent agent(plane, plane.make_pool());
  const std::string id = plane.deploy();
  REQUIRE(agent.poll());
  REQUIRE(agent.begin().status == 200);
  const std::string large(1'100'000, ' ');
  for (const auto* what : {"steps", "logs", "refused", "complete"}) {
    CAPTURE(what);
    CHECK(agent.job(what, "").status == 400);
    CHECK(agent.job(what, "{").status == 400);
    CHECK(agent.job(what, "[]").status == 400);
    CHECK(agent.job(what, R"({"a":1,"a":2})").status == 400);
    CHECK(agent.job(what, "\xff\xfe").status == 400);
    CHECK(agent.job(what, large).status == 413);
  }
  CHECK(agent.job("logs", R"({"step":0,"offset":0,"lines":[{"timestamp":"2026-07-01T12:00:00Z","line":5}]})").status ==
        400);
  CHECK(agent.job("lease", "{}", "?wait=99").status == 400);
  CHECK(plane.send("POST", k_stack, plane.admin_token(), large).status == 413);
  CHECK(plane.send("POST", k_stack, plane.admin_token(), "nonsense").status == 400);
  const Answer broken = plane.send("PUT", k_stack + "/settings", plane.admin_token(), R"({"a": {"secret": "hunter2)");
  CHECK(broken.status == 400);
  CHECK(broken.body.find("hunter2") == std::string::npos);
  std::string deep;
  for (int i = 0; i < 100; ++i) {
    deep += "{\"a\":";
  }
  CHECK(plane.send("PUT", k_stack + "/settings", plane.admin_token(), deep).status >= 400);
  const std::string digest = "sha256:" + std::string(64, 'a');
  CHECK(plane.send("PUT", "/api/sources/" + digest, plane.admin_token(), std::string(1001, 'x')).status == 413);
  CHECK(plane.send("PUT", "/api/sources/" + digest, plane.admin_token(), "").status == 400);
  CHECK(plane.send("PUT", "/api/sources/sha512:" + std::string(128, 'a'), plane.admin_token(), "x").status == 400);
  CHECK(plane.send("PUT", "/api/sources/..%2f..%2fx", plane.admin_token(), "x").status == 400);
  CHECK(plane.send("POST", "/api/deployments/..%2f..%2fx/lease", agent.claim.job_token.reveal(), "{}").status >= 400);
  CHECK(plane.state(id) == "running");
  CHECK(agent.complete(JobResult::succeeded).status == 200);
}

TEST_CASE("lines that come twice, late or too early are told where to go on", "[bad_input]") {
  RunningPlane plane([](ControlOptions& options) {
    options.lease = std::chrono::seconds(60);
    options.logs.bytes = 200;
  });
  TestAgent agent(plane, plane.make_pool());
  const std::string id = plane.deploy();
  REQUIRE(agent.poll());
  REQUIRE(agent.begin().status == 200);
  REQUIRE(agent.step(0, "Setup", StepStatus::running).status == 200);
  const auto next = [](const Answer& answer) { return parse_append_answer(answer.body).next; };
  CHECK(next(agent.log(0, 0, {"a\n", "b\n"})) == 2);
  CHECK(next(agent.log(0, 0, {"a\n", "b\n"})) == 2);
  CHECK(next(agent.log(0, 1, {"b\n", "c\n"})) == 3);
  const Answer early = agent.log(0, 9, {"z\n"});
  CHECK(early.status == 409);
  CHECK(next(early) == 3);
  CHECK(next(agent.log(0, 3, {})) == 3);
  CHECK(agent.log(199, 0, {"other step\n"}).status == 200);
  CHECK(agent.job("logs", R"({"step":200,"offset":0,"lines":[]})").status == 400);
  const Answer full = agent.log(0, 3, {std::string(150, 'x') + "\n", std::string(150, 'y') + "\n", "end\n"});
  CHECK(full.status == 200);
  CHECK(parse_append_answer(full.body).truncated);
  CHECK(next(full) == 6);
  CHECK(agent.log(0, 6, {"more\n"}).status == 200);
  CHECK(agent.complete(JobResult::succeeded).status == 200);
  const Json shown = plane.user("GET", "/api/orgs/default/deployments/" + id).json();
  CHECK(shown.at("airlock").at("logTruncated") == true);
  const std::string log = plane.user("GET", k_stack + "/" + id + "/logs").body;
  CHECK(log.find("[the log ends here") != std::string::npos);
  CHECK(log.find("more") == std::string::npos);
}

TEST_CASE("an agent that hangs up while it waits is given nothing", "[bad_input]") {
  RunningPlane plane([](ControlOptions& options) { options.offer = std::chrono::seconds(60); });
  const std::string token = plane.make_pool();
  {
    TestAgent gone(plane, token, "gone");
    // A poll of its own connection, which closes before there is work.
    http::ClientOptions options;
    options.retries = 0;
    options.stall_timeout = std::chrono::seconds(1);
    options.hosts["127.0.0.1"].proxy = "direct";
    http::Client client(options);
    http::Request request;
    gone.identity.wait = std::chrono::seconds(25);
    request.url = base::Url::parse(plane.url() + std::string(k_poll_path) + "?" + query_text(gone.identity));
    request.authorization = base::Secret("token " + token);
    request.retry = false;
    CHECK_THROWS(client.send(request));
  }
  const std::string id = plane.deploy();
  CHECK(plane.state(id) == "queued");
  TestAgent agent(plane, token);
  REQUIRE(agent.poll(5));
  CHECK(agent.claim.deployment_id == id);
  CHECK(agent.claim.attempt == 1);
}

}  // namespace airlock::control
