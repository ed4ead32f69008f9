#include "agent/lease_keeper.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace airlock::agent {

namespace {

using Clock = std::chrono::steady_clock;

// The server holds a renewal for as long, and answers at once when the job is cancelled or over.
constexpr std::chrono::seconds k_longest_hold{10};
constexpr std::chrono::milliseconds k_between_tries{1000};

}  // namespace

LeaseKeeper::LeaseKeeper(ControlClient& control, const control::Claim& claim, HeldLease taken, StopSwitch& stop)
    : m_control(control), m_claim(claim), m_stop(stop), m_lease(taken), m_watch([this] { watch(); }) {
  try {
    m_thread = std::thread([this] { run(); });
  } catch (...) {
    end();
    throw;
  }
}

LeaseKeeper::~LeaseKeeper() {
  end();
}

void LeaseKeeper::end() {
  {
    const std::lock_guard lock(m_mutex);
    m_over = true;
  }
  m_wake.notify_all();
  for (std::thread* thread : {&m_thread, &m_watch}) {
    if (thread->joinable()) {
      thread->join();
    }
  }
}

void LeaseKeeper::watch() {
  std::unique_lock lock(m_mutex);
  while (!m_over) {
    if (Clock::now() >= m_lease.end()) {
      m_stop.stop(StopSwitch::Why::disowned,
                  fmt::format("the lease ran out: for {} s no renewal was answered", m_lease.length.count()));
      return;
    }
    m_wake.wait_until(lock, m_lease.end());
  }
}

void LeaseKeeper::run() {
  std::unique_lock lock(m_mutex);
  while (!m_over) {
    const auto hold = std::min(m_lease.length / 3, k_longest_hold);
    const auto pause = std::min(std::chrono::milliseconds(m_lease.length) / 4, k_between_tries);
    lock.unlock();
    const auto asked = Clock::now();
    bool rest = false;
    std::optional<std::chrono::seconds> renewed;
    try {
      const auto answer = m_control.renew(m_claim.deployment_id, m_claim.job_token, hold);
      renewed = std::max(answer.lease, std::chrono::seconds(1));
      if (answer.cancel) {
        m_stop.stop(answer.reason.starts_with("timeout") ? StopSwitch::Why::timeout : StopSwitch::Why::cancelled,
                    answer.reason);
      }
      rest = Clock::now() - asked < pause;  // it is not held: what it says would be said again at once
    } catch (const Disowned& disowned) {
      m_stop.stop(StopSwitch::Why::disowned, disowned.what());
      rest = true;
    } catch (const std::exception&) {
      rest = true;  // the server is away: the job goes on until its lease has run out
    }
    lock.lock();
    if (renewed) {
      m_lease = {asked, *renewed};
      m_wake.notify_all();
    }
    if (rest) {
      m_wake.wait_for(lock, pause, [this] { return m_over; });
    }
  }
}

}  // namespace airlock::agent
