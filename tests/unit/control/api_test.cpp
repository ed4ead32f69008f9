// The users' API, in its public shapes.
#include <fmt/format.h>
#include <sys/stat.h>

#include <thread>

#include "base/lock_holder.hpp"
#include "base/sqlite.hpp"
#include "base/text.hpp"
#include "control/control_db.hpp"
#include "running_plane.hpp"
#include "support/catch.hpp"

namespace airlock::control {

using base::Json;

namespace {

const std::string k_stack = "/api/stacks/default/shop/prod/deployments";

// Everything that lies in the home, as one text.
std::string everything_in(const base::fs::path& folder) {
  std::string all;
  for (const auto& entry : base::fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      all += base::read_file(entry.path(), 1 << 26);
    }
  }
  return all;
}

std::string lines_of(const Json& page) {
  std::string text;
  for (const Json& line : page.at("lines")) {
    text +=
        line.contains("header") ? "[" + line.at("header").get<std::string>() + "]" : line.at("line").get<std::string>();
  }
  return text;
}

}  // namespace

TEST_CASE("pools are made, listed, changed and deleted", "[api]") {
  RunningPlane plane;
  const std::string pools = "/api/orgs/default/agent-pools";
  CHECK(plane.user("GET", pools).json().at("agentPools").empty());
  const Json made = plane.user("POST", pools, {{"name", "prod"}, {"description", "d"}}).json();
  CHECK(made.at("tokenValue").get<std::string>().starts_with("airlock_pool_"));
  CHECK(plane.user("POST", pools, {{"name", "prod"}}).status == 409);
  CHECK(plane.user("POST", pools, {{"name", "a b"}}).status == 400);
  const Json list = plane.user("GET", pools).json();
  CHECK(list.at("defaultAgentPoolID") == made.at("id"));
  CHECK(list.at("agentPools").at(0).at("status") == "offline");
  TestAgent agent(plane, made.at("tokenValue"));
  CHECK(agent.poll_raw().status == 204);
  const std::string one = pools + "/" + made.at("id").get<std::string>();
  const Json shown = plane.user("GET", one).json();
  REQUIRE(shown.at("agents").size() == 1);
  CHECK(shown.at("agents").at(0).at("hostname") == "agent-1");
  CHECK(shown.at("agents").at(0).at("pid") == "4711");
  CHECK(shown.at("agents").at(0).at("ip") == "127.0.0.1");
  CHECK(shown.at("agents").at(0).at("status") == "online");
  CHECK(plane.user("PATCH", one, {{"description", "e"}}).json().at("description") == "e");
  CHECK(plane.user("GET", pools + "/prod").json().at("description") == "e");
  plane.deploy();
  CHECK(plane.user("DELETE", one).status == 400);
  CHECK(plane.user("DELETE", one + "?force=true").status == 204);
  CHECK(plane.user("GET", one).status == 404);
  CHECK(agent.poll_raw().status == 401);
}

TEST_CASE("two tokens of a pool may live, and each is shown once", "[api]") {
  RunningPlane plane;
  const std::string first = plane.make_pool();
  const std::string tokens = "/api/orgs/default/agent-pools/p/tokens";
  const Json second = plane.user("POST", tokens).json();
  CHECK(plane.user("POST", tokens).status == 409);
  TestAgent one(plane, first);
  TestAgent two(plane, second.at("tokenValue"));
  CHECK(one.poll_raw().status == 204);
  CHECK(two.poll_raw().status == 204);
  const Json listed = plane.user("GET", tokens).json().at("tokens");
  REQUIRE(listed.size() == 2);
  CHECK(listed.at(0).at("lastUsed").get<std::uint64_t>() > 0);
  CHECK(listed.dump().find(first) == std::string::npos);
  const std::string kept = everything_in(plane.home());
  CHECK(kept.find(first) == std::string::npos);
  CHECK(kept.find(second.at("tokenValue").get<std::string>()) == std::string::npos);
  CHECK(plane.user("DELETE", tokens + "/" + second.at("id").get<std::string>()).status == 204);
  CHECK(two.poll_raw().status == 401);
  CHECK(one.poll_raw().status == 204);
  CHECK(plane.user("DELETE", tokens + "/" + second.at("id").get<std::string>()).status == 404);
  CHECK(plane.user("POST", tokens).status == 200);
}

TEST_CASE("a request is answered although the use of its token cannot be noted", "[api]") {
  RunningPlane plane;
  base::Database database(control_folder(plane.home()) / "control.db", base::DatabaseMode::read_write);
  database.execute("CREATE TRIGGER refuse BEFORE UPDATE ON user_tokens BEGIN SELECT RAISE(ABORT, 'the disk is full'); "
                   "END");
  CHECK(plane.user("GET", "/api/orgs/default/agent-pools").status == 200);
  CHECK(plane.send("GET", "/api/orgs/default/agent-pools", "no-token").status == 401);
}

