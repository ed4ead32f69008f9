// What an agent does before it asks for work.
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>

#include "agent/agent.hpp"
#include "agent/agent_lock.hpp"
#include "agent/cgroup.hpp"
#include "agent/executor_check.hpp"
#include "agent/runner.hpp"
#include "base/interrupt.hpp"
#include "base/process.hpp"
#include "control/api_paths.hpp"
#include "control/wire.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/fault_server.hpp"
#include "support/recording_reporter.hpp"
#include "support/thread_limit.hpp"

namespace airlock::agent {
namespace {

TEST_CASE("an agent waits a moment for the lock of one that was killed", "[agent][start]") {
  base::TempDir folder;
  const auto directory = folder.path() / "agent";
  auto held = std::make_unique<base::FileLock>(lock_agent_directory(directory));
  std::thread ending([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    held.reset();
  });
  CHECK_NOTHROW(lock_agent_directory(directory));
  ending.join();
}

TEST_CASE("an agent is refused where another one stays", "[agent][start]") {
  base::TempDir folder;
  const auto held = lock_agent_directory(folder.path());
  const auto error = test::error_of([&] { lock_agent_directory(folder.path()); });
  CHECK(error.code() == base::ErrorCode::busy);
  CHECK(error.hint().find("--dir") != std::string::npos);
}

// An agent changes what signals do in this process.
class KeptSignals {
 public:
  KeptSignals() {
    for (std::size_t i = 0; i < k_numbers.size(); ++i) {
      sigaction(k_numbers[i], nullptr, &m_before[i]);
    }
  }
  KeptSignals(const KeptSignals&) = delete;
  KeptSignals& operator=(const KeptSignals&) = delete;
  ~KeptSignals() {
    for (std::size_t i = 0; i < k_numbers.size(); ++i) {
      sigaction(k_numbers[i], &m_before[i], nullptr);
    }
    base::clear_interrupt();
  }

 private:
  static constexpr std::array k_numbers = {SIGINT, SIGTERM};
  std::array<struct sigaction, k_numbers.size()> m_before{};
};

AgentConfig config_in(const std::filesystem::path& folder, std::string_view url) {
  AgentConfig config;
  config.url = config.mirror = base::Url::parse(url);
  config.directory = folder / "agent";
  config.jobs = folder / "jobs";
  return config;
}

// An agent whose server a test scripts, and the engine that would run its jobs.
struct DockerAgent {
  base::TempDir folder;
  test::FaultServer engine{folder.path() / "docker.sock"};
  test::FaultServer server;
  AgentConfig config = config_in(folder.path(), server.url("/"));

