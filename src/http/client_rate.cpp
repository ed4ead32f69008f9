#include "http/client_rate.hpp"

#include <algorithm>
#include <thread>

#include "base/interrupt.hpp"

namespace airlock::http {

namespace {

constexpr auto k_burst = std::chrono::milliseconds(250);
constexpr auto k_longest_nap = std::chrono::milliseconds(100);

}  // namespace

RateLimiter::RateLimiter(std::uint64_t bytes_per_second) : m_rate(bytes_per_second) {}

RateLimiter::TimePoint RateLimiter::book(TimePoint now, std::uint64_t bytes) {
  if (m_rate == 0) {
    return now;
  }
  const std::chrono::duration<double> cost(static_cast<double>(bytes) / static_cast<double>(m_rate));
  const std::lock_guard lock(m_mutex);
  m_booked_until = std::max(m_booked_until, now - k_burst) + std::chrono::duration_cast<TimePoint::duration>(cost);
  return m_booked_until;
}

void RateLimiter::take(std::uint64_t bytes) {
  if (m_rate == 0) {
    return;
  }
  pause_until(book(std::chrono::steady_clock::now(), bytes));
}

bool pause_until(std::chrono::steady_clock::time_point then) {
  for (;;) {
    if (base::interrupt_requested()) {
      return false;
    }
    const auto now = std::chrono::steady_clock::now();
    if (now >= then) {
      return true;
    }
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(then - now, k_longest_nap));
  }
}

}  // namespace airlock::http
