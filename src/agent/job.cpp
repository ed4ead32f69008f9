#include "agent/job.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <thread>

#include <fmt/format.h>

#include "agent/job_environment.hpp"
#include "agent/job_network_rules.hpp"
#include "agent/job_steps.hpp"
#include "agent/log_writer.hpp"
#include "agent/refusal_log.hpp"
#include "agent/runner.hpp"
#include "agent/source_fetch.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::agent {

namespace {

using base::Error;
using base::ErrorCode;
using Clock = std::chrono::steady_clock;
using Why = StopSwitch::Why;

constexpr std::chrono::milliseconds k_tick{100};

struct StepFailed {
  std::string message;
  std::optional<int> exit_code;
};

std::string text_of(const Error& error) {
  std::string text = error.message();
  for (const auto& line : error.context()) {
    text += "; " + line;
  }
  return error.hint().empty() ? text : fmt::format("{} ({})", text, error.hint());
}

ResourceLimits limits_of(const AgentConfig& config, const control::JobLimits& asked) {
  const auto choose = [](std::uint64_t wanted, std::uint64_t most) {
    return wanted == 0 ? most : most == 0 ? wanted : std::min(wanted, most);
  };
  return {choose(asked.cpu_millis, config.limits.cpu_millis), choose(asked.memory_bytes, config.limits.memory_bytes),
          choose(asked.pids, config.limits.processes)};
}

class JobRun {
 public:
  JobRun(const JobContext& context, const control::Claim& claim, Spool& spool, StopSwitch& stop)
      : m_context(context), m_claim(claim), m_spool(spool), m_stop(stop), m_refusals(spool),
        m_name(fmt::format("{}.{}", claim.deployment_id, claim.attempt)),
        m_directory(job_folders(context.config), m_name, context.config.user),
        m_environment(make_job_environment(context.config, claim, m_directory, context.host_environment)),
        m_timeout(std::min(context.config.timeout,
                           claim.job.limits.timeout.count() == 0 ? context.config.timeout : claim.job.limits.timeout)),
        m_watch([this] { watch(); }) {}
  JobRun(const JobRun&) = delete;
  JobRun& operator=(const JobRun&) = delete;
  ~JobRun() {
    {
      const std::lock_guard lock(m_mutex);
      m_over = true;
    }
    m_wake.notify_all();
    m_watch.join();
  }

  void run() {
    step("Setup", [this] { set_up(); });
    if (m_claim.job.source) {
      step("Get source", [this] { get_source(); });
    }
    if (!m_claim.job.skip_install_dependencies) {
      step("Download dependencies", [this] { execute(plan_dependencies(m_claim.job, m_directory)); });
    }
    std::size_t number = 0;
    for (const auto& script : m_claim.job.pre_run_commands) {
      step(fmt::format("Pre-run command {}", ++number), [&] { pre_run(script); });
    }
    const std::string tool(control::to_string(m_claim.job.tool));
    // Not "pulumi update": to the real CLI such a header means that there are events to follow
    // (docs/formats/deployments-api.md).
    step(fmt::format("Run {} {}", tool, control::to_string(m_claim.job.operation)),
         [&] { execute(plan_operation(m_claim.job)); });
  }

 private:
  void step(const std::string& name, const std::function<void()>& work) {
    throw_if_stopped();
    control::StepReport report{m_step, name, control::StepStatus::running, now_in_millis(), now_in_millis()};
    m_spool.add_step(report);
    m_refusals.set_step(m_step);
    {
      const std::lock_guard lock(m_mutex);
      m_log = std::make_shared<LogWriter>(m_spool, m_step, m_environment.masker);
    }
    std::optional<StepFailed> failed;
    try {
      work();
    } catch (const StepFailed& failure) {
      failed = failure;
    } catch (const Error& error) {
      m_log->say(text_of(error));
      failed = StepFailed{text_of(error), std::nullopt};
    }
    m_log->finish();
    m_refusals.flush();
    report.status = failed ? control::StepStatus::failed : control::StepStatus::succeeded;
    report.updated = now_in_millis();
    m_spool.add_step(report);
    ++m_step;
    if (failed) {
      if (m_runner) {
        say_remarks(report.step);
      }
      failed->message = m_environment.masker.mask(fmt::format("the step '{}' failed: {}", name, failed->message));
      throw *failed;
    }
  }

  void say_remarks(std::uint64_t step) {
    LogWriter log(m_spool, step, m_environment.masker);
    for (const auto& remark : m_runner->remarks()) {
      log.say(remark);
    }
  }

