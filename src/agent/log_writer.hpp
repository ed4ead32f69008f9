// What one step of a job writes, made into lines of its log.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

#include "agent/masking.hpp"
#include "agent/spool.hpp"

namespace airlock::agent {

// Thread-safe. Copies the masker: secrets that become known later do not count.
class LogWriter {
 public:
  LogWriter(Spool& spool, std::uint64_t step, Masker masker);

  void write(std::string_view output);  // of a command
  void say(const std::string& line);    // of airlock itself; without the end of its line
  void flush_if_idle();                 // a line without end that waits for long is shown as it is
  void finish();

 private:
  void add(std::string_view text);
  void put(std::string_view text);

  Spool& m_spool;
  std::uint64_t m_step;
  std::mutex m_mutex;
  Masker m_masker;
  std::string m_line;
  std::chrono::steady_clock::time_point m_last = std::chrono::steady_clock::now();
};

control::UnixMillis now_in_millis();

}  // namespace airlock::agent
