// One helper thread that works off jobs in order, so that hashing and writing overlap with whoever makes the bytes.
// For the files of this folder only.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace airlock::bundle {

class WriteBehind {
 public:
  WriteBehind();
  WriteBehind(const WriteBehind&) = delete;
  WriteBehind& operator=(const WriteBehind&) = delete;
  ~WriteBehind();  // works off what is waiting

  // Waits while k_longest_queue jobs are ahead. Throws what an earlier job threw; jobs behind that one are dropped.
  void submit(std::function<void()> job);
  // Returns when nothing is waiting or running any more; throws as submit.
  void drain();

 private:
  static constexpr std::size_t k_longest_queue = 4;

  void run();
  void throw_failure();

  std::mutex m_mutex;
  std::condition_variable m_changed;
  std::deque<std::function<void()>> m_jobs;
  bool m_busy = false;
  bool m_stop = false;
  std::exception_ptr m_failure;
  std::thread m_thread;
};

}  // namespace airlock::bundle
