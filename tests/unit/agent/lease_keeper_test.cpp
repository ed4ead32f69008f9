#include "agent/lease_keeper.hpp"

#include <atomic>
#include <system_error>
#include <thread>

#include "support/catch.hpp"
#include "support/fault_server.hpp"
#include "support/thread_limit.hpp"

namespace airlock::agent {
namespace {

using Clock = std::chrono::steady_clock;

const std::string k_id = "01234567-89ab-4cde-8f01-23456789abcd";

struct Fixture {
  test::FaultServer server;
  http::Client client{[] {
    http::ClientOptions options;
    options.retries = 0;
    options.hosts["127.0.0.1"].proxy = "direct";
    return options;
  }()};
  ControlClient control{client, base::Url::parse(server.url("/"))};
  control::Claim claim;
  StopSwitch stop;
  std::atomic<bool> release = false;

  Fixture() {
    claim.deployment_id = k_id;
    claim.job_token = base::Secret("jt");
  }
  // Nothing is answered until the test has seen what it waits for.
  void hold_answers() {
    server.script(path(), [this](const test::FaultRequest&, std::size_t) {
      while (!release) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
      return test::FaultAnswer{.status = 500};
    });
  }
  static std::string path() { return "/api/deployments/" + k_id + "/lease"; }
  // Gives up after a time that no healthy run needs.
  bool is_stopped() {
    for (int i = 0; i < 1000 && !stop.asked(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    release = true;
    return stop.asked();
  }
};

TEST_CASE("a job is stopped when its lease runs out without an answer", "[agent][lease]") {
  Fixture f;
  SECTION("the server says nothing") {
    f.hold_answers();
  }
  SECTION("the server fails") {
    f.server.script(Fixture::path(), {{.status = 500}});
  }
  const LeaseKeeper keeper(f.control, f.claim, {Clock::now(), std::chrono::seconds(1)}, f.stop);
  REQUIRE(f.is_stopped());
  CHECK(f.stop.why() == StopSwitch::Why::disowned);
  CHECK(f.stop.reason().find("lease ran out") != std::string::npos);
}

TEST_CASE("the lease counts from before it was asked for", "[agent][lease]") {
  Fixture f;
  f.hold_answers();
  // Taken so long ago that nothing of it is left.
  const LeaseKeeper keeper(f.control, f.claim, {Clock::now() - std::chrono::hours(1), std::chrono::seconds(3600)},
                           f.stop);
  CHECK(f.is_stopped());
}

TEST_CASE("a lease that is renewed goes on, until the server says otherwise", "[agent][lease]") {
  Fixture f;
  f.server.script(Fixture::path(), [](const test::FaultRequest&, std::size_t count) -> test::FaultAnswer {
    const bool cancel = count >= 3;
    return {.body = control::print(
                control::LeaseAnswer{std::chrono::seconds(30), cancel, cancel ? "cancelled by me" : ""})};
  });
  const LeaseKeeper keeper(f.control, f.claim, {Clock::now(), std::chrono::seconds(30)}, f.stop);
  REQUIRE(f.is_stopped());
  CHECK(f.stop.why() == StopSwitch::Why::cancelled);
  CHECK(f.stop.reason() == "cancelled by me");
  CHECK(f.server.requests(Fixture::path()).size() >= 4);
}

TEST_CASE("a lease that cannot be kept for want of a thread is an error, and the agent goes on", "[agent][lease]") {
  const unsigned more = GENERATE(0U, 1U);
  Fixture f;
  const test::ThreadLimit limit(more);
  const HeldLease taken{Clock::now(), std::chrono::seconds(30)};
  CHECK_THROWS_AS(LeaseKeeper(f.control, f.claim, taken, f.stop), std::system_error);
  CHECK_FALSE(f.stop.asked());
}

TEST_CASE("an agent whose job was given to another stops it", "[agent][lease]") {
  Fixture f;
  f.server.script(Fixture::path(), {{.status = 409}});
  const LeaseKeeper keeper(f.control, f.claim, {Clock::now(), std::chrono::seconds(30)}, f.stop);
  REQUIRE(f.is_stopped());
  CHECK(f.stop.why() == StopSwitch::Why::disowned);
}

}  // namespace
}  // namespace airlock::agent