  void throw_if_stopped() const {
    if (m_stop.asked()) {
      throw StepFailed{m_stop.reason(), std::nullopt};
    }
  }

  void set_up() {
    const auto& config = m_context.config;
    const auto& job = m_claim.job;
    if (std::ranges::find(config.runners, job.runner) == config.runners.end()) {
      throw Error(ErrorCode::unsupported, fmt::format("this agent has no runner '{}'", control::to_string(job.runner)));
    }
    m_log->say(fmt::format("{} {} of {} on agent {}, runner {}", control::to_string(job.tool),
                           control::to_string(job.operation), job.stack.to_string(), config.name,
                           control::to_string(job.runner)));
    check_backend();
    const auto network = job_network_rules(config, job);
    auto reach = std::make_shared<Reach>(network.rules, network.own);
    fetch_tools(config, m_context.http);
    // Its keys are written before anything of the job's runs beside them.
    if (job.source && job.source->kind == control::Source::Kind::git) {
      m_git = plan_git(*job.source, m_directory);
    }
    RunnerRequest request{config,           m_directory,
                          m_name,           limits_of(config, job.limits),
                          std::move(reach), [this](const Refusal& refusal) { m_refusals.add(refusal); }};
    request.image = job.image.reference.empty() ? config.docker_image : job.image.reference;
    request.image_user = job.image.user;
    request.image_password = job.image.password;
    request.say = [log = m_log](const std::string& line) { log->say(line); };
    request.stopped = [this] { return m_stop.asked(); };
    auto runner =
        job.runner == control::RunnerKind::process ? make_process_runner(request) : make_docker_runner(request);
    runner->add_environment(m_environment.variables);
    m_log->say("it can reach " + describe(network.rules) + ", and nothing else");
    const std::lock_guard lock(m_mutex);
    m_runner = std::move(runner);
  }

  // A folder on the host is the host's to give.
  void check_backend() const {
    const auto folder = backend_folder(m_claim.job);
    if (!folder) {
      return;
    }
    const auto& allowed = m_context.config.writable_paths;
    const bool below = std::ranges::any_of(allowed, [&](const std::filesystem::path& each) {
      const auto relative = folder->lexically_relative(each);
      return !relative.empty() && *relative.begin() != "..";
    });
    if (!below) {
      throw Error(ErrorCode::config, fmt::format("the backend {} lies in no folder that this agent lets jobs write to",
                                                 m_claim.job.backend_url))
          .with_hint("add the folder to writable_paths in the agent's configuration");
    }
  }

  void get_source() {
    const auto& source = *m_claim.job.source;
    switch (source.kind) {
    case control::Source::Kind::upload:
    case control::Source::Kind::mirror:
      execute(plan_unpack(fetch_source(m_context, m_claim, m_directory)), std::string(k_job_folder));
      break;
    case control::Source::Kind::git:
      execute(m_git, std::string(k_job_folder));
      break;
    }
  }

  void pre_run(const std::string& script) {
    StepPlan plan;
    plan.commands.push_back({{"/bin/sh", "-c", script}, {}});
    execute(plan);
    for (const auto& [name, value] : read_variables_file(m_directory)) {
      m_environment.variables[name] = value;
    }
  }

  void execute(const StepPlan& plan) { execute(plan, working_directory(m_claim.job)); }

  void execute(const StepPlan& plan, const std::string& directory) {
    for (const auto& remark : plan.remarks) {
      m_log->say(remark);
    }
    for (const auto& [name, value] : plan.environment) {
      m_environment.variables[name] = value;
    }
    if (const auto venv = plan.environment.find("VIRTUAL_ENV"); venv != plan.environment.end()) {
      auto& path = m_environment.variables["PATH"];
      path = fmt::format("{}/bin:{}", venv->second, path);
    }
    for (const auto& each : plan.commands) {
      throw_if_stopped();
      JobCommand command{each.argv, m_environment.variables, directory};
      for (const auto& [name, value] : each.environment) {
        command.environment[name] = value;
      }
      const int code = m_runner->run(command, [this](std::string_view text) { m_log->write(text); });
      throw_if_stopped();
      if (code != 0) {
        throw StepFailed{fmt::format("'{}' ended with exit code {}", base::printable(each.argv.front(), 100), code),
                         code};
      }
    }
  }