TEST_CASE("deployments are listed in pages, shown and counted", "[api]") {
  RunningPlane plane;
  TestAgent agent(plane, plane.make_pool());
  for (int i = 0; i < 5; ++i) {
    plane.deploy();
  }
  const std::string other = plane.deploy("shop/dev");
  const Json page = plane.user("GET", k_stack + "?pageSize=2&page=2").json();
  CHECK(page.at("total") == 5);
  CHECK(page.at("itemsPerPage") == 2);
  REQUIRE(page.at("deployments").size() == 2);
  CHECK(page.at("deployments").at(0).at("version") == 3);
  CHECK(page.at("deployments").at(0).at("agentPool").at("name") == "p");
  CHECK(plane.user("GET", k_stack + "?asc=true").json().at("deployments").at(0).at("version") == 1);
  CHECK(plane.user("GET", k_stack + "?pageSize=101").status == 400);
  CHECK(plane.user("GET", k_stack + "?page=0").status == 400);
  CHECK(plane.user("GET", k_stack + "?status=odd").status == 400);
  CHECK(plane.user("GET", k_stack + "?status=running").json().at("total") == 0);
  CHECK(plane.user("GET", "/api/orgs/default/deployments").json().at("total") == 6);
  const Json shown = plane.user("GET", k_stack + "/version/2").json();
  CHECK(shown.at("version") == 2);
  CHECK(shown.at("latestVersion") == 5);
  CHECK(shown.at("status") == "not-started");
  CHECK(shown.at("pulumiOperation") == "update");
  CHECK(shown.at("requestedBy").at("name") == "local");
  CHECK(shown.at("jobs").empty());
  CHECK(shown.at("created").get<std::string>().size() == std::string("2026-07-01 12:00:00.000").size());
  CHECK(plane.user("GET", k_stack + "/" + other).status == 404);
  CHECK(plane.user("GET", k_stack + "/version/99").status == 404);
  CHECK(plane.user("GET", k_stack + "/version/x").status == 400);
  CHECK(plane.user("GET", k_stack + "/" + shown.at("id").get<std::string>() + "/updates").json() == Json::array());
  const Json counts = plane.user("GET", "/api/orgs/default/deployments/metadata").json().at("deploymentCounts");
  CHECK(counts.at("notStarted") == 6);
  CHECK(counts.at("total") == 6);
}

TEST_CASE("a request that cannot be run is refused when it is made", "[api]") {
  RunningPlane plane;
  const auto create = [&](const Json& body) { return plane.user("POST", k_stack, body); };
  CHECK(create({{"operation", "update"}}).body.find("pool") != std::string::npos);
  plane.make_pool();
  CHECK(create(Json::object()).status == 400);
  CHECK(create({{"operationContext", {{"operation", "update"}}}}).status == 400);
  CHECK(create({{"operation", "explode"}}).status == 400);
  CHECK(create({{"operation", "update"}, {"agentPoolID", "nowhere"}}).status == 400);
  CHECK(
      create({{"operation", "update"}, {"sourceContext", {{"archive", {{"sha256", std::string(64, 'a')}}}}}}).status ==
      400);
  CHECK(create({{"operation", "update"}, {"agentPoolID", nullptr}}).status == 202);
  CHECK(plane.user("POST", "/api/stacks/default/shop/a%20b/deployments", {{"operation", "update"}}).status == 400);
}

TEST_CASE("settings are merged, replaced, inherited and deleted", "[api]") {
  RunningPlane plane;
  TestAgent agent(plane, plane.make_pool());
  const std::string settings = k_stack + "/settings";
  CHECK(plane.user("GET", settings).status == 404);
  CHECK(plane.user("DELETE", settings).status == 404);
  CHECK(plane.user("POST", k_stack + "/pause").status == 400);
  const Json first = {{"operationContext", {{"environmentVariables", {{"A", "1"}, {"S", {{"secret", "hunter2-s"}}}}}}},
                      {"airlock", {{"tool", "tofu"}}}};
  CHECK(plane.user("PUT", settings, first).status == 200);
  const Json patch = {{"operationContext", {{"environmentVariables", {{"A", nullptr}, {"B", "2"}}}}}};
  const Json after = plane.user("POST", settings, patch).json();
  CHECK_FALSE(after.at("operationContext").at("environmentVariables").contains("A"));
  CHECK(after.at("airlock").at("tool") == "tofu");
  CHECK(plane.user("GET", settings).body.find("hunter2-s") == std::string::npos);
  CHECK(plane.user("PUT", settings, {{"airlock", {{"tool", "make"}}}}).status == 400);
  // What was given back can be put again.
  CHECK(plane.user("PUT", settings, after).status == 200);
  const std::string id = plane.deploy("shop/prod", "update", {{"airlock", {{"runner", "docker"}}}});
  REQUIRE(agent.poll());
  CHECK(agent.claim.job.tool == Tool::tofu);
  CHECK(agent.claim.job.runner == RunnerKind::docker);
  REQUIRE(agent.claim.job.environment.size() == 2);
  CHECK(agent.claim.job.environment[1].value.reveal() == "hunter2-s");
  CHECK(agent.complete(JobResult::succeeded).status == 200);
  plane.deploy("shop/prod", "update", {{"inheritSettings", false}});
  REQUIRE(agent.poll());
  CHECK(agent.claim.job.tool == Tool::pulumi);
  CHECK(agent.claim.job.environment.empty());
  CHECK(plane.user("DELETE", settings).status == 204);
  CHECK(plane.user("GET", settings).status == 404);
}

