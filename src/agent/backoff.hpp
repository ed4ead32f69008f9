// How long to wait before a thing is tried again: twice as long each time, up to a limit, and never quite the same for
// two.
#pragma once

#include <chrono>
#include <random>

namespace airlock::agent {

class Backoff {
 public:
  using Millis = std::chrono::milliseconds;
  Backoff(Millis first, Millis longest) : m_first(first), m_longest(longest), m_next(first) {}

  Millis next() {
    std::uniform_int_distribution<Millis::rep> part(m_next.count() / 2, m_next.count());
    m_next = std::min(m_next * 2, m_longest);
    return Millis(part(m_random));
  }
  void reset() { m_next = m_first; }

 private:
  Millis m_first;
  Millis m_longest;
  Millis m_next;
  std::minstd_rand m_random{std::random_device{}()};
};

}  // namespace airlock::agent
