#include "http/client_gate.hpp"

#include <algorithm>

#include "base/interrupt.hpp"

namespace airlock::http {

namespace {

using Seconds = std::chrono::duration<double>;

constexpr auto k_window = std::chrono::milliseconds(500);
constexpr auto k_longest_window = std::chrono::seconds(3);  // where nothing finishes, large transfers are measured
constexpr auto k_between_halvings = std::chrono::seconds(3);
constexpr double k_worth_it = 1.03;            // what a step up has to gain
constexpr double k_request_score = 64 * 1024;  // bytes; a small request costs the origin about as much as these
constexpr int k_hold_after_no_gain = 12;       // windows
constexpr int k_hold_after_halving = 20;       // windows
constexpr auto k_interrupt_poll = std::chrono::milliseconds(100);

}  // namespace

AdaptiveLimit::AdaptiveLimit(int initial, int ceiling)
    : m_allowed(std::clamp(initial, 1, std::max(ceiling, 1))), m_ceiling(std::max(ceiling, 1)) {}

void AdaptiveLimit::start_window(TimePoint now) {
  m_window_start = now;
  m_window_score = 0;
  m_window_finished = 0;
  m_window_saturated = false;
}

void AdaptiveLimit::on_progress(TimePoint now, std::uint64_t bytes, int finished, bool saturated) {
  if (m_window_start == TimePoint{}) {
    start_window(now);
  }
  m_window_score += static_cast<double>(bytes) + k_request_score * finished;
  m_window_finished += finished;
  m_window_saturated = m_window_saturated || saturated;
  const auto age = now - m_window_start;
  // A window in which each place came free once tells something; a long one tells it without that.
  if (age < k_window || (m_window_finished < m_allowed && age < k_longest_window)) {
    return;
  }
  if (m_window_saturated) {
    end_window(m_window_score / Seconds(age).count());
  }
  start_window(now);
}

void AdaptiveLimit::end_window(double rate) {
  if (m_trying_more) {
    m_trying_more = false;
    if (rate < m_rate_before * k_worth_it) {
      m_allowed = std::max(m_allowed - 1, 1);
      m_windows_to_hold = k_hold_after_no_gain;
      return;
    }
  }
  if (m_windows_to_hold > 0) {
    --m_windows_to_hold;
    return;
  }
  if (m_allowed < m_ceiling) {
    m_rate_before = rate;
    m_trying_more = true;
    ++m_allowed;
  }
}

void AdaptiveLimit::on_overload(TimePoint now) {
  if (m_last_halving != TimePoint{} && now - m_last_halving < k_between_halvings) {
    return;
  }
  m_last_halving = now;
  m_allowed = std::max(m_allowed / 2, 1);
  m_trying_more = false;
  m_windows_to_hold = k_hold_after_halving;
  start_window(now);
}

Gate::Pass::~Pass() {
  m_gate->leave();
}

Gate::Pass Gate::enter() {
  std::unique_lock lock(m_mutex);
  ++m_waiting;
  while (m_inside >= m_limit.allowed() || std::chrono::steady_clock::now() < m_not_before) {
    if (base::interrupt_requested()) {
      --m_waiting;
      base::throw_if_interrupted();
    }
    m_place_free.wait_for(lock, k_interrupt_poll);
  }
  --m_waiting;
  ++m_inside;
  return Pass(*this);
}

void Gate::leave() {
  const std::lock_guard lock(m_mutex);
  --m_inside;
  m_limit.on_progress(std::chrono::steady_clock::now(), 0, 1, m_waiting > 0);
  // All of them: the limit may have risen, so that more than one may go.
  m_place_free.notify_all();
}

void Gate::add_bytes(std::uint64_t bytes) {
  const std::lock_guard lock(m_mutex);
  const int before = m_limit.allowed();
  m_limit.on_progress(std::chrono::steady_clock::now(), bytes, 0, m_waiting > 0);
  if (m_limit.allowed() > before) {
    m_place_free.notify_all();
  }
}

void Gate::add_overload(AdaptiveLimit::TimePoint not_before) {
  const std::lock_guard lock(m_mutex);
  m_not_before = std::max(m_not_before, not_before);
  m_limit.on_overload(std::chrono::steady_clock::now());
}

int Gate::allowed() const {
  const std::lock_guard lock(m_mutex);
  return m_limit.allowed();
}

}  // namespace airlock::http
