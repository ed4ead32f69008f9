#include "agent/task_threads.hpp"

#include <sys/eventfd.h>

#include <system_error>
#include <thread>

#include "base/error.hpp"

namespace airlock::agent {

TaskThreads::TaskThreads(std::size_t most) : m_most(most), m_stopped(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!m_stopped) {
    throw base::system_error(errno, "cannot make an event");
  }
}

TaskThreads::~TaskThreads() {
  stop();
  std::unique_lock lock(m_mutex);
  m_ended.wait(lock, [&] { return m_running == 0; });
}

void TaskThreads::stop() {
  const std::lock_guard lock(m_mutex);
  m_stopping = true;
  eventfd_write(m_stopped.get(), 1);
}

bool TaskThreads::start(std::function<void()> task) {
  const std::lock_guard lock(m_mutex);
  if (m_stopping || m_running >= m_most) {
    return false;
  }
  try {
    std::thread([this, task = std::move(task)]() mutable {
      task();
      task = nullptr;  // what it holds is gone before this object may be
      const std::lock_guard inner(m_mutex);
      --m_running;
      m_ended.notify_all();
    }).detach();
  } catch (const std::system_error&) {
    return false;
  }
  ++m_running;
  return true;
}

}  // namespace airlock::agent
