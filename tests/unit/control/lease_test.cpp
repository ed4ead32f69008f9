// Who gets a deployment, for how long, and what becomes of it without its agent. Nothing here asserts a time: each test
// waits for a state.
#include <atomic>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "base/sqlite.hpp"
#include "control/control_db.hpp"
#include "running_plane.hpp"
#include "support/catch.hpp"

namespace airlock::control {

using base::Json;

namespace {

// Until the deployment is in that state; gives up after a time that no healthy run needs.
bool becomes(RunningPlane& plane, const std::string& id, const std::string& state) {
  for (int i = 0; i < 1000; ++i) {
    if (plane.state(id) == state) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

void short_offer(ControlOptions& options) {
  options.offer = std::chrono::seconds(1);
}

void short_lease(ControlOptions& options) {
  options.lease = std::chrono::seconds(1);
}

std::string reason(RunningPlane& plane, const std::string& id) {
  return plane.user("GET", "/api/orgs/default/deployments/" + id).json().at("airlock").at("reason");
}

}  // namespace

TEST_CASE("an agent runs a deployment from claim to end", "[lease]") {
  RunningPlane plane;
  TestAgent agent(plane, plane.make_pool());
  CHECK(agent.poll_raw().status == 204);
  const std::string id = plane.deploy("shop/prod", "update", {{"operationContext", {{"preRunCommands", {"make"}}}}});
  CHECK(plane.state(id) == "queued");
  REQUIRE(agent.poll());
  CHECK(agent.claim.deployment_id == id);
  CHECK(agent.claim.job.operation == Operation::update);
  CHECK(agent.claim.job.pre_run_commands == std::vector<std::string>{"make"});
  CHECK(agent.claim.job.initiator == "local");
  CHECK(plane.state(id) == "offered");
  CHECK(agent.job("status").body == "\"accepted\"");
  // Nothing is reported of a job that has not begun.
  CHECK(agent.log(0, 0, {"early\n"}).status == 409);
  CHECK(agent.step(0, "Setup", StepStatus::running).status == 409);
  const Answer begun = agent.begin();
  CHECK(begun.status == 200);
  CHECK(parse_lease_answer(begun.body).lease == std::chrono::seconds(60));
  CHECK(plane.state(id) == "running");
  CHECK(agent.step(0, "Setup", StepStatus::running).status == 200);
  CHECK(agent.log(0, 0, {"hello\n"}).status == 200);
  CHECK(agent.step(0, "Setup", StepStatus::succeeded).status == 200);
  CHECK(agent.step(0, "Setup", StepStatus::running).status == 200);
  CHECK(agent.complete(JobResult::succeeded).status == 200);
  CHECK(agent.complete(JobResult::succeeded).status == 200);
  CHECK(agent.complete(JobResult::failed).status == 409);
  CHECK(agent.begin().status == 409);
  CHECK(agent.job("status").body == "\"succeeded\"");
  const Json shown = plane.user("GET", "/api/orgs/default/deployments/" + id).json();
  CHECK(shown.at("status") == "succeeded");
  CHECK(shown.at("jobs").at(0).at("steps").at(0).at("status") == "succeeded");
  CHECK(agent.poll_raw().status == 204);
}

TEST_CASE("a HEAD request takes no offer", "[lease]") {
  RunningPlane plane;
  const std::string token = plane.make_pool();
  TestAgent agent(plane, token);
  const std::string id = plane.deploy();
  agent.identity.wait = std::chrono::seconds(0);
  CHECK(plane.send("HEAD", "/api/deployments/poll?" + query_text(agent.identity), token).status == 204);
  CHECK(plane.state(id) == "queued");
}

TEST_CASE("a held poll is answered when work comes", "[lease]") {
  RunningPlane plane;
  TestAgent agent(plane, plane.make_pool());
  std::optional<Claim> claim;
  std::thread waiting([&] { claim = agent.poll(20); });
  const auto nobody_asks = [&] {
    return plane.user("GET", "/api/orgs/default/agent-pools/p").json().at("agents").empty();
  };
  for (int i = 0; i < 1000 && nobody_asks(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const std::string id = plane.deploy();
  waiting.join();
  REQUIRE(claim);
  CHECK(claim->deployment_id == id);
}

TEST_CASE("a pool has so many agents, and forgets those that are gone", "[lease]") {
  class MovableClock : public base::Clock {
   public:
    base::Time now() const override { return base::Time(std::chrono::seconds(m_seconds)); }
    void move(std::chrono::seconds by) { m_seconds += by.count(); }

   private:
    std::atomic<std::int64_t> m_seconds = 1'700'000'000;
  };
  MovableClock clock;
  RunningPlane plane([&](ControlOptions& options) {
    options.clock = &clock;
    options.most_agents = 2;
  });
  const std::string token = plane.make_pool();
  TestAgent one(plane, token, "one");
  TestAgent two(plane, token, "two");
  TestAgent three(plane, token, "three");
  CHECK(one.poll_raw().status == 204);
  CHECK(two.poll_raw().status == 204);
  CHECK(three.poll_raw().status == 409);
  CHECK(two.poll_raw().status == 204);
  clock.move(std::chrono::hours(1));
  CHECK(one.poll_raw().status == 204);
  clock.move(std::chrono::minutes(61));
  CHECK(three.poll_raw().status == 204);
  CHECK(two.poll_raw().status == 409);
}

TEST_CASE("one deployment of a stack at a time, in the order they came", "[lease]") {
  RunningPlane plane;
  const std::string token = plane.make_pool();
  TestAgent one(plane, token, "one");
  TestAgent two(plane, token, "two");
  const std::string first = plane.deploy("shop/prod");
  const std::string second = plane.deploy("shop/prod");
  const std::string other = plane.deploy("shop/dev");
  CHECK(one.poll()->deployment_id == first);
  CHECK(two.poll()->deployment_id == other);
  REQUIRE(one.begin().status == 200);
  REQUIRE(two.begin().status == 200);
  TestAgent three(plane, token, "three");
  CHECK_FALSE(three.poll());
  std::optional<Claim> next;
  std::thread waiting([&] { next = three.poll(20); });
  CHECK(one.complete(JobResult::failed, "it broke").status == 200);
  waiting.join();
  REQUIRE(next);
  CHECK(next->deployment_id == second);
  CHECK(next->version == 2);
  CHECK(reason(plane, first) == "it broke");
}

TEST_CASE("an agent is given only what it can run, from its own pool", "[lease]") {
  RunningPlane plane;
  TestAgent process(plane, plane.make_pool("first"));
  process.identity.runners = {RunnerKind::process};
  TestAgent elsewhere(plane, plane.make_pool("second"));
  const std::string id = plane.deploy("shop/prod", "update", {{"airlock", {{"runner", "docker"}}}});
  CHECK_FALSE(process.poll());
  CHECK_FALSE(elsewhere.poll());
  process.identity.runners = {RunnerKind::docker};
  CHECK(process.poll()->deployment_id == id);
  const std::string moved = plane.deploy("shop/dev", "update", {{"agentPoolID", "second"}});
  CHECK_FALSE(process.poll());
  CHECK(elsewhere.poll()->deployment_id == moved);
}

TEST_CASE("an offer that nobody takes up goes back into the queue", "[lease]") {
  RunningPlane plane(short_offer);
  const std::string token = plane.make_pool();
  TestAgent vanished(plane, token, "vanished");
  const std::string id = plane.deploy();
  REQUIRE(vanished.poll());
  REQUIRE(becomes(plane, id, "queued"));
  CHECK(vanished.begin().status == 409);
  TestAgent agent(plane, token);
  REQUIRE(agent.poll());
  CHECK(agent.claim.attempt == 2);
  CHECK(agent.begin().status == 200);
  CHECK(vanished.complete(JobResult::succeeded).status == 409);
  CHECK(agent.complete(JobResult::succeeded).status == 200);
  CHECK(plane.state(id) == "succeeded");
}

TEST_CASE("an update whose agent vanishes is lost, and never runs again by itself", "[lease]") {
  RunningPlane plane(short_lease);
  const std::string token = plane.make_pool();
  TestAgent agent(plane, token);
  const std::string id = plane.deploy();
  REQUIRE(agent.poll());
  REQUIRE(agent.begin().status == 200);
  REQUIRE(agent.step(0, "Setup", StepStatus::running).status == 200);
  REQUIRE(agent.log(0, 0, {"one\n"}).status == 200);
  REQUIRE(becomes(plane, id, "lost"));
  CHECK(reason(plane, id).find("agent-1 (pid 4711) vanished") != std::string::npos);
  CHECK(plane.user("GET", "/api/orgs/default/deployments/" + id).json().at("status") == "failed");
  // The late agent has to stop, but what its job printed is taken.
  CHECK(agent.begin().status == 409);
  CHECK(agent.begin().body.find("not yours any more") != std::string::npos);
  CHECK(agent.complete(JobResult::succeeded).status == 409);
  CHECK(agent.step(1, "Late", StepStatus::running).status == 409);
  CHECK(agent.log(0, 1, {"two\n"}).status == 200);
  TestAgent other(plane, token, "other");
  CHECK_FALSE(other.poll());
  // The stack is free.
  const std::string next = plane.deploy();
  CHECK(other.poll()->deployment_id == next);
}

TEST_CASE("a preview whose agent vanishes is offered once more, and only once", "[lease]") {
  RunningPlane plane(short_lease);
  const std::string token = plane.make_pool();
  TestAgent first(plane, token, "first");
  const std::string id = plane.deploy("shop/prod", "preview");
  REQUIRE(first.poll());
  REQUIRE(first.begin().status == 200);
  REQUIRE(first.step(0, "Setup", StepStatus::running).status == 200);
  REQUIRE(first.log(0, 0, {"from the first\n"}).status == 200);
  REQUIRE(becomes(plane, id, "queued"));
  TestAgent second(plane, token, "second");
  REQUIRE(second.poll());
  REQUIRE(second.begin().status == 200);
  CHECK(first.begin().status == 409);
  CHECK(first.log(0, 1, {"late\n"}).status == 200);
  REQUIRE(second.step(0, "Setup", StepStatus::running).status == 200);
  REQUIRE(second.log(0, 0, {"from the second\n"}).status == 200);
  REQUIRE(becomes(plane, id, "lost"));
  const Json jobs = plane.user("GET", "/api/orgs/default/deployments/" + id).json().at("jobs");
  CHECK(jobs.size() == 2);
  const auto lines = plane.user("GET", fmt::format("/api/stacks/default/shop/prod/deployments/{}/logs", id)).json();
  std::string text;
  for (const Json& line : lines.at("lines")) {
    text += line.contains("line") ? line.at("line").get<std::string>() : "";
  }
  CHECK(text == "from the first\nlate\nfrom the second\n");
  CHECK_FALSE(lines.contains("nextToken"));
}

TEST_CASE("a wish to cancel reaches whoever has to hear it", "[lease]") {
  RunningPlane plane;
  const std::string token = plane.make_pool();
  TestAgent agent(plane, token);
  const auto cancel = [&](const std::string& id) {
    return plane.user("POST", fmt::format("/api/stacks/default/shop/prod/deployments/{}/cancel", id)).status;
  };
  SECTION("in the queue") {
    const std::string id = plane.deploy();
    CHECK(cancel(id) == 200);
    CHECK(plane.state(id) == "cancelled");
    CHECK(plane.user("GET", "/api/orgs/default/deployments/" + id).json().at("status") == "skipped");
    CHECK_FALSE(agent.poll());
    CHECK(cancel(id) == 200);
  }
  SECTION("offered") {
    const std::string id = plane.deploy();
    REQUIRE(agent.poll());
    CHECK(cancel(id) == 200);
    CHECK(agent.begin().status == 409);
    CHECK(plane.state(id) == "cancelled");
  }
  SECTION("running, by a held renewal") {
    const std::string id = plane.deploy();
    REQUIRE(agent.poll());
    REQUIRE(agent.begin().status == 200);
    LeaseAnswer heard;
    std::thread holding([&] { heard = parse_lease_answer(agent.job("lease", "{}", "?wait=20").body); });
    CHECK(cancel(id) == 200);
    holding.join();
    CHECK(heard.cancel);
    CHECK(heard.reason == "cancelled by local");
    CHECK(agent.complete(JobResult::cancelled).status == 200);
    CHECK(plane.state(id) == "cancelled");
  }
  SECTION("running, and its agent does not listen") {
    const std::string id = plane.deploy();
    REQUIRE(agent.poll());
    REQUIRE(agent.begin().status == 200);
    CHECK(cancel(id) == 200);
    for (int i = 0; i < 1000 && agent.begin().status == 200; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    CHECK(plane.state(id) == "cancelled");
    CHECK(reason(plane, id).find("did not stop") != std::string::npos);
  }
  SECTION("too late") {
    const std::string id = plane.deploy();
    REQUIRE(agent.poll());
    REQUIRE(agent.complete(JobResult::failed, "no kernel control").status == 200);
    CHECK(cancel(id) == 200);
    CHECK(plane.state(id) == "failed");
  }
}

TEST_CASE("a deployment that runs too long is stopped", "[lease]") {
  RunningPlane plane;
  TestAgent agent(plane, plane.make_pool());
  const std::string id = plane.deploy("shop/prod", "update", {{"airlock", {{"limits", {{"timeout", "1s"}}}}}});
  REQUIRE(agent.poll());
  CHECK(agent.claim.job.limits.timeout == std::chrono::seconds(1));
  LeaseAnswer answer = parse_lease_answer(agent.begin().body);
  for (int i = 0; i < 60 && !answer.cancel; ++i) {
    answer = parse_lease_answer(agent.job("lease", "{}", "?wait=1").body);
  }
  CHECK(answer.reason.starts_with("timeout"));
  CHECK(agent.complete(JobResult::cancelled, "stopped").status == 200);
  CHECK(plane.state(id) == "failed");
  CHECK(reason(plane, id).find("timeout") != std::string::npos);
}

TEST_CASE("two agents never get one deployment", "[lease]") {
  RunningPlane plane;
  const std::string token = plane.make_pool();
  constexpr int rounds = 1000;
  std::array<std::vector<std::string>, 2> got;
  std::atomic<int> done = 0;
  std::atomic<bool> failed = false;
  std::vector<std::thread> agents;
  for (std::size_t each = 0; each < got.size(); ++each) {
    agents.emplace_back([&, each] {
      TestAgent agent(plane, token, each == 0 ? "left" : "right");
      while (done < rounds && !failed) {
        const Answer answer = agent.poll_raw(1);
        if (answer.status != 200) {
          failed = failed || answer.status != 204;
          continue;
        }
        agent.claim = parse_claim(answer.body);
        got[each].push_back(agent.claim.deployment_id);
        failed = failed || agent.complete(JobResult::succeeded).status != 200;
        ++done;
      }
    });
  }
  std::set<std::string> made;
  for (int round = 0; round < rounds; ++round) {
    made.insert(plane.deploy("shop/s" + std::to_string(round % 3), "update"));
  }
  for (auto& each : agents) {
    each.join();
  }
  REQUIRE_FALSE(failed);
  std::set<std::string> once(got[0].begin(), got[0].end());
  once.insert(got[1].begin(), got[1].end());
  CHECK(got[0].size() + got[1].size() == rounds);
  CHECK(once == made);
}

TEST_CASE("a server that comes back goes on where it was", "[lease]") {
  RunningPlane plane;
  const std::string token = plane.make_pool();
  TestAgent agent(plane, token);
  const std::string id = plane.deploy();
  const std::string waiting = plane.deploy();
  REQUIRE(agent.poll());
  plane.restart();
  CHECK(plane.state(id) == "offered");
  REQUIRE(agent.begin().status == 200);
  REQUIRE(agent.step(0, "Setup", StepStatus::running).status == 200);
  REQUIRE(agent.log(0, 0, {"before\n"}).status == 200);
  plane.restart();
  CHECK(plane.state(id) == "running");
  CHECK(agent.log(0, 0, {"before\n", "after\n"}).status == 200);
  CHECK(agent.begin().status == 200);
  TestAgent other(plane, token, "other");
  CHECK_FALSE(other.poll());
  CHECK(agent.complete(JobResult::succeeded).status == 200);
  plane.restart();
  CHECK(agent.complete(JobResult::succeeded).status == 200);
  CHECK(plane.state(id) == "succeeded");
  CHECK(other.poll()->deployment_id == waiting);
}

TEST_CASE("after a restart a timeout counts from the attempt that runs", "[lease]") {
  RunningPlane plane([](ControlOptions& options) { options.cancel_grace = std::chrono::seconds(60); });
  base::Database database(control_folder(plane.home()) / "control.db", base::DatabaseMode::read_write);
  TestAgent agent(plane, plane.make_pool());
  const std::string id = plane.deploy("shop/prod", "preview");
  REQUIRE(agent.poll());
  REQUIRE(agent.begin().status == 200);
  // As where an earlier attempt had begun the day before, and was lost.
  database.execute("UPDATE deployments SET started=started-86400");
  plane.restart();
  const LeaseAnswer answer = parse_lease_answer(agent.begin().body);
  CHECK(answer.reason.empty());
  CHECK(plane.state(id) == "running");
  database.execute("UPDATE attempts SET started=started-86400");
  plane.restart();
  CHECK(parse_lease_answer(agent.begin().body).reason.starts_with("timeout"));
}

}  // namespace airlock::control