TEST_CASE("a secret is nowhere in plain but with the agent", "[api]") {
  RunningPlane plane;
  TestAgent agent(plane, plane.make_pool());
  const std::string encrypted = plane.user("POST", k_stack + "/settings/encrypt", {{"secret", "hunter2-e"}}).body;
  CHECK(encrypted.find("ciphertext") != std::string::npos);
  CHECK(encrypted.find("hunter2-e") == std::string::npos);
  CHECK(plane.user("POST", k_stack + "/settings/encrypt", {{"x", 1}}).status == 400);
  const Json document = {
      {"operationContext",
       {{"environmentVariables", {{"E", Json::parse(encrypted)}, {"D", {{"secret", "hunter2-d"}}}, {"P", "plain"}}}}},
      {"sourceContext",
       {{"git", {{"repoUrl", "https://git.site.example/a"}, {"gitAuth", {{"accessToken", "hunter2-t"}}}}}}}};
  const std::string id = plane.deploy("shop/prod", "update", document);
  const std::string shown = plane.user("GET", k_stack + "/" + id).body;
  CHECK(shown.find("hunter2") == std::string::npos);
  const Json variables = Json::parse(shown).at("configuration").at("environmentVariables");
  CHECK(variables.size() == 3);
  CHECK(plane.user("GET", k_stack).body.find("hunter2") == std::string::npos);
  CHECK(everything_in(plane.home()).find("hunter2") == std::string::npos);
  REQUIRE(agent.poll());
  CHECK(agent.claim.job.source->password.reveal() == "hunter2-t");
  std::string values;
  for (const auto& each : agent.claim.job.environment) {
    values += each.value.reveal() + (each.secret ? "! " : " ");
  }
  CHECK(values == "hunter2-d! hunter2-e! plain ");
  CHECK(everything_in(plane.home()).find("hunter2") == std::string::npos);
}

TEST_CASE("a paused stack keeps its queue", "[api]") {
  RunningPlane plane;
  TestAgent agent(plane, plane.make_pool());
  plane.user("PUT", k_stack + "/settings", Json::object());
  CHECK(plane.user("POST", k_stack + "/pause").status == 200);
  CHECK(plane.user("GET", k_stack + "/metadata").json().at("stackPaused") == true);
  const std::string id = plane.deploy();
  CHECK_FALSE(agent.poll());
  CHECK(plane.user("POST", k_stack + "/resume").status == 200);
  CHECK(plane.user("POST", "/api/orgs/default/deployments/pause").status == 200);
  CHECK_FALSE(agent.poll());
  CHECK(plane.user("GET", k_stack + "/metadata").json().at("organizationPaused") == true);
  CHECK(plane.user("POST", "/api/orgs/default/deployments/resume").status == 200);
  CHECK(agent.poll()->deployment_id == id);
}

