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
  static constexpr std::uint64_t k_most = 10'000;  // as many as the control plane keeps of one job

  // Writes `most` records, the last of which says that there is no more to come.
  explicit RefusalLog(Spool& spool, std::uint64_t most = k_most) : m_spool(spool), m_most(most) {}

  void set_step(std::uint64_t step) { m_step = step; }
  void add(const Refusal& refusal);
  void flush();  // repeats that were counted since

 private:
  using Key = std::tuple<std::uint64_t, std::string, std::uint16_t, std::string, std::string>;
  void put(const Key& key, std::uint64_t count);

  Spool& m_spool;
  std::uint64_t m_most;
  std::uint64_t m_written = 0;
  std::atomic<std::uint64_t> m_step = 0;
  std::mutex m_mutex;
  std::map<Key, std::uint64_t> m_repeats;
  std::chrono::steady_clock::time_point m_flushed;
};

}  // namespace airlock::agent
