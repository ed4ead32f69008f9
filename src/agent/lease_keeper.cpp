#include "agent/lease_keeper.hpp"

#include <algorithm>

namespace airlock::agent {

namespace {

// The server holds a renewal for as long, and answers at once when the job is cancelled or over.
constexpr std::chrono::seconds k_longest_hold{10};
constexpr std::chrono::milliseconds k_between_tries{1000};

}  // namespace

LeaseKeeper::LeaseKeeper(ControlClient& control, const control::Claim& claim, StopSwitch& stop)
    : m_control(control), m_claim(claim), m_stop(stop), m_thread([this] { run(); }) {}

LeaseKeeper::~LeaseKeeper() {
  {
    const std::lock_guard lock(m_mutex);
    m_over = true;
  }
  m_wake.notify_all();
  m_thread.join();
}

void LeaseKeeper::run() {
  auto lease = m_claim.lease;
  std::unique_lock lock(m_mutex);
  while (!m_over) {
    lock.unlock();
    bool rest = false;
    try {
      const auto answer =
          m_control.renew(m_claim.deployment_id, m_claim.job_token, std::min(lease / 3, k_longest_hold));
      lease = std::max(answer.lease, std::chrono::seconds(1));
      if (answer.cancel) {
        m_stop.stop(answer.reason.starts_with("timeout") ? StopSwitch::Why::timeout : StopSwitch::Why::cancelled,
                    answer.reason);
        rest = true;  // it would be said again at once
      }
    } catch (const Disowned& disowned) {
      m_stop.stop(StopSwitch::Why::disowned, disowned.what());
      rest = true;
    } catch (const std::exception&) {
      rest = true;  // the server is away: the job goes on, and the server says afterwards whether it still counts
    }
    lock.lock();
    if (rest) {
      m_wake.wait_for(lock, k_between_tries, [this] { return m_over; });
    }
  }
}

}  // namespace airlock::agent
