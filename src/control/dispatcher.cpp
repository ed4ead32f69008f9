#include "control/dispatcher.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "control/configuration.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::chrono::seconds k_look_for_client{2};
constexpr std::uint64_t k_refused_limit = 10'000;  // kept of one job
constexpr std::chrono::hours k_late_reports{24};   // after the end of a job

[[noreturn]] void not_yours() {
  throw Error(ErrorCode::conflict, "not yours any more: the lease of this deployment was lost, or it has ended");
}

}  // namespace

bool is_timeout(const std::optional<std::string>& cancel) {
  return cancel && cancel->starts_with("timeout");
}

Dispatcher::Dispatcher(Core& core, Access& access) : m_core(core), m_access(access) {
  load_deadlines();
  m_thread = std::thread([this] { keep_time(); });
}

// The deployment's own start is that of its first attempt.
std::optional<base::Time> Dispatcher::start_of_attempt(const DeploymentRecord& deployment) {
  for (const AttemptRecord& attempt : m_core.records.attempts(deployment.number)) {
    if (attempt.attempt == deployment.attempt) {
      return attempt.started;
    }
  }
  return std::nullopt;
}

// Of everything under way that has none.
void Dispatcher::load_deadlines() {
  // Monotonic time does not survive its process: each lease begins anew. Of a timeout the wall clock tells what is
  // left, never more than the whole.
  const auto now = Clock::now();
  for (const DeploymentRecord& each : m_core.records.under_way()) {
    Deadlines deadlines{now + m_core.options.lease + m_core.options.lease_grace, std::nullopt, std::nullopt};
    if (each.state == DeploymentState::running) {
      const auto ran = std::clamp<std::chrono::seconds>(m_core.now() - start_of_attempt(each).value_or(m_core.now()),
                                                        std::chrono::seconds(0), each.timeout);
      deadlines.timeout = now + (each.timeout - ran);
      if (each.cancel) {
        deadlines.stop = now + m_core.options.cancel_grace;
      }
    }
    m_deadlines.try_emplace(each.number, deadlines);
  }
}

Dispatcher::~Dispatcher() {
  {
    const std::lock_guard lock(m_core.mutex);
    m_ending = true;
  }
  m_timer.notify_all();
  m_thread.join();
}

void Dispatcher::keep_time() {
  std::unique_lock lock(m_core.mutex);
  while (!m_ending) {
    try {
      load_deadlines();  // again, after a step that failed half way
      expire();
    } catch (const std::exception& error) {
      if (m_core.options.error_log) {
        m_core.options.error_log(fmt::format("leases could not be looked after: {}", error.what()));
      }
      m_timer.wait_for(lock, std::chrono::seconds(1));
      continue;
    }
    auto next = Clock::now() + std::chrono::hours(1);
    for (const auto& [number, deadlines] : m_deadlines) {
      next = std::min({next, deadlines.lease, deadlines.timeout.value_or(next), deadlines.stop.value_or(next)});
    }
    m_timer.wait_until(lock, next);
  }
}

// False: the pool has no room for another agent.
bool Dispatcher::note_poll(const TokenRecord& token, const AgentIdentity& agent, const std::string& ip) {
  bool has_room = true;
  m_core.note([&] {
    const base::Time now = m_core.now();
    base::Transaction transaction = m_core.records.change();
    m_core.records.forget_agents(token.owner, now);
    has_room = m_core.records.has_agent(token.owner, agent.instance) ||
               m_core.records.count_agents(token.owner) < m_core.options.most_agents;
    if (has_room) {
      m_core.records.agent_seen(token.owner, agent, ip, now);
      m_core.records.pool_token_used(token.id, now);
      m_core.records.pool_seen(token.owner, now);
    }
    transaction.commit();
  });
  return has_room;
}

std::optional<Claim> Dispatcher::poll(const base::Secret& token, const AgentIdentity& agent, const std::string& ip,
                                      const std::function<bool()>& client_gone) {
  const auto deadline = Clock::now() + agent.wait;
  std::unique_lock lock(m_core.mutex);
  if (!note_poll(m_access.pool_token(token), agent, ip)) {
    throw Error(ErrorCode::conflict, fmt::format("the pool has {} agents already", m_core.options.most_agents))
        .with_hint("an agent that is gone is forgotten after two hours; other agents need another pool");
  }
  while (true) {
    const TokenRecord known = m_access.pool_token(token);
    const std::uint64_t seen = m_core.work_count;
    // An agent that has left must not be given what nobody would then run.
    if (m_core.stopping || client_gone()) {
      return std::nullopt;
    }
    expire();
    if (auto claim = offer(known, agent)) {
      if (!client_gone()) {
        return claim;
      }
      take_back(claim->deployment_id);
      return std::nullopt;
    }
    while (m_core.work_count == seen && !m_core.stopping) {
      const auto now = Clock::now();
      if (now >= deadline || client_gone()) {
        return std::nullopt;
      }
      m_core.work.wait_until(lock, std::min(deadline, now + k_look_for_client));
    }
  }
}

