#include "bundle/write_behind.hpp"

#include <utility>

namespace airlock::bundle {

WriteBehind::WriteBehind() : m_thread([this] { run(); }) {}

WriteBehind::~WriteBehind() {
  {
    const std::lock_guard lock(m_mutex);
    m_stop = true;
  }
  m_changed.notify_all();
  m_thread.join();
}

void WriteBehind::run() {
  std::unique_lock lock(m_mutex);
  for (;;) {
    m_changed.wait(lock, [this] { return m_stop || !m_jobs.empty(); });
    if (m_jobs.empty()) {
      return;
    }
    const std::function<void()> job = std::move(m_jobs.front());
    m_jobs.pop_front();
    m_busy = true;
    const bool skip = m_failure != nullptr;
    lock.unlock();
    std::exception_ptr failure;
    if (!skip) {
      try {
        job();
      } catch (...) {
        failure = std::current_exception();
      }
    }
    lock.lock();
    m_busy = false;
    if (failure) {
      m_failure = failure;
    }
    m_changed.notify_all();
  }
}

void WriteBehind::throw_failure() {
  if (m_failure) {
    std::rethrow_exception(m_failure);
  }
}

void WriteBehind::submit(std::function<void()> job) {
  std::unique_lock lock(m_mutex);
  m_changed.wait(lock, [this] { return m_jobs.size() < k_longest_queue; });
  throw_failure();
  m_jobs.push_back(std::move(job));
  m_changed.notify_all();
}

void WriteBehind::drain() {
  std::unique_lock lock(m_mutex);
  m_changed.wait(lock, [this] { return m_jobs.empty() && !m_busy; });
  throw_failure();
}

}  // namespace airlock::bundle
