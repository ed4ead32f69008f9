// A thread that writes what request threads left for it: they wait for no disk.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace airlock::mirror {

class WriteBehind {
 public:
  // `write` is called on a thread of this object every second, on flush(), and a last time when it ends; it must not
  // throw.
  explicit WriteBehind(std::function<void()> write);
  WriteBehind(const WriteBehind&) = delete;
  WriteBehind& operator=(const WriteBehind&) = delete;
  ~WriteBehind();

  void flush();  // returns when everything that was left before the call is written

 private:
  void work();

  std::function<void()> m_write;
  std::mutex m_mutex;
  std::condition_variable m_wake;
  std::condition_variable m_written;
  bool m_flush = false;
  bool m_stopping = false;
  bool m_writing = false;
  std::thread m_thread;
};

}  // namespace airlock::mirror
