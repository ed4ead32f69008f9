// Refused attempts of a job on their way to its spool: each kind at once when it is seen first, repeats as a number.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <tuple>

#include "agent/gateway.hpp"
#include "agent/spool.hpp"

namespace airlock::agent {

// Thread-safe.
class RefusalLog {
 public:
  explicit RefusalLog(Spool& spool) : m_spool(spool) {}

  void set_step(std::uint64_t step) { m_step = step; }
  void add(const Refusal& refusal);
  void flush();  // repeats that were counted since

 private:
  using Key = std::tuple<std::uint64_t, std::string, std::uint16_t, std::string, std::string>;
  void put(const Key& key, std::uint64_t count);

  Spool& m_spool;
  std::atomic<std::uint64_t> m_step = 0;
  std::mutex m_mutex;
  std::map<Key, std::uint64_t> m_repeats;
  std::chrono::steady_clock::time_point m_flushed;
};

}  // namespace airlock::agent
