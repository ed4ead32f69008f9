// What time does to deployments: offers that nobody took up, agents that fell silent, jobs that run too long.
#include <fmt/format.h>

#include "base/error.hpp"
#include "control/dispatcher.hpp"

namespace airlock::control {

namespace {

constexpr std::uint64_t k_runs_of_a_preview = 2;

}  // namespace

void Dispatcher::stop_within_grace(std::uint64_t number) {
  if (const auto found = m_deadlines.find(number); found != m_deadlines.end()) {
    found->second.stop = Clock::now() + m_core.options.cancel_grace;
    m_timer.notify_all();
  }
}

void Dispatcher::update_attempt(const DeploymentRecord& deployment, std::string_view outcome) {
  for (AttemptRecord& attempt : m_core.records.attempts(deployment.number)) {
    if (attempt.attempt == deployment.attempt && !attempt.ended) {
      attempt.ended = m_core.now();
      attempt.outcome = outcome;
      m_core.records.update_attempt(deployment.number, attempt);
    }
  }
}

// The stack is free for the next in its queue.
void Dispatcher::end(DeploymentRecord& deployment, DeploymentState state, std::string reason,
                     std::string_view outcome) {
  deployment.state = state;
  deployment.reason = std::move(reason);
  deployment.ended = m_core.now();
  deployment.modified = m_core.now();
  m_core.records.update_deployment(deployment);
  update_attempt(deployment, outcome);
  m_core.ring_for_work();
  m_core.ring_for_deployment(deployment.number);
}

void Dispatcher::end_all_of_pool(std::string_view pool) {
  for (DeploymentRecord& deployment : m_core.records.open_of_pool(pool)) {
    end(deployment, DeploymentState::cancelled, "its pool was deleted", "pool-deleted");
  }
}

void Dispatcher::give_up_lease(DeploymentRecord& deployment) {
  if (deployment.state == DeploymentState::offered) {
    update_attempt(deployment, "not-taken");
    deployment.state = DeploymentState::queued;
    deployment.modified = m_core.now();
    m_core.records.update_deployment(deployment);
    m_core.ring_for_work();
    m_core.ring_for_deployment(deployment.number);
    return;
  }
  std::string who = "its agent";
  for (const AttemptRecord& attempt : m_core.records.attempts(deployment.number)) {
    if (attempt.attempt == deployment.attempt) {
      who = fmt::format("agent {} (pid {})", attempt.hostname, attempt.pid);
    }
  }
  deployment.losses += 1;
  const bool harmless = !changes_something(deployment.operation);
  if (harmless && deployment.cancel) {
    end(deployment, DeploymentState::cancelled, fmt::format("{}; {} vanished", *deployment.cancel, who), "lost");
  } else if (harmless && deployment.losses < k_runs_of_a_preview) {
    update_attempt(deployment, "lost");
    deployment.state = DeploymentState::queued;
    deployment.reason = fmt::format("{} vanished; a preview changes nothing, so it is offered once more", who);
    deployment.modified = m_core.now();
    m_core.records.update_deployment(deployment);
    m_core.ring_for_work();
    m_core.ring_for_deployment(deployment.number);
  } else {
    end(deployment, DeploymentState::lost,
        harmless ? fmt::format("{} vanished, as the one before it", who)
                 : fmt::format("{} vanished; what it had changed by then is not known here: look at the stack's "
                               "state, then deploy again",
                               who),
        "lost");
  }
}

bool Dispatcher::is_due(const Deadlines& deadlines, Clock::time_point now) {
  return deadlines.lease <= now || (deadlines.timeout && *deadlines.timeout <= now) ||
         (deadlines.stop && *deadlines.stop <= now);
}

void Dispatcher::expire_before(const std::string& id) {
  try {
    expire();
  } catch (const base::Error&) {
    const auto deployment = m_core.records.deployment(id);
    const auto found = deployment ? m_deadlines.find(deployment->number) : m_deadlines.end();
    if (found != m_deadlines.end() && is_due(found->second, Clock::now())) {
      throw;
    }
  }
}

// With the lock held, before every look at a lease, so that a timer that comes late decides nothing.
void Dispatcher::expire() {
  const auto now = Clock::now();
  std::vector<std::uint64_t> due;
  for (const auto& [number, deadlines] : m_deadlines) {
    if (is_due(deadlines, now)) {
      due.push_back(number);
    }
  }
  if (due.empty()) {
    return;
  }
  for (DeploymentRecord& deployment : m_core.records.under_way()) {
    const auto found = m_deadlines.find(deployment.number);
    if (found == m_deadlines.end() || !is_due(found->second, now)) {
      continue;
    }
    base::Transaction transaction = m_core.records.change();
    Deadlines deadlines = found->second;
    if (deadlines.lease <= now) {
      give_up_lease(deployment);
    } else if (deadlines.stop && *deadlines.stop <= now) {
      end(deployment, is_timeout(deployment.cancel) ? DeploymentState::failed : DeploymentState::cancelled,
          fmt::format("{}; its agent did not stop in time", deployment.cancel.value_or("it was asked to stop")),
          "stopped");
    } else {
      deadlines.timeout.reset();
      if (!deployment.cancel) {
        deployment.cancel = fmt::format("timeout: it ran longer than {} s", deployment.timeout.count());
        deployment.modified = m_core.now();
        m_core.records.update_deployment(deployment);
        deadlines.stop = now + m_core.options.cancel_grace;
        m_core.ring_for_deployment(deployment.number);
      }
    }
    transaction.commit();
    if (deployment.state == DeploymentState::running) {
      found->second = deadlines;
      std::erase(due, deployment.number);
    }
  }
  // Deadlines of what is not under way any more.
  for (const std::uint64_t number : due) {
    m_deadlines.erase(number);
  }
}

}  // namespace airlock::control