  DockerAgent() {
    engine.script("/_ping", {{.body = "OK"}});
    engine.script("/containers/json", {{.body = "[]"}});
    config.runners = {control::RunnerKind::docker};
    config.docker_socket = folder.path() / "docker.sock";
  }
};

TEST_CASE("what a killed trial left goes before the next one", "[agent][start]") {
  const KeptSignals kept;
  base::TempDir folder;
  const AgentConfig config = config_in(folder.path(), "http://127.0.0.1:8480/");
  const auto left = job_folders(config) / "check-1";
  base::make_directories(left / "root");
  test::RecordingReporter reporter;
  // This program is no cell, so that no trial of it comes to anything.
  const auto error = test::error_of([&] { run_agent({config, {}, reporter}); });
  CHECK(error.code() == base::ErrorCode::unsupported);
  CHECK(error.message().starts_with("process runner: "));
  CHECK(std::filesystem::is_empty(job_folders(config)));
}

TEST_CASE("a signal ends the wait for work, and no other request of this process", "[agent][start]") {
  if (geteuid() != 0) {
    WARN("the docker runner, which needs no trial without an image, is root's");
    return;
  }
  const KeptSignals kept;
  DockerAgent agent;
  auto& server = agent.server;
  const std::string poll(control::k_poll_path);
  server.script(poll, {{.silent = true}});
  test::RecordingReporter reporter;
  std::thread stopping([&] {
    // Gives up after a time that no healthy run needs.
    for (int i = 0; i < 1000 && server.requests(poll).empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    kill(getpid(), SIGTERM);
  });
  run_agent({agent.config, {}, reporter});
  stopping.join();
  CHECK(server.requests(poll).size() == 1);
  // The handler may run on any thread and late, when the job of a claim that just came has begun.
  CHECK_FALSE(base::interrupt_requested());
}

// Ends the want of threads with the first warning, before anything is sent again.
class RelievingReporter : public test::RecordingReporter {
 public:
  void allow_no_thread() {
    const std::lock_guard lock(m_limiting);
    m_limit.emplace(0U);
  }
  void warning(std::string_view text) override {
    {
      const std::lock_guard lock(m_limiting);
      m_limit.reset();
    }
    RecordingReporter::warning(text);
  }

 private:
  std::mutex m_limiting;
  std::optional<test::ThreadLimit> m_limit;
};

TEST_CASE("an agent that has no thread for a job fails the job, and goes on", "[agent][start]") {
  if (geteuid() != 0) {
    WARN("the docker runner, which needs no trial without an image, is root's");
    return;
  }
  const KeptSignals kept;
  RelievingReporter reporter;
  DockerAgent agent;
  auto& server = agent.server;
  auto& config = agent.config;
  control::Claim claim;
  claim.deployment_id = "01234567-89ab-4cde-8f01-23456789abcd";
  claim.version = 1;
  claim.job_token = base::Secret("jt");
  claim.job.stack = {"default", "app", "dev"};
  claim.job.runner = control::RunnerKind::docker;
  const std::string path = "/api/deployments/" + claim.deployment_id;
  server.script(std::string(control::k_poll_path), {{.body = control::print(claim)}});
  server.script(path + "/lease", [&](const test::FaultRequest&, std::size_t) {
    reporter.allow_no_thread();
    return test::FaultAnswer{.body = control::print(control::LeaseAnswer{std::chrono::seconds(30), false, ""})};
  });
  server.script(path + "/complete", {{.status = 200}});
  config.once = true;
  run_agent({config, {}, reporter});
  const auto completed = server.requests(path + "/complete");
  REQUIRE(completed.size() == 1);
  const auto completion = control::parse_completion(completed.front().body);
  CHECK(completion.result == control::JobResult::failed);
  CHECK(completion.message.find("no thread can be had") != std::string::npos);
  CHECK(base::fs::is_empty(config.directory / "spool"));
  REQUIRE_FALSE(reporter.warnings().empty());
  CHECK(reporter.warnings().back().find(claim.deployment_id + " failed") != std::string::npos);
}

TEST_CASE("a process without a number here is not taken for the agent's own group", "[agent][start]") {
  CHECK(processes_of_group("").empty());
  CHECK(processes_of_group("0\n0\n").empty());
  CHECK(processes_of_group("12\n0\n4711\n") == std::vector<pid_t>{12, 4711});
}

TEST_CASE("a trial tells a refusal from a program that did not run", "[agent][start]") {
  base::TempDir folder;
  const auto try_with = [&](const std::string& program) {
    if (!program.empty()) {
      base::write_file_atomic(folder.path() / "bash", "#!/bin/sh\n" + program + "\n", 0755);
    }
    base::ProcessOptions options;
    options.argv = {"/bin/sh", "-c", k_trial_script};
    options.environment["PATH"] = folder.path().string();
    return base::run_process(options).exit_code;
  };
  CHECK(try_with("") == k_trial_has_no_program);
  CHECK(try_with("exit 1") == 0);
  CHECK(try_with("exit 0") == k_trial_got_out);
  for (const auto* const failed : {"exit 126", "exit 127", "kill -9 $$"}) {
    CAPTURE(failed);
    const int code = try_with(failed);
    CHECK(code != 0);
    CHECK(code != k_trial_got_out);
    CHECK(code != k_trial_has_no_program);
  }
}

}  // namespace
}  // namespace airlock::agent
