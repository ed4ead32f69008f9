#include "agent/refusal_log.hpp"

#include "agent/log_writer.hpp"

namespace airlock::agent {

namespace {

// A job that tries every address there is must not fill the site's disk with that.
constexpr std::size_t k_most_kinds = 5000;
constexpr std::chrono::seconds k_between{1};

}  // namespace

void RefusalLog::put(const Key& key, std::uint64_t count) {
  if (m_written >= m_most) {
    return;
  }
  const auto& [step, target, port, protocol, process] = key;
  if (++m_written == m_most) {
    m_spool.add_refused({now_in_millis(), step, "(more, which are not kept)", 0, protocol, "", 1});
    return;
  }
  m_spool.add_refused({now_in_millis(), step, target, port, protocol, process, count});
}

void RefusalLog::add(const Refusal& refusal) {
  const std::lock_guard lock(m_mutex);
  Key key{m_step, refusal.target, refusal.port, refusal.protocol, refusal.process};
  const auto found = m_repeats.find(key);
  if (found != m_repeats.end()) {
    ++found->second;
    return;
  }
  if (m_repeats.size() >= k_most_kinds) {
    key = {m_step, "(many others)", 0, refusal.protocol, ""};
    if (const auto others = m_repeats.find(key); others != m_repeats.end()) {
      ++others->second;
      return;
    }
  }
  m_repeats[key] = 0;
  put(key, 1);
}

void RefusalLog::flush() {
  const std::lock_guard lock(m_mutex);
  const auto now = std::chrono::steady_clock::now();
  if (now - m_flushed < k_between) {
    return;
  }
  m_flushed = now;
  for (auto& [key, count] : m_repeats) {
    if (count != 0) {
      put(key, std::exchange(count, 0));
    }
  }
}

}  // namespace airlock::agent
