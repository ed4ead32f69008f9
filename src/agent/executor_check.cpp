#include "agent/executor_check.hpp"

#include <atomic>
#include <cstring>

#include <fmt/format.h>

#include "agent/runner.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "base/text.hpp"

namespace airlock::agent {

namespace {

using Verdict = CheckResult::Verdict;

constexpr std::uint16_t k_discard = 9;
constexpr std::size_t k_most_output = 300;

struct Trial {
  int code = 0;
  int refused = 0;
  std::string output;
  std::vector<std::string> remarks;

  bool was_tried() const { return code == 0 || code == k_trial_got_out; }
};

// Not the process's number alone: in a container each has the same, and a killed one leaves what bears it.
std::string trial_name() {
  std::uint32_t number = 0;
  std::memcpy(&number, base::random_bytes(sizeof number).data(), sizeof number);
  return fmt::format("check-{}", number);
}

Trial run_trial(const AgentConfig& config, control::RunnerKind kind) {
  const auto name = trial_name();
  const JobDirectory directory(job_folders(config), name, config.user);
  for (const auto* const folder : {"home", "work", "setup"}) {
    directory.make_folder(folder);
  }
  std::atomic<int> refused = 0;
  RunnerRequest request{config,
                        directory,
                        name,
                        config.limits,
                        std::make_shared<Reach>(std::vector<control::NetworkRule>()),
                        [&](const Refusal& refusal) { refused += refusal.port == k_discard ? 1 : 0; }};
  request.image = config.docker_image;
  request.say = [](const std::string&) {};
  Trial trial;
  const auto runner = kind == control::RunnerKind::process ? make_process_runner(request) : make_docker_runner(request);
  trial.code = runner->run({{"/bin/sh", "-c", k_trial_script}, {{"PATH", "/usr/local/bin:/usr/bin:/bin"}}, "/"},
                           [&](std::string_view text) { trial.output += text; });
  trial.refused = refused;
  trial.remarks = runner->remarks();
  return trial;
}

CheckResult try_runner(const AgentConfig& config, control::RunnerKind kind) {
  const std::string what = fmt::format("{} runner", control::to_string(kind));
  try {
    if (kind == control::RunnerKind::docker && config.docker_image.empty()) {
      require_docker(config);
      return {Verdict::weak, what, "the daemon answers; there is no image for a trial job",
              "with 'docker_image' the agent has one, also for deployments that name none"};
    }
    auto trial = run_trial(config, kind);
    if (!trial.was_tried() && trial.code != k_trial_has_no_program) {
      trial = run_trial(config, kind);  // a busy host may have had no process or memory for it just then
    }
    if (trial.code == k_trial_got_out) {
      return {Verdict::bad, what, "a trial job reached an address that nothing allows", "do not use this runner"};
    }
    if (trial.code == k_trial_has_no_program) {
      return {Verdict::weak, what, "a trial job ran; its place has no program with which to try a connection", ""};
    }
    if (!trial.was_tried()) {
      return {Verdict::bad, what,
              fmt::format("a trial job could not try a connection, twice: it ended with {}: {}", trial.code,
                          base::printable(base::trim(trial.output), k_most_output)),
              "look at what limits jobs on this host: processes, memory"};
    }
    if (trial.refused == 0) {
      return {Verdict::bad, what, "a trial job's refused connection was not seen", "do not use this runner"};
    }
    std::string text = "a trial job ran, and what it tried was refused and recorded";
    for (const auto& remark : trial.remarks) {
      text += "; " + remark;
    }
    return {trial.remarks.empty() ? Verdict::good : Verdict::weak, what, text, ""};
  } catch (const base::Error& error) {
    return {Verdict::bad, what, error.message(), error.hint()};
  }
}

}  // namespace

// To an address that is in no list of anyone. A status above 125 is no answer of the program's: it was not found, not
// started, or killed.
const char* const k_trial_script =
    "a=203.0.113.77; if command -v bash; then bash -c \"</dev/tcp/$a/9\"; "
    "elif command -v python3; then python3 -c \"import socket; socket.create_connection(('$a', 9), 5)\"; "
    "elif command -v wget; then wget -T 5 -O - \"http://$a:9/\"; "
    "elif command -v curl; then curl -m 5 \"http://$a:9/\"; "
    "else exit 9; fi >/dev/null 2>&1; status=$?; [ $status != 0 ] || exit 7; "
    "[ $status -lt 126 ] || { echo \"its program ended with $status\"; exit 8; }; exit 0";

std::vector<CheckResult> check_executors(const AgentConfig& config) {
  std::vector<CheckResult> results;
  for (const auto kind : config.runners) {
    results.push_back(try_runner(config, kind));
  }
  return results;
}

void require_executors(const AgentConfig& config) {
  for (const auto& result : check_executors(config)) {
    if (result.verdict == Verdict::bad) {
      throw base::Error(base::ErrorCode::unsupported, fmt::format("{}: {}", result.what, result.text))
          .with_hint(result.hint);
    }
  }
}

}  // namespace airlock::agent
