#include "mirror/write_behind.hpp"

#include <utility>

namespace airlock::mirror {

namespace {

constexpr std::chrono::seconds k_write_every{1};

}  // namespace

WriteBehind::WriteBehind(std::function<void()> write) : m_write(std::move(write)), m_thread([this] { work(); }) {}

WriteBehind::~WriteBehind() {
  {
    const std::lock_guard lock(m_mutex);
    m_stopping = true;
  }
  m_wake.notify_all();
  m_thread.join();
}

void WriteBehind::flush() {
  std::unique_lock lock(m_mutex);
  m_flush = true;
  m_wake.notify_all();
  m_written.wait(lock, [&] { return !m_flush && !m_writing; });
}

void WriteBehind::work() {
  std::unique_lock lock(m_mutex);
  while (true) {
    m_wake.wait_for(lock, k_write_every, [&] { return m_stopping || m_flush; });
    m_flush = false;
    m_writing = true;
    const bool last = m_stopping;
    lock.unlock();
    m_write();
    lock.lock();
    m_writing = false;
    m_written.notify_all();
    if (last) {
      return;
    }
  }
}

}  // namespace airlock::mirror
