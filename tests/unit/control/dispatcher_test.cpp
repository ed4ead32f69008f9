// The dispatcher itself, without HTTP: what a client or a database must not do just then.
#include "control/dispatcher.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/sqlite.hpp"
#include "control/control_db.hpp"
#include "control/deployments.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::control {

namespace {

struct Plane {
  base::TempDir home;
  std::atomic<int> failures = 0;  // lines of the error log: of the timer, and of notes
  Core core{[this] {
    ControlOptions options;
    options.home = home.path();
    options.error_log = [this](std::string_view) { ++failures; };
    return options;
  }()};
  Access access{core};
  Dispatcher dispatcher{core, access};
  Deployments deployments{core, dispatcher};
  base::Secret token;
  AgentIdentity agent;

  Plane() {
    {
      const std::lock_guard lock(core.mutex);
      core.records.add_pool({"pool-1", "default", "p", "", core.now(), std::nullopt, false});
    }
    token = access.add_pool_token("pool-1").value;
    agent.hostname = "agent-1";
    agent.pid = "4711";
    agent.instance = "0123456789abcdef";
    agent.runners = {RunnerKind::process};
    agent.wait = std::chrono::seconds(0);
  }
  std::string deploy(base::Json more = base::Json::object(), const std::string& stack = "shop/prod") {
    more["operation"] = "update";
    more["agentPoolID"] = "p";
    return deployments.create(StackName::parse(stack), more, {"t", "me"}).id;
  }
  std::optional<Claim> poll(const std::function<bool()>& client_gone = [] { return false; }) {
    return dispatcher.poll(token, agent, "127.0.0.1", client_gone);
  }
  LeaseAnswer renew(const Claim& claim) {
    return dispatcher.renew(claim.deployment_id, claim.job_token, std::chrono::seconds(0), [] { return false; });
  }
  DeploymentState state(const std::string& id) {
    const std::lock_guard lock(core.mutex);
    return core.records.deployment(id)->state;
  }
};

}  // namespace

TEST_CASE("an offer whose agent left while it was made goes back at once", "[dispatcher]") {
  Plane plane;
  const std::string id = plane.deploy();
  int asked = 0;
  CHECK_FALSE(plane.poll([&] { return ++asked > 1; }));
  CHECK(asked == 2);
  CHECK(plane.state(id) == DeploymentState::queued);
  const auto claim = plane.poll();
  REQUIRE(claim);
  CHECK(claim->attempt == 2);
  CHECK(plane.renew(*claim).lease == plane.core.options.lease);
}

TEST_CASE("what happens to a deployment rings for its followers alone", "[dispatcher]") {
  Plane plane;
  const std::lock_guard lock(plane.core.mutex);
  auto one = plane.core.bell(1);
  const auto two = plane.core.bell(2);
  CHECK(plane.core.bell(1) == one);
  plane.core.ring_for_log(1);
  plane.core.ring_for_deployment(1);
  CHECK(one->count == 2);
  CHECK(two->count == 0);
  plane.core.ring_for_log(3);  // nobody follows it
  plane.core.ring_for_all();
  CHECK(one->count == 3);
  CHECK(two->count == 1);
  one.reset();
  CHECK(plane.core.bell(1)->count == 0);
  CHECK(plane.core.bells.size() == 2);
}

TEST_CASE("lines of a log wake its readers, and nobody who holds a lease", "[dispatcher]") {
  Plane plane;
  const std::string id = plane.deploy();
  const auto claim = plane.poll();
  REQUIRE(claim);
  plane.renew(*claim);
  plane.dispatcher.report_steps(id, claim->job_token,
                                {{StepReport{.step = 0, .name = "Setup", .status = StepStatus::running}}});
  std::atomic<int> looks = 0;  // of the held renewal: one when it begins, and one each time that it wakes
  LeaseAnswer heard;
  std::thread holding([&] {
    heard = plane.dispatcher.renew(id, claim->job_token, std::chrono::seconds(600), [&] {
      ++looks;
      return false;
    });
  });
  while (looks == 0) {
    std::this_thread::yield();
  }
  constexpr int lines = 500;
  const StackName stack = StackName::parse("shop/prod");
  std::string token;
  for (int line = 0; line < lines; ++line) {
    plane.dispatcher.append_log(id, claim->job_token, {0, static_cast<std::uint64_t>(line), {{UnixMillis(), "x\n"}}});
  }
  CHECK(looks < lines / 10);
  // A reader that has all of it so far is woken by the next line.
  std::size_t read = 0;
  while (read < lines) {
    const auto stream = plane.deployments.stream(stack, id, token, std::chrono::seconds(0), [] { return false; });
    read +=
        static_cast<std::size_t>(std::ranges::count_if(stream.entries, [](const auto& each) { return !each.header; }));
    token = stream.next;
  }
  LogStream next;
  std::atomic<bool> waits = false;
  std::thread reading([&] {
    next = plane.deployments.stream(stack, id, token, std::chrono::seconds(600), [&] {
      waits = true;
      return false;
    });
  });
  while (!waits) {
    std::this_thread::yield();
  }
  plane.dispatcher.append_log(id, claim->job_token, {0, lines, {{UnixMillis(), "last\n"}}});
  reading.join();
  CHECK(next.entries.size() == 1);
  CHECK((next.entries.empty() ? "" : next.entries.front().text) == "last\n");
  // And what concerns the lease wakes its holder.
  CHECK(plane.deployments.cancel(stack, id, {"t", "me"}));
  holding.join();
  CHECK(heard.cancel);
}

