#include "ecosystem/task_group.hpp"

#include <system_error>
#include <utility>

namespace airlock::ecosystem {

TaskGroup::~TaskGroup() {
  {
    const std::lock_guard lock(m_mutex);
    m_stopping = true;
    m_tasks.clear();
  }
  m_changed.notify_all();
  for (std::thread& thread : m_threads) {  // add() starts no more of them
    thread.join();
  }
}

void TaskGroup::add(Task task) {
  {
    const std::lock_guard lock(m_mutex);
    if (m_failure || m_stopping) {
      return;  // the whole has failed already, or was given up; nobody will use what this would find
    }
    m_tasks.push_back(std::move(task));
    // The thread that waits works too, so one fewer is started; and none before there is work for it.
    if (m_threads.size() + 1 < m_threads_wanted && m_tasks.size() + m_running > m_threads.size() + 1) {
      start_thread();
    }
  }
  m_changed.notify_one();
}

void TaskGroup::start_thread() {
  try {
    m_threads.emplace_back([this] { work(false); });
  } catch (const std::system_error&) {
    // No further thread can be had: those that there are do the work, and whoever waits does.
  }
}

void TaskGroup::wait() {
  work(true);
  const std::lock_guard lock(m_mutex);
  if (m_failure) {
    std::rethrow_exception(std::exchange(m_failure, nullptr));
  }
}

void TaskGroup::work(bool until_idle) {
  std::unique_lock lock(m_mutex);
  while (true) {
    m_changed.wait(lock, [&] { return m_stopping || !m_tasks.empty() || (until_idle && m_running == 0); });
    if (m_tasks.empty()) {
      return;
    }
    run_one(lock);
  }
}

void TaskGroup::run_one(std::unique_lock<std::mutex>& lock) {
  const Task task = std::move(m_tasks.front());
  m_tasks.pop_front();
  ++m_running;
  lock.unlock();
  std::exception_ptr failure;
  try {
    task();
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  --m_running;
  if (failure && !m_failure) {
    m_failure = failure;
    m_tasks.clear();
  }
  if (m_running == 0 && m_tasks.empty()) {
    m_changed.notify_all();
  }
}

}  // namespace airlock::ecosystem
