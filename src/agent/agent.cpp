#include "agent/agent.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <optional>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include "agent/agent_lock.hpp"
#include "agent/backoff.hpp"
#include "agent/control_client.hpp"
#include "agent/executor_check.hpp"
#include "agent/job.hpp"
#include "agent/lease_keeper.hpp"
#include "agent/left_spools.hpp"
#include "agent/runner.hpp"
#include "agent/uploader.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"

namespace airlock::agent {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using std::chrono::milliseconds;

constexpr milliseconds k_slice{50};
constexpr milliseconds k_first_wait{500};
constexpr milliseconds k_longest_wait{30'000};
constexpr std::size_t k_instance_bytes = 16;
constexpr std::uint64_t k_open_files = 8192;  // a job may have a thousand connections, each with two ends here

// Of these the agent is told to stop. Not the interrupt of all requests: a job's own go on.
std::atomic<int> g_signals = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch nothing else");

void handle_signal(int) {
  ++g_signals;
}

void install_handlers() {
  g_signals = base::interrupt_requested() ? 1 : 0;
  base::clear_interrupt();
  struct sigaction action = {};
  action.sa_handler = handle_signal;
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM}) {
    sigaction(number, &action, nullptr);
  }
}

bool draining() {
  return g_signals > 0;
}

std::string platform() {
  utsname name = {};
  uname(&name);
  const std::string machine = name.machine;
  return "linux/" + (machine == "x86_64" ? "amd64" : machine == "aarch64" ? "arm64" : machine);
}

control::AgentIdentity identity_of(const AgentConfig& config) {
  control::AgentIdentity identity;
  identity.hostname = config.name;
  identity.pid = std::to_string(getpid());
  identity.platform = platform();
  identity.version = AIRLOCK_VERSION;
  const auto random = base::random_bytes(k_instance_bytes);
  identity.instance = base::to_hex(std::span(reinterpret_cast<const std::uint8_t*>(random.data()), random.size()));
  identity.runners = config.runners;
  return identity;
}

http::ClientOptions client_options(const AgentConfig& config) {
  http::ClientOptions options;
  options.ca_file = config.ca_file;
  // A site's proxy leads outside; what the agent talks to is inside.
  options.hosts[config.url.host()].proxy = "direct";
  options.hosts[config.mirror.host()].proxy = "direct";
  return options;
}

// Waits, unless told to stop meanwhile.
void pause(milliseconds length) {
  for (milliseconds waited{0}; waited < length && !draining(); waited += k_slice) {
    std::this_thread::sleep_for(k_slice);
  }
}

class Agent {
 public:
  explicit Agent(AgentRequest request)
      : m_config(std::move(request.config)), m_sources(std::move(request.sources)), m_reporter(request.reporter),
        m_lock(lock_agent_directory(m_config.directory)), m_http(client_options(m_config)),
        m_control(m_http, m_config.url), m_leftovers(m_http, m_config.url, [this] { return m_ending.load(); }),
        m_identity(identity_of(m_config)) {}

  void run() {
    clean_up();  // first, as a trial that was killed may have left something, too
    require_executors(m_config);
    std::thread resumed([this] { resume_spools(); });
    try {
      take_jobs();
    } catch (...) {
      m_ending = true;
      resumed.join();
      throw;
    }
    m_ending = true;
    resumed.join();
  }

 private:
  // What a killed agent left. Its jobs ended with it: their first process sees its agent go.
  void clean_up() {
    remove_stale_cgroups(job_group_name(m_config, ""));
    if (std::ranges::find(m_config.runners, control::RunnerKind::docker) != m_config.runners.end()) {
      remove_stale_containers(m_config);
    }
    const auto folders = job_folders(m_config);
    if (const auto left = remove_stale_jobs(folders); left != 0) {
      m_reporter.warning(
          fmt::format("{} folders of earlier jobs below {} could not be removed", left, folders.string()));
    }
    m_left_spools = find_left_spools(m_config.directory / "spool");
  }

