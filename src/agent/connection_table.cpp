#include "agent/connection_table.hpp"

namespace airlock::agent {

namespace {

constexpr std::size_t k_most = 16'384;
constexpr std::uint16_t k_first_port = 1024;
constexpr std::chrono::seconds k_remembered{60};  // the kernel's own TIME_WAIT
constexpr std::chrono::seconds k_not_taken{30};   // the job's kernel takes a moment

}  // namespace

std::optional<std::uint16_t> ConnectionTable::add(const Ends& ends) {
  const std::lock_guard lock(m_mutex);
  if (const auto known = m_by_ends.find(ends); known != m_by_ends.end()) {
    const auto found = m_by_port.find(known->second);
    if (!found->second.ended) {
      return std::nullopt;
    }
    m_by_port.erase(found);
    m_by_ends.erase(known);
  }
  if (m_by_port.size() >= k_most) {
    return std::nullopt;
  }
  while (m_by_port.contains(m_next)) {
    m_next = m_next == UINT16_MAX ? k_first_port : static_cast<std::uint16_t>(m_next + 1);
  }
  const std::uint16_t port = m_next;
  m_next = m_next == UINT16_MAX ? k_first_port : static_cast<std::uint16_t>(m_next + 1);
  m_by_port[port].ends = ends;
  m_by_ends[ends] = port;
  return port;
}

void ConnectionTable::set_outside(std::uint16_t port, base::Fd outside) {
  const std::lock_guard lock(m_mutex);
  if (const auto found = m_by_port.find(port); found != m_by_port.end()) {
    found->second.outside = std::move(outside);
    found->second.state = State::open;
    found->second.opened = Clock::now();
  }
}

base::Fd ConnectionTable::take_outside(std::uint16_t port) {
  const std::lock_guard lock(m_mutex);
  const auto found = m_by_port.find(port);
  return found == m_by_port.end() ? base::Fd() : std::move(found->second.outside);
}

void ConnectionTable::remove(std::uint16_t port) {
  const std::lock_guard lock(m_mutex);
  if (const auto found = m_by_port.find(port); found != m_by_port.end()) {
    m_by_ends.erase(found->second.ends);
    m_by_port.erase(found);
  }
}

void ConnectionTable::set_ended(std::uint16_t port) {
  const std::lock_guard lock(m_mutex);
  if (const auto found = m_by_port.find(port); found != m_by_port.end()) {
    found->second.ended = Clock::now();
  }
}

void ConnectionTable::set_reset(std::uint16_t port) {
  const std::lock_guard lock(m_mutex);
  if (const auto found = m_by_port.find(port); found != m_by_port.end() && found->second.outside) {
    found->second.outside = base::Fd();
    found->second.ended = Clock::now();
  }
}

void ConnectionTable::forget_ended(Clock::time_point now) {
  const std::lock_guard lock(m_mutex);
  for (auto each = m_by_port.begin(); each != m_by_port.end();) {
    const auto& connection = each->second;
    const bool given_up = connection.outside && connection.opened < now - k_not_taken;
    if (given_up || (connection.ended && *connection.ended < now - k_remembered)) {
      m_by_ends.erase(each->second.ends);
      each = m_by_port.erase(each);
    } else {
      ++each;
    }
  }
}

std::optional<ConnectionTable::Found> ConnectionTable::find(const Ends& ends) const {
  const std::lock_guard lock(m_mutex);
  const auto known = m_by_ends.find(ends);
  if (known == m_by_ends.end()) {
    return std::nullopt;
  }
  return Found{known->second, m_by_port.at(known->second).state};
}

std::optional<Ends> ConnectionTable::ends_of(std::uint16_t port) const {
  const std::lock_guard lock(m_mutex);
  const auto found = m_by_port.find(port);
  return found == m_by_port.end() ? std::nullopt : std::optional(found->second.ends);
}

}  // namespace airlock::agent
