// The agents' side: who gets which deployment, for how long, and what becomes of one whose agent falls silent.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/files.hpp"
#include "base/secret.hpp"
#include "control/access.hpp"
#include "control/core.hpp"
#include "control/wire.hpp"

namespace airlock::control {

class Dispatcher {
 public:
  Dispatcher(Core& core, Access& access);  // takes up what was under way when the last server ended
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // Holds until there is work for this agent, at most `agent.wait`. Throws auth, also when the token is revoked while
  // it is held. `client_gone` tells that nobody would get the answer.
  std::optional<Claim> poll(const base::Secret& token, const AgentIdentity& agent, const std::string& ip,
                            const std::function<bool()>& client_gone);

  // All below are of the job that `token` is for: auth for any other token, conflict when it is not the agent's any
  // more. `renew` may be held up to `wait` for a wish to cancel.
  LeaseAnswer renew(const std::string& id, const base::Secret& token, std::chrono::seconds wait,
                    const std::function<bool()>& client_gone);
  void report_steps(const std::string& id, const base::Secret& token, const StepReports& reports);
  // These two are taken from a late agent as well: the log of a lost job is what people look for.
  LogStore::Appended append_log(const std::string& id, const base::Secret& token, const LogAppend& piece);
  LogStore::Appended append_refused(const std::string& id, const base::Secret& token, const RefusedAppend& piece);
  void complete(const std::string& id, const base::Secret& token, const Completion& completion);
  DeploymentState state(const std::string& id, const base::Secret& token);
  // The uploaded folder of the job; not_found where it has none.
  base::FileSlice source(const std::string& id, const base::Secret& token, std::string& sha256);

  // With the lock held and a transaction open: the end of a deployment, whatever led to it.
  void end(DeploymentRecord& deployment, DeploymentState state, std::string reason, std::string_view outcome);
  void end_all_of_pool(std::string_view pool);
  // With the lock held: one that was asked to stop has the grace time for it.
  void stop_within_grace(std::uint64_t number);

 private:
  using Clock = std::chrono::steady_clock;
  struct Deadlines {
    Clock::time_point lease;
    std::optional<Clock::time_point> timeout, stop;
  };
  struct Held {  // what a job's token opens
    DeploymentRecord deployment;
    AttemptRecord attempt;
  };

  static bool is_due(const Deadlines& deadlines, Clock::time_point now);
  Held held_by(const std::string& id, const base::Secret& token);
  Held still_held_by(const std::string& id, const base::Secret& token);
  bool note_poll(const TokenRecord& token, const AgentIdentity& agent, const std::string& ip);
  std::optional<Claim> offer(const TokenRecord& token, const AgentIdentity& agent);
  void take_back(const std::string& id);
  void begin(Held& held);
  void expire();
  // Before a look at the lease of one deployment. That what is due of others could not be written is told by the timer;
  // throws only where this one is due.
  void expire_before(const std::string& id);
  void give_up_lease(DeploymentRecord& deployment);
  void update_attempt(const DeploymentRecord& deployment, std::string_view outcome);
  std::uint64_t stored_length(const std::string& sha256) const;
  std::optional<base::Time> start_of_attempt(const DeploymentRecord& deployment);
  void load_deadlines();
  void keep_time();

  Core& m_core;
  Access& m_access;
  // By deployment number. Changed only once the database has what goes with it; one that is left of a deployment that
  // is not under way any more is dropped when it is due.
  std::map<std::uint64_t, Deadlines> m_deadlines;
  std::condition_variable m_timer;
  bool m_ending = false;
  std::thread m_thread;
};

// Whether a wish to stop came from the clock.
bool is_timeout(const std::optional<std::string>& cancel);

}  // namespace airlock::control