  // Whether an attempt was taken up before its agent was killed; nullopt where that could not be asked in time.
  std::optional<bool> was_taken(const SpoolOwner& owner) {
    Backoff backoff(k_first_wait, k_longest_wait);
    while (!m_ending) {
      try {
        return m_leftovers.status(owner.deployment_id, owner.job_token) != "accepted";
      } catch (const Disowned&) {
        return false;
      } catch (const Error&) {
        const auto wait = backoff.next();
        for (milliseconds waited{0}; waited < wait && !m_ending; waited += k_slice) {
          std::this_thread::sleep_for(k_slice);
        }
      }
    }
    return std::nullopt;
  }

  // True: nothing of it is wanted any more.
  bool resume(Spool& spool) {
    if (!spool.is_complete()) {
      // One that says nothing yet may be of an offer, which goes back into the queue by itself.
      if (const auto taken = spool.next_step() == 0 ? was_taken(spool.owner()) : true; taken != true) {
        return taken.has_value();
      }
      end_as_lost(spool);
    }
    m_reporter.say(fmt::format("sending what an earlier agent had left of deployment {}", spool.owner().deployment_id));
    Uploader uploader(m_leftovers, spool, {[](const std::string&) {}, {}});
    return uploader.finish([this] { return m_ending.load(); });
  }

  void resume_spools() {
    for (const auto& folder : m_left_spools) {
      try {
        auto spool = Spool::open(folder);
        if (resume(spool)) {
          spool.remove();
        }
      } catch (const std::exception& error) {
        m_reporter.warning(fmt::format("the spool {} cannot be sent: {}", folder.string(), error.what()));
      }
    }
  }

  void take_jobs() {
    Backoff backoff(k_first_wait, k_longest_wait);
    m_reporter.say(fmt::format("agent {} asks {} for work", m_config.name, m_config.url.redacted()));
    while (!draining()) {
      try {
        const auto poll = m_control.poll(m_identity, m_config.token, draining);
        if (!m_trouble.empty()) {
          m_reporter.say("the control plane answers again");
          m_trouble.clear();
        }
        backoff.reset();
        if (!poll.claim) {
          pause(poll.wait.value_or(std::chrono::seconds(0)));
          continue;
        }
        handle(*poll.claim);
        if (m_config.once) {
          return;
        }
      } catch (const Error& error) {
        if (error.code() == ErrorCode::interrupted) {
          return;
        }
        if (error.code() == ErrorCode::auth && !reload_token()) {
          throw Error(ErrorCode::auth, "the control plane refuses the token of this agent")
              .with_context(error.message())
              .with_hint(fmt::format("it came from {}; `airlock pool token create POOL` makes a new one",
                                     m_config.token_origin));
        }
        const auto wait = backoff.next();
        if (error.message() != m_trouble) {
          m_trouble = error.message();
          m_reporter.warning(fmt::format("{}; trying again", m_trouble));
        }
        pause(wait);
      }
    }
  }