std::uint64_t Dispatcher::stored_length(const std::string& sha256) const {
  const auto slice = m_core.sources.open(base::Digest::parse_sha256_hex(sha256));
  if (!slice) {
    throw Error(ErrorCode::not_found, fmt::format("the uploaded folder sha256:{} is not here any more", sha256));
  }
  return slice->length;
}

std::optional<Claim> Dispatcher::offer(const TokenRecord& token, const AgentIdentity& agent) {
  base::Transaction transaction = m_core.records.change();
  while (auto deployment = m_core.records.next_for(token.owner, agent.runners)) {
    Claim claim;
    try {
      claim.job = job_of(base::parse_json(deployment->document, "a deployment"), deployment->stack,
                         deployment->operation, m_core.vault);
      if (claim.job.source && claim.job.source->kind == Source::Kind::upload) {
        claim.job.source->length = stored_length(claim.job.source->sha256);
      }
    } catch (const Error& error) {
      // It could be offered for ever: its author has to hear of it.
      end(*deployment, DeploymentState::failed, fmt::format("it could not be offered: {}", error.message()), "");
      continue;
    }
    claim.job.limits.timeout = deployment->timeout;
    claim.job.initiator = deployment->initiator;
    const NewToken job_token = make_token(TokenKind::job);
    deployment->state = DeploymentState::offered;
    deployment->attempt += 1;
    deployment->modified = m_core.now();
    m_core.records.update_deployment(*deployment);
    AttemptRecord attempt;
    attempt.attempt = deployment->attempt;
    attempt.token_hash = job_token.hash;
    attempt.pool_token = token.id;
    attempt.instance = agent.instance;
    attempt.hostname = agent.hostname;
    attempt.pid = agent.pid;
    attempt.offered = m_core.now();
    m_core.records.add_attempt(deployment->number, attempt);
    transaction.commit();
    m_deadlines[deployment->number] = {Clock::now() + m_core.options.offer, std::nullopt, std::nullopt};
    m_timer.notify_all();
    m_core.ring_for_deployment(deployment->number);
    claim.deployment_id = deployment->id;
    claim.version = deployment->version;
    claim.attempt = deployment->attempt;
    claim.job_token = job_token.value;
    claim.lease = m_core.options.offer;
    return claim;
  }
  transaction.commit();
  return std::nullopt;
}

// An offer whose agent left while it was made: another need not wait until it runs out.
void Dispatcher::take_back(const std::string& id) {
  base::Transaction transaction = m_core.records.change();
  auto deployment = m_core.records.deployment(id);
  if (deployment && deployment->state == DeploymentState::offered) {
    give_up_lease(*deployment);
  }
  transaction.commit();
}

Dispatcher::Held Dispatcher::held_by(const std::string& id, const base::Secret& token) {
  auto deployment = m_core.records.deployment(id);
  if (deployment && id_in_token(TokenKind::job, token.reveal())) {
    for (AttemptRecord& attempt : m_core.records.attempts(deployment->number)) {
      const bool fresh = !attempt.ended || m_core.now() - *attempt.ended < k_late_reports;
      if (token_matches(token.reveal(), attempt.token_hash) && fresh) {
        return {std::move(*deployment), std::move(attempt)};
      }
    }
  }
  throw Error(ErrorCode::auth, "the job's token is not of this deployment");
}

Dispatcher::Held Dispatcher::still_held_by(const std::string& id, const base::Secret& token) {
  expire_before(id);
  Held held = held_by(id, token);
  if (held.attempt.attempt != held.deployment.attempt || held.attempt.ended || is_over(held.deployment.state) ||
      held.deployment.state == DeploymentState::queued) {
    not_yours();
  }
  return held;
}

void Dispatcher::begin(Held& held) {
  base::Transaction transaction = m_core.records.change();
  DeploymentRecord& deployment = held.deployment;
  deployment.state = DeploymentState::running;
  deployment.started = deployment.started.value_or(m_core.now());
  deployment.modified = m_core.now();
  deployment.reason.clear();
  std::uint64_t jobs = 0;
  for (const AttemptRecord& each : m_core.records.attempts(deployment.number)) {
    jobs += each.job ? 1U : 0U;
  }
  held.attempt.started = m_core.now();
  held.attempt.job = jobs;
  m_core.records.update_deployment(deployment);
  m_core.records.update_attempt(deployment.number, held.attempt);
  transaction.commit();
  m_deadlines[deployment.number].timeout = Clock::now() + deployment.timeout;
  m_core.ring_for_deployment(deployment.number);
}

LeaseAnswer Dispatcher::renew(const std::string& id, const base::Secret& token, std::chrono::seconds wait,
                              const std::function<bool()>& client_gone) {
  const auto deadline = Clock::now() + wait;
  std::unique_lock lock(m_core.mutex);
  std::shared_ptr<Bell> bell;
  while (true) {
    Held held = still_held_by(id, token);
    if (!bell) {
      bell = m_core.bell(held.deployment.number);
    }
    if (held.deployment.state == DeploymentState::offered) {
      begin(held);
    }
    m_deadlines[held.deployment.number].lease = Clock::now() + m_core.options.lease + m_core.options.lease_grace;
    m_timer.notify_all();
    if (held.deployment.cancel || Clock::now() >= deadline || m_core.stopping || client_gone()) {
      m_core.note([&] { m_core.records.agent_alive(held.deployment.pool, held.attempt.instance, m_core.now()); });
      return {m_core.options.lease, held.deployment.cancel.has_value(), held.deployment.cancel.value_or("")};
    }
    bell->changed.wait_until(lock, std::min(deadline, Clock::now() + k_look_for_client));
  }
}

