// Work that finds more work: tasks run on a few threads, each may add others.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace airlock::ecosystem {

class TaskGroup {
 public:
  using Task = std::function<void()>;
  explicit TaskGroup(std::size_t threads) : m_threads_wanted(threads) {}
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();  // drops what has not begun, waits for what has

  void add(Task task);  // from any thread, also from inside a task; dropped where the group failed or ends
  // Works along until nothing is left; throws what the first failed task threw, after the running ones ended.
  void wait();

 private:
  void start_thread();  // with the lock
  void work(bool until_idle);
  void run_one(std::unique_lock<std::mutex>& lock);

  std::mutex m_mutex;
  std::condition_variable m_changed;
  std::deque<Task> m_tasks;
  std::vector<std::thread> m_threads;
  std::size_t m_threads_wanted;
  std::size_t m_running = 0;
  bool m_stopping = false;
  std::exception_ptr m_failure;
};

}  // namespace airlock::ecosystem
