// How many transfers one origin is given at a time, and the wait for a place among them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace airlock::http {

// Climbs by one while that makes the whole faster, steps back when it does not, halves when the origin says
// that it is too much. Pure: time is handed in. Not thread-safe.
class AdaptiveLimit {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  AdaptiveLimit(int initial, int ceiling);
  int allowed() const { return m_allowed; }

  // What arrived since the last call: body bytes and finished transfers. `saturated`: some thread waits for a
  // place, so that a higher limit would change something.
  void on_progress(TimePoint now, std::uint64_t bytes, int finished, bool saturated);
  // 429 or 503. Counts once in three seconds, because one overload answers many transfers.
  void on_overload(TimePoint now);

 private:
  void end_window(double rate);
  void start_window(TimePoint now);

  int m_allowed;
  int m_ceiling;
  TimePoint m_window_start{};
  double m_window_score = 0;
  int m_window_finished = 0;
  bool m_window_saturated = false;
  double m_rate_before = 0;  // score a second at the limit before the last step up
  bool m_trying_more = false;
  int m_windows_to_hold = 0;
  TimePoint m_last_halving{};
};

// Thread-safe. A thread holds a Pass while its transfer runs.
class Gate {
 public:
  class Pass {
   public:
    explicit Pass(Gate& gate) : m_gate(&gate) {}
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass();

   private:
    Gate* m_gate;
  };

  Gate(int initial, int ceiling) : m_limit(initial, ceiling) {}
  Pass enter();  // blocks while all places are taken, or the origin asked to wait; throws interrupted
  void add_bytes(std::uint64_t bytes);
  // `not_before`: what a 429 said, so that the other threads do not go on knocking meanwhile.
  void add_overload(AdaptiveLimit::TimePoint not_before = {});
  int allowed() const;

 private:
  void leave();

  mutable std::mutex m_mutex;
  std::condition_variable m_place_free;
  AdaptiveLimit m_limit;
  AdaptiveLimit::TimePoint m_not_before{};
  int m_inside = 0;
  int m_waiting = 0;
};

}  // namespace airlock::http
