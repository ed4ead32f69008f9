#include "agent/lease_keeper.hpp"

#include <algorithm>

namespace airlock::agent {

namespace {

// A renewal also brings the news of a cancellation, for which a person waits.
constexpr std::chrono::milliseconds k_longest_silence{2000};

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
    m_wake.wait_for(lock, std::min(std::chrono::milliseconds(lease) / 3, k_longest_silence));
    if (m_over) {
      return;
    }
    lock.unlock();
    try {
      const auto answer = m_control.renew(m_claim.deployment_id, m_claim.job_token);
      lease = std::max(answer.lease, std::chrono::seconds(1));
      if (answer.cancel) {
        m_stop.stop(answer.reason == "timeout" ? StopSwitch::Why::timeout : StopSwitch::Why::cancelled, answer.reason);
      }
    } catch (const Disowned& disowned) {
      m_stop.stop(StopSwitch::Why::disowned, disowned.what());
    } catch (const std::exception&) {
      // The server is away: the job goes on, and the server says afterwards whether it still counts.
    }
    lock.lock();
  }
}

}  // namespace airlock::agent
