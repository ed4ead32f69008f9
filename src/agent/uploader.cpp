#include "agent/uploader.hpp"

#include "agent/backoff.hpp"
#include "base/error.hpp"

namespace airlock::agent {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds k_look_again{1000};
constexpr milliseconds k_slice{50};
constexpr milliseconds k_first_wait{250};
constexpr milliseconds k_longest_wait{15'000};

}  // namespace

Uploader::Uploader(ControlClient& control, Spool& spool, Events events)
    : m_control(control), m_spool(spool), m_events(std::move(events)), m_thread([this] { run(); }) {}

Uploader::~Uploader() {
  m_stop = true;
  m_thread.join();
}

bool Uploader::finish(const std::function<bool()>& give_up) {
  while (!m_done && !give_up()) {
    std::this_thread::sleep_for(k_slice / 5);
  }
  return m_done;
}

bool Uploader::send_one() {
  const auto& owner = m_spool.owner();
  if (const auto steps = m_spool.unsent_steps()) {
    try {
      m_control.report(owner.deployment_id, owner.job_token, *steps);
    } catch (const Disowned& disowned) {
      // Steps of a deployment that was given up count no more; what was said in them still does.
      m_events.disowned(disowned.what());
    }
    m_spool.sent(*steps);
    return true;
  }
  if (const auto lines = m_spool.unsent_lines()) {
    m_spool.sent(*lines, m_control.append(owner.deployment_id, owner.job_token, *lines));
    return true;
  }
  if (const auto refused = m_spool.unsent_refused()) {
    m_spool.sent(*refused, m_control.append(owner.deployment_id, owner.job_token, *refused));
    return true;
  }
  if (const auto completion = m_spool.unsent_completion()) {
    m_control.complete(owner.deployment_id, owner.job_token, *completion);
    m_spool.sent_completion();
    m_done = true;
    return true;
  }
  return false;
}

void Uploader::run() {
  Backoff backoff(k_first_wait, k_longest_wait);
  while (!m_stop && !m_done) {
    try {
      if (!send_one()) {
        for (milliseconds waited{0}; waited < k_look_again && !m_stop; waited += k_slice) {
          if (m_spool.wait(k_slice)) {
            break;
          }
        }
      }
      backoff.reset();
    } catch (const Disowned& disowned) {
      m_done = true;
      m_events.disowned(disowned.what());
    } catch (const std::exception& error) {
      if (m_events.trouble) {
        m_events.trouble(error.what());
      }
      const auto wait = backoff.next();
      for (milliseconds waited{0}; waited < wait && !m_stop; waited += k_slice) {
        std::this_thread::sleep_for(k_slice);
      }
    }
  }
}

}  // namespace airlock::agent
