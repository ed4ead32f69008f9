// Threads that come and go, one for each connection of a job, all ended before this object is.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

#include "base/files.hpp"

namespace airlock::agent {

class TaskThreads {
 public:
  explicit TaskThreads(std::size_t most);
  TaskThreads(const TaskThreads&) = delete;
  TaskThreads& operator=(const TaskThreads&) = delete;
  ~TaskThreads();  // stops, and waits for all

  // False where there are too many already, or no thread can be had. `task` must not throw, and must end soon after
  // `stopped()` becomes readable.
  bool start(std::function<void()> task);
  int stopped() const { return m_stopped.get(); }  // for poll
  void stop();

 private:
  std::size_t m_most;
  base::Fd m_stopped;
  std::mutex m_mutex;
  std::condition_variable m_ended;
  std::size_t m_running = 0;
  bool m_stopping = false;
};

}  // namespace airlock::agent
