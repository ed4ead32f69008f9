// The dispatcher itself, without HTTP: what a client or a database must not do just then.
#include "control/dispatcher.hpp"

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
  std::atomic<bool> failures = false;  // of the timer
  Core core{[this] {
    ControlOptions options;
    options.home = home.path();
    options.error_log = [this](std::string_view) { failures = true; };
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
  std::string deploy(base::Json more = base::Json::object()) {
    more["operation"] = "update";
    more["agentPoolID"] = "p";
    return deployments.create(StackName::parse("shop/prod"), more, {"t", "me"}).id;
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
  while (!plane.failures) {
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

}  // namespace airlock::control
