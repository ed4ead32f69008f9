#include "agent/reach.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace airlock::agent {

namespace {

constexpr std::size_t k_most_stand_ins = 127;

bool fits_port(const control::NetworkRule& rule, std::uint16_t port) {
  return rule.port == 0 || rule.port == port;
}

// The kernel takes the unspecified address for its own loopback.
bool is_local(const base::IpAddress& address) {
  static const base::IpAddress any_v4 = *base::IpAddress::parse("0.0.0.0");
  static const base::IpAddress any_v6 = *base::IpAddress::parse("::");
  const auto plain = address.unmapped();
  return plain.is_loopback() || plain == any_v4 || plain == any_v6;
}

bool is_of_job_network(const base::IpAddress& address) {
  return address.unmapped().in(*base::IpAddress::parse(k_stand_ins), k_stand_ins_prefix);
}

}  // namespace

Reach::Reach(const std::vector<control::NetworkRule>& rules, std::vector<control::NetworkRule> own)
    : m_own(std::move(own)) {
  for (const auto& rule : rules) {
    const auto address = base::IpAddress::parse(rule.host);
    const bool local = rule.host == "localhost" || (address && address->is_loopback());
    if (!local) {
      m_rules.push_back(rule);
      continue;
    }
    if (rule.port == 0) {
      throw base::Error(base::ErrorCode::config, "the rule '" + rule.to_string() + "' names this host's loopback")
          .with_hint("give its port as well: a job has a loopback of its own, and single ports are passed through");
    }
    if (!address) {
      m_loopback.push_back({"127.0.0.1", rule.port});
      m_loopback.push_back({"::1", rule.port});
    } else {
      m_loopback.push_back({address->to_string(), rule.port});
    }
  }
  const auto key = [](const LoopbackService& each) { return std::pair(each.address, each.port); };
  std::ranges::sort(m_loopback, {}, key);
  const auto same = [&](const auto& one, const auto& other) { return key(one) == key(other); };
  m_loopback.erase(std::unique(m_loopback.begin(), m_loopback.end(), same), m_loopback.end());
}

bool Reach::knows_name(std::string_view name) const {
  return std::ranges::any_of(m_rules, [&](const auto& rule) { return !rule.is_address() && rule.host == name; });
}

bool Reach::is_own(const control::NetworkRule& rule) const {
  return std::ranges::find(m_own, rule) != m_own.end();
}

bool Reach::is_own_name(std::string_view name) const {
  return std::ranges::any_of(m_own, [&](const auto& rule) { return !rule.is_address() && rule.host == name; });
}

base::IpAddress Reach::stand_in(const base::IpAddress& real) {
  for (const auto& [stands, for_what] : m_real) {
    if (for_what == real) {
      return stands;
    }
  }
  const auto first = base::IpAddress::parse(k_stand_ins).value();
  std::vector<std::uint8_t> next(first.bytes().begin(), first.bytes().end());
  next[3] = static_cast<std::uint8_t>(next[3] + std::min(m_real.size(), k_most_stand_ins));
  const auto address = base::IpAddress::from_bytes(next);
  m_real[address] = real;
  return address;
}

std::vector<base::IpAddress> Reach::learn(std::string_view name, const std::vector<base::IpAddress>& addresses) {
  const std::lock_guard lock(m_mutex);
  std::vector<base::IpAddress> told;
  for (const auto& address : addresses) {
    const bool local = is_local(address);
    // An address of the job's network in an answer from outside could be one that stands for something else.
    if (is_of_job_network(address) || (local && !is_own_name(name))) {
      continue;
    }
    const auto shown = local ? stand_in(address) : address;
    if (std::ranges::find(told, shown) == told.end()) {
      told.push_back(shown);
    }
    m_learned[shown].emplace(name);
  }
  return told;
}

std::optional<base::IpAddress> Reach::destination(const base::IpAddress& asked, std::uint16_t port) const {
  const std::lock_guard lock(m_mutex);
  const auto real = m_real.find(asked);
  const bool stands = real != m_real.end();
  const auto& target = stands ? real->second : asked;
  if (!stands && is_local(asked)) {
    return std::nullopt;
  }
  const auto learned = m_learned.find(asked);
  for (const auto& rule : m_rules) {
    if (!fits_port(rule, port) || (stands && !is_own(rule))) {
      continue;
    }
    if (!rule.is_address()) {
      if (learned != m_learned.end() && learned->second.contains(rule.host)) {
        return target;
      }
      continue;
    }
    const auto range = base::IpAddress::parse(rule.host);
    // A range never opens what an address on the way is mapped to.
    if (range && !stands && asked.in(*range, rule.prefix.value_or(range->is_v6() ? 128 : 32))) {
      return target;
    }
  }
  return std::nullopt;
}

}  // namespace airlock::agent
