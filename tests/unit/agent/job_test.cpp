// A whole job, up to where it needs walls.
#include "agent/job.hpp"

#include <unistd.h>

#include <thread>

#include "base/files.hpp"
#include "support/catch.hpp"
#include "support/fault_server.hpp"

namespace airlock::agent {
namespace {

const std::string k_id = "01234567-89ab-4cde-8f01-23456789abcd";

// What the job said, all of which is sent then, and its last word.
struct Said {
  std::string lines;
  std::optional<control::Completion> completion;
};

Said all_of(Spool& spool) {
  Said said;
  for (bool more = true; more;) {
    more = false;
    if (const auto steps = spool.unsent_steps()) {
      spool.sent(*steps);
      more = true;
    }
    if (const auto lines = spool.unsent_lines()) {
      for (const auto& line : lines->lines) {
        said.lines += line.text;
      }
      spool.sent(*lines, {lines->offset + lines->lines.size(), false});
      more = true;
    }
  }
  said.completion = spool.unsent_completion();
  return said;
}

TEST_CASE("a pull that stands still ends with its job", "[agent][job]") {
  if (geteuid() != 0) {
    WARN("the docker runner is root's");
    return;
  }
  base::TempDir folder;
  test::FaultServer engine(folder.path() / "docker.sock");
  engine.script("/_ping", {{.body = "OK"}});
  engine.script("/images/create", {{.silent = true}});
  AgentConfig config;
  config.url = config.mirror = base::Url::parse("http://127.0.0.1:8480/");
  config.name = "one";
  config.directory = folder.path() / "agent";
  config.jobs = folder.path() / "jobs";
  config.runners = {control::RunnerKind::docker};
  config.docker_socket = folder.path() / "docker.sock";
  config.free_space = 0;
  http::Client client;
  ControlClient control(client, config.url);
  control::Claim claim;
  claim.deployment_id = k_id;
  claim.job_token = base::Secret("jt");
  claim.job.stack = {"default", "app", "dev"};
  claim.job.runner = control::RunnerKind::docker;
  claim.job.image.reference = "debian:12";
  Spool spool(folder.path() / "spool", {k_id, 1, base::Secret("jt")}, 1 << 20);
  StopSwitch stop;
  std::thread cancelling([&] {
    // Gives up after a time that no healthy run needs.
    for (int i = 0; i < 1000 && engine.requests("/images/create").empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    stop.stop(StopSwitch::Why::cancelled, "cancelled by me");
  });
  run_job({config, control, client, {}}, claim, spool, stop);
  cancelling.join();
  const auto said = all_of(spool);
  INFO(said.lines);
  REQUIRE(said.completion);
  CHECK(said.completion->result == control::JobResult::cancelled);
  CHECK(said.lines.find("pulling 127.0.0.1:8480/docker.io/library/debian:12") != std::string::npos);
}

}  // namespace
}  // namespace airlock::agent