  // Time, space and the stop switch, on a thread of its own.
  void watch() {
    const auto deadline = Clock::now() + m_timeout;
    std::optional<Clock::time_point> asked;
    int signalled = 0;
    std::unique_lock lock(m_mutex);
    while (!m_over) {
      m_wake.wait_for(lock, k_tick);
      if (m_log) {
        m_log->flush_if_idle();
      }
      m_refusals.flush();
      if (Clock::now() > deadline) {
        m_stop.stop(Why::timeout, fmt::format("the job took longer than {} s", m_timeout.count()));
      }
      check_space();
      if (const auto trouble = m_spool.trouble()) {
        m_stop.stop(Why::disk, *trouble);
      }
      if (!m_stop.asked() || !m_runner) {
        continue;
      }
      asked = asked.value_or(Clock::now());
      const auto waited = Clock::now() - *asked;
      const auto grace = m_context.config.grace;
      Runner& runner = *m_runner;  // stays until this thread has ended
      std::function<void()> measure;
      if (signalled == 0) {
        tell(fmt::format("stopping the job: {}", m_stop.reason()));
        measure = [&runner] { runner.signal(SIGINT); };
      } else if (signalled == 1 && waited > grace) {
        tell("it did not end when it was interrupted; it is told to terminate");
        measure = [&runner] { runner.signal(SIGTERM); };
      } else if (signalled == 2 && waited > grace + grace / 2) {
        tell("it did not terminate; all of its processes are killed");
        measure = [&runner] { runner.kill(); };
      }
      if (measure) {
        ++signalled;
        lock.unlock();  // the job goes on and may end, however long a daemon takes to answer
        measure();
        lock.lock();
      }
    }
  }

  void tell(const std::string& line) const {
    if (m_log) {
      m_log->say(line);
    }
  }

  void check_space() {
    check_space_of(m_directory.path(), "jobs lie");
    check_space_of(m_spool.folder(), "the agent keeps what they say");
  }

  void check_space_of(const std::filesystem::path& folder, std::string_view what) {
    struct statvfs info = {};
    if (statvfs(folder.c_str(), &info) != 0) {
      return;
    }
    const std::uint64_t left = std::uint64_t{info.f_bavail} * info.f_frsize;
    if (left < m_context.config.free_space) {
      m_stop.stop(Why::disk, fmt::format("only {} are left where {}", base::format_bytes(left), what));
    }
  }

  const JobContext& m_context;
  const control::Claim& m_claim;
  Spool& m_spool;
  StopSwitch& m_stop;
  RefusalLog m_refusals;
  std::string m_name;
  JobDirectory m_directory;
  JobEnvironment m_environment;
  StepPlan m_git;
  std::unique_ptr<Runner> m_runner;  // before the watch, which uses it; ends before the folder goes
  std::shared_ptr<LogWriter> m_log;
  std::uint64_t m_step = 0;
  std::chrono::seconds m_timeout;
  std::mutex m_mutex;
  std::condition_variable m_wake;
  bool m_over = false;
  std::thread m_watch;
};

control::Completion stopped_completion(const StopSwitch& stop, std::optional<int> exit_code) {
  const bool cancelled = stop.why() == Why::cancelled;
  const auto reason = stop.reason();
  // What the control plane said itself it need not hear again.
  return {cancelled ? control::JobResult::cancelled : control::JobResult::failed,
          cancelled || reason.starts_with("timeout:") ? std::string() : reason, exit_code};
}

}  // namespace

void StopSwitch::stop(Why why, const std::string& reason) {
  const std::lock_guard lock(m_mutex);
  if (m_why == Why::none) {
    m_why = why;
    m_reason = reason.empty() ? "it was cancelled" : reason;
  }
}

StopSwitch::Why StopSwitch::why() const {
  const std::lock_guard lock(m_mutex);
  return m_why;
}

std::string StopSwitch::reason() const {
  const std::lock_guard lock(m_mutex);
  return m_reason;
}

void run_job(const JobContext& context, const control::Claim& claim, Spool& spool, StopSwitch& stop) {
  control::Completion completion{control::JobResult::succeeded, "", std::nullopt};
  try {
    JobRun(context, claim, spool, stop).run();
  } catch (const StepFailed& failure) {
    completion = stop.asked() ? stopped_completion(stop, failure.exit_code)
                              : control::Completion{control::JobResult::failed, failure.message, failure.exit_code};
  } catch (const Error& error) {
    completion = {control::JobResult::failed, text_of(error), std::nullopt};
  } catch (const std::exception& error) {
    completion = {control::JobResult::failed, error.what(), std::nullopt};
  }
  completion.message = base::printable(completion.message, control::limits::k_text - 4);
  spool.complete(completion);
}

}  // namespace airlock::agent
