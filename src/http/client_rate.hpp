// The rate limit over all transfers of a client: a token bucket that threads draw from.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

namespace airlock::http {

// Thread-safe.
class RateLimiter {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit RateLimiter(std::uint64_t bytes_per_second);  // 0: no limit
  bool limited() const { return m_rate != 0; }

  // Books `bytes` that just arrived and says until when their thread has to pause. Up to a quarter of a
  // second's worth may come at once. Pure: time is handed in.
  TimePoint book(TimePoint now, std::uint64_t bytes);
  // The same, and pauses; ends early when the user asked to stop.
  void take(std::uint64_t bytes);

 private:
  std::uint64_t m_rate;
  std::mutex m_mutex;
  TimePoint m_booked_until{};
};

// Sleeps until then; returns early, false, when the user asked to stop.
bool pause_until(std::chrono::steady_clock::time_point then);

}  // namespace airlock::http