  bool reload_token() {
    try {
      auto fresh = load_agent_config(m_sources);
      if (base::constant_time_equal(fresh.token.reveal(), m_config.token.reveal())) {
        return false;
      }
      m_config.token = fresh.token;
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  // Says that it is ours; nullopt when it went to someone else meanwhile.
  std::optional<HeldLease> take(const control::Claim& claim) {
    Backoff backoff(k_first_wait, k_longest_wait);
    const auto until = std::chrono::steady_clock::now() + claim.lease;
    while (true) {
      const auto asked = std::chrono::steady_clock::now();
      try {
        const auto answer = m_control.renew(claim.deployment_id, claim.job_token, std::chrono::seconds(0));
        return HeldLease{asked, std::max(answer.lease, std::chrono::seconds(1))};
      } catch (const Disowned& disowned) {
        m_reporter.note(fmt::format("deployment {} is not ours: {}", claim.deployment_id, disowned.what()));
        return std::nullopt;
      } catch (const Error& error) {
        const auto wait = backoff.next();
        if (std::chrono::steady_clock::now() + wait > until) {
          m_reporter.warning(fmt::format("deployment {} cannot be taken: {}", claim.deployment_id, error.message()));
          return std::nullopt;
        }
        std::this_thread::sleep_for(wait);
      }
    }
  }

  void handle(const control::Claim& claim) {
    m_reporter.say(fmt::format("deployment {} ({} {} of {})", claim.deployment_id, control::to_string(claim.job.tool),
                               control::to_string(claim.job.operation), claim.job.stack.to_string()));
    // First, as a disk that takes no word is found out while the offer can still go to another.
    Spool spool(m_config.directory / "spool", {claim.deployment_id, claim.attempt, claim.job_token},
                m_config.log_limit);
    const auto taken = take(claim);
    if (!taken) {
      spool.remove();
      return;
    }
    try {
      run_taken(claim, *taken, spool);
    } catch (const std::system_error& error) {
      const bool is_thread = error.code() == std::errc::resource_unavailable_try_again;
      if (!is_thread || spool.is_complete()) {
        throw;  // of something else, such as a file; or the job has run
      }
      give_back(claim, spool, error);
    }
  }

  // Throws std::system_error where a thread cannot be had; nothing of the job has run then.
  void run_taken(const control::Claim& claim, const HeldLease& taken, Spool& spool) {
    StopSwitch stop;
    const LeaseKeeper lease(m_control, claim, taken, stop);
    const auto disown = [&](const std::string& why) { stop.stop(StopSwitch::Why::disowned, why); };
    bool sent = false;
    std::string ended_by;
    {
      Uploader uploader(m_control, spool, {disown, [this](const std::string& error) {
                                             m_reporter.note(fmt::format("not sent yet: {}", error));
                                           }});
      const SecondSignal second(stop);
      run_job({m_config, m_control, m_http, m_sources.environment}, claim, spool, stop);
      ended_by = stop.asked() ? ": " + stop.reason() : std::string();
      sent = uploader.finish([] { return g_signals > 2; });
    }
    if (sent) {
      spool.remove();
    }
    m_reporter.say(fmt::format("deployment {} has ended{}", claim.deployment_id, ended_by));
  }

  // One job that cannot be run is no end of the agent. Sent from here, as an uploader would need a thread, too; what is
  // not taken now is left in the spool for the next start.
  void give_back(const control::Claim& claim, Spool& spool, const std::system_error& error) {
    const control::Completion failed{control::JobResult::failed,
                                     fmt::format("the agent cannot run it: no thread can be had: {}", error.what()),
                                     std::nullopt};
    m_reporter.warning(fmt::format("deployment {} failed: {}", claim.deployment_id, failed.message));
    spool.complete(failed);
    try {
      m_control.complete(claim.deployment_id, claim.job_token, failed);
      spool.remove();
    } catch (const Disowned&) {
      spool.remove();
    } catch (const Error& unsent) {
      m_reporter.warning(fmt::format("that is not sent yet: {}", unsent.message()));
    }
    if (!m_config.once) {
      pause(k_longest_wait);  // another agent may fare better with the next one
    }
  }

  // Turns the second signal into the end of the job.
  class SecondSignal {
   public:
    explicit SecondSignal(StopSwitch& stop)
        : m_thread([this, &stop] {
            while (!m_over) {
              if (g_signals > 1) {
                stop.stop(StopSwitch::Why::shutdown, "the agent was told twice to stop");
                return;
              }
              std::this_thread::sleep_for(k_slice);
            }
          }) {}
    SecondSignal(const SecondSignal&) = delete;
    SecondSignal& operator=(const SecondSignal&) = delete;
    ~SecondSignal() {
      m_over = true;
      m_thread.join();
    }

   private:
    std::atomic<bool> m_over = false;
    std::thread m_thread;
  };

  AgentConfig m_config;
  AgentConfigSources m_sources;
  base::Reporter& m_reporter;
  base::FileLock m_lock;
  http::Client m_http;
  ControlClient m_control;
  ControlClient m_leftovers;  // for what an earlier agent left, which can go on another time
  control::AgentIdentity m_identity;
  std::vector<fs::path> m_left_spools;
  std::atomic<bool> m_ending = false;
  std::string m_trouble;
};

}  // namespace

void run_agent(AgentRequest request) {
  install_handlers();
  base::allow_open_files(k_open_files);
  Agent(std::move(request)).run();
}

}  // namespace airlock::agent