TEST_CASE("logs are read in both modes, also while they grow", "[api]") {
  RunningPlane plane;
  TestAgent agent(plane, plane.make_pool());
  const std::string id = plane.deploy();
  const std::string logs = k_stack + "/" + id + "/logs";
  const Json waiting = plane.user("GET", logs + "?wait=0").json();
  CHECK(waiting.at("lines").empty());
  REQUIRE(agent.poll());
  REQUIRE(agent.begin().status == 200);
  agent.step(0, "Setup", StepStatus::running);
  agent.log(0, 0, {"a\n", "b\n"});
  const std::string token = waiting.at("nextToken");
  const Json first = plane.user("GET", logs + "?continuationToken=" + token).json();
  CHECK(lines_of(first) == "[Setup]a\nb\n");
  CHECK(first.at("lines").at(1).at("timestamp") == "2026-07-01T12:00:00.250Z");
  const std::string second_token = first.at("nextToken");
  CHECK(plane.user("GET", logs + "?wait=0&continuationToken=" + second_token).json().at("nextToken") == second_token);
  Json second;
  std::thread reader([&] { second = plane.user("GET", logs + "?wait=20&continuationToken=" + second_token).json(); });
  agent.log(0, 2, {"c\n"});
  reader.join();
  CHECK(lines_of(second) == "c\n");
  agent.step(0, "Setup", StepStatus::succeeded);
  agent.step(1, "pulumi update", StepStatus::running);
  agent.log(1, 0, {"d\n"});
  const Json third = plane.user("GET", logs + "?wait=0&nextToken=" + second.at("nextToken").get<std::string>()).json();
  CHECK(lines_of(third) == "[Run pulumi update]d\n");
  agent.complete(JobResult::succeeded);
  const Json last = plane.user("GET", logs + "?continuationToken=" + third.at("nextToken").get<std::string>()).json();
  CHECK(last.at("lines").empty());
  CHECK_FALSE(last.contains("nextToken"));
  CHECK(lines_of(plane.user("GET", logs).json()) == "[Setup]a\nb\nc\n[Run pulumi update]d\n");

  const Json page = plane.user("GET", logs + "?job=0&step=0&offset=1&count=1").json();
  CHECK(lines_of(page) == "b\n");
  CHECK(page.at("nextOffset") == 2);
  CHECK_FALSE(plane.user("GET", logs + "?job=0&step=0&offset=2").json().contains("nextOffset"));
  CHECK(plane.user("GET", logs + "?job=0&step=0&count=500").status == 400);
  CHECK(plane.user("GET", logs + "?continuationToken=x").status == 400);
}

TEST_CASE("refused attempts are shown with the deployment", "[api]") {
  RunningPlane plane;
  TestAgent agent(plane, plane.make_pool());
  const std::string id = plane.deploy();
  REQUIRE(agent.poll());
  REQUIRE(agent.begin().status == 200);
  agent.step(0, "Download dependencies", StepStatus::running);
  const RefusedAppend append{0, {{some_moment(), 0, "leak.example", 443, "tcp", "curl", 2}}};
  CHECK(agent.job("refused", print(append)).status == 200);
  CHECK(parse_append_answer(agent.job("refused", print(append)).body).next == 1);
  CHECK(agent.job("refused", print(RefusedAppend{5, append.attempts})).status == 409);
  const Json refused = plane.user("GET", k_stack + "/" + id).json().at("airlock").at("refused");
  REQUIRE(refused.size() == 1);
  CHECK(refused.at(0).at("target") == "leak.example");
  CHECK(refused.at(0).at("port") == 443);
  CHECK(refused.at(0).at("process") == "curl");
  CHECK(refused.at(0).at("stepName") == "Download dependencies");
  CHECK(refused.at(0).at("count") == 2);
}

TEST_CASE("where a server that was killed answered is forgotten before another one opens its records", "[api]") {
  const base::TempDir home;
  base::make_directories(home.path() / "control", 0700);
  base::write_file_atomic(server_address_file(home.path()), "{}", 0600);
  ControlOptions options;
  options.home = home.path();
  const ControlPlane plane(options);
  CHECK(base::is_locked(server_lock_file(home.path())));
  CHECK_FALSE(base::fs::exists(server_address_file(home.path())));
}

TEST_CASE("the local user's token is a private file, made anew when it is lost", "[api]") {
  RunningPlane plane;
  struct stat about = {};
  REQUIRE(::stat(admin_token_file(plane.home()).c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
  REQUIRE(::stat((plane.home() / "control").c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0700);
  const std::string before = plane.admin_token();
  plane.restart();
  CHECK(plane.admin_token() == before);
  base::fs::remove(admin_token_file(plane.home()));
  plane.restart();
  CHECK(plane.admin_token() != before);
  CHECK(plane.send("GET", "/api/orgs/default/agent-pools", before).status == 401);
  const Json made = plane.user("POST", "/api/user/tokens", {{"description", "alice"}}).json();
  const std::string alice = made.at("tokenValue");
  plane.make_pool();
  CHECK(plane.send("POST", k_stack, alice, R"({"operation":"preview"})").status == 202);
  CHECK(plane.user("GET", k_stack).json().at("deployments").at(0).at("initiator") == "alice");
  CHECK(plane.user("DELETE", "/api/user/tokens/" + made.at("id").get<std::string>()).status == 204);
  CHECK(plane.send("GET", k_stack, alice).status == 401);
}

}  // namespace airlock::control