void Dispatcher::report_steps(const std::string& id, const base::Secret& token, const StepReports& reports) {
  const std::lock_guard lock(m_core.mutex);
  const Held held = still_held_by(id, token);
  if (!held.attempt.job) {
    not_yours();
  }
  base::Transaction transaction = m_core.records.change();
  for (const StepReport& step : reports.steps) {
    m_core.records.report_step(held.deployment.number, *held.attempt.job, step);
  }
  transaction.commit();
  m_core.ring_for_log(held.deployment.number);
}

LogStore::Appended Dispatcher::append_log(const std::string& id, const base::Secret& token, const LogAppend& piece) {
  std::optional<std::uint64_t> job;
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(m_core.mutex);
    expire_before(id);
    const Held held = held_by(id, token);
    job = held.attempt.job;
    number = held.deployment.number;
  }
  if (!job) {
    not_yours();
  }
  auto appended = m_core.logs.append({id, *job}, piece);
  const std::lock_guard lock(m_core.mutex);
  m_core.ring_for_log(number);
  return appended;
}

LogStore::Appended Dispatcher::append_refused(const std::string& id, const base::Secret& token,
                                              const RefusedAppend& piece) {
  const std::lock_guard lock(m_core.mutex);
  expire_before(id);
  const Held held = held_by(id, token);
  if (!held.attempt.job) {
    not_yours();
  }
  base::Transaction transaction = m_core.records.change();
  std::uint64_t there = m_core.records.count_refused(held.deployment.number, *held.attempt.job);
  const std::uint64_t end = piece.offset + piece.attempts.size();
  if (there < k_refused_limit && piece.offset > there) {
    return {{there, false}, true};
  }
  for (std::uint64_t at = there; at < end && at < k_refused_limit; ++at, ++there) {
    m_core.records.add_refused(held.deployment.number, *held.attempt.job, at, piece.attempts[at - piece.offset]);
  }
  transaction.commit();
  const bool full = there >= k_refused_limit;
  return {{full ? std::max(there, end) : there, full}, false};
}

void Dispatcher::complete(const std::string& id, const base::Secret& token, const Completion& completion) {
  std::unique_lock lock(m_core.mutex);
  expire_before(id);
  Held held = held_by(id, token);
  const auto is_told = [&] { return held.attempt.outcome == to_string(completion.result); };
  if (is_told()) {
    return;  // sent again, because the first answer was lost
  }
  held = still_held_by(id, token);
  if (held.attempt.job) {
    // A slow medium must not keep everyone else's leases waiting.
    const LogName log{id, *held.attempt.job};
    lock.unlock();
    m_core.logs.sync(log);
    lock.lock();
    expire_before(id);
    held = held_by(id, token);
    if (is_told()) {
      return;
    }
    held = still_held_by(id, token);
  }
  DeploymentRecord& deployment = held.deployment;
  deployment.exit_code = completion.exit_code;
  std::string reason = completion.message;
  DeploymentState state = DeploymentState::succeeded;
  if (completion.result != JobResult::succeeded) {
    const bool stopped = completion.result == JobResult::cancelled && !is_timeout(deployment.cancel);
    state = stopped ? DeploymentState::cancelled : DeploymentState::failed;
    if (deployment.cancel) {
      reason = reason.empty() ? *deployment.cancel : fmt::format("{}; {}", *deployment.cancel, reason);
    }
  }
  base::Transaction transaction = m_core.records.change();
  end(deployment, state, reason, to_string(completion.result));
  m_core.records.agent_alive(deployment.pool, held.attempt.instance, m_core.now());
  transaction.commit();
}

DeploymentState Dispatcher::state(const std::string& id, const base::Secret& token) {
  const std::lock_guard lock(m_core.mutex);
  expire_before(id);
  return held_by(id, token).deployment.state;
}

base::FileSlice Dispatcher::source(const std::string& id, const base::Secret& token, std::string& sha256) {
  const std::lock_guard lock(m_core.mutex);
  const Held held = still_held_by(id, token);
  const Job job = job_of(base::parse_json(held.deployment.document, "a deployment"), held.deployment.stack,
                         held.deployment.operation, m_core.vault);
  if (!job.source || job.source->kind != Source::Kind::upload) {
    throw Error(ErrorCode::not_found, "this deployment has no uploaded folder");
  }
  sha256 = job.source->sha256;
  auto slice = m_core.sources.open(base::Digest::parse_sha256_hex(sha256));
  if (!slice) {
    throw Error(ErrorCode::not_found, "the uploaded folder is not here any more");
  }
  return *slice;
}

}  // namespace airlock::control