TEST_CASE("a timeout that could not be written comes again", "[dispatcher]") {
  Plane plane;
  base::Database database(control_folder(plane.home.path()) / "control.db", base::DatabaseMode::read_write);
  plane.deploy({{"airlock", {{"limits", {{"timeout", "1s"}}}}}});
  const auto claim = plane.poll();
  REQUIRE(claim);
  plane.renew(*claim);
  database.execute("CREATE TRIGGER refuse BEFORE UPDATE ON deployments WHEN new.cancel IS NOT NULL "
                   "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
  // The timer meets it, or whoever looks at the lease then.
  while (plane.failures == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    try {
      plane.renew(*claim);
    } catch (const base::Error&) {
      break;
    }
  }
  database.execute("DROP TRIGGER refuse");
  bool cancelled = false;
  for (int i = 0; i < 1000 && !cancelled; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    cancelled = plane.renew(*claim).cancel;
  }
  CHECK(cancelled);
}

TEST_CASE("what of another job could not be written ends nobody else's", "[dispatcher]") {
  Plane plane;
  base::Database database(control_folder(plane.home.path()) / "control.db", base::DatabaseMode::read_write);
  const std::string id = plane.deploy();
  const auto claim = plane.poll();
  REQUIRE(claim);
  plane.renew(*claim);
  plane.deploy({{"airlock", {{"limits", {{"timeout", "1s"}}}}}}, "shop/dev");
  const auto other = plane.poll();
  REQUIRE(other);
  database.execute("CREATE TRIGGER refuse BEFORE UPDATE ON deployments WHEN new.cancel IS NOT NULL "
                   "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
  plane.renew(*other);
  while (plane.failures == 0) {  // the timer meets it
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK_THROWS_AS(plane.renew(*other), base::Error);
  CHECK_FALSE(plane.renew(*claim).cancel);
  CHECK_FALSE(plane.dispatcher.append_log(id, claim->job_token, {0, 0, {{UnixMillis(), "x\n"}}}).gap);
  plane.dispatcher.complete(id, claim->job_token, {JobResult::succeeded, "", std::nullopt});
  CHECK(plane.state(id) == DeploymentState::succeeded);
}

TEST_CASE("what nobody waits for may fail to be written, and is told of once", "[dispatcher]") {
  Plane plane;
  base::Database database(control_folder(plane.home.path()) / "control.db", base::DatabaseMode::read_write);
  const auto refuse = [&](const std::string& table) {
    database.execute("CREATE TRIGGER refuse_" + table + " BEFORE UPDATE ON " + table +
                     " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
  };
  const auto allow = [&](const std::string& table) { database.execute("DROP TRIGGER refuse_" + table); };
  CHECK_FALSE(plane.poll());
  CHECK(plane.failures == 0);
  const std::string id = plane.deploy();
  for (const auto* const table : {"agents", "pools", "pool_tokens"}) {
    refuse(table);
  }
  const auto claim = plane.poll();
  REQUIRE(claim);
  for (int i = 0; i < 3; ++i) {
    CHECK(plane.renew(*claim).lease == plane.core.options.lease);
  }
  CHECK(plane.failures == 1);
  allow("agents");
  plane.dispatcher.complete(id, claim->job_token, {JobResult::succeeded, "", std::nullopt});
  CHECK(plane.state(id) == DeploymentState::succeeded);
  allow("pools");
  allow("pool_tokens");
  CHECK_FALSE(plane.poll());
  CHECK(plane.failures == 1);
  refuse("pools");
  CHECK_FALSE(plane.poll());
  CHECK(plane.failures == 2);
}

}  // namespace airlock::control
