// What one job may reach: decided for each connection and each name, on the agent's side of the wall.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cell_spec.hpp"
#include "base/ip_address.hpp"
#include "control/wire.hpp"

namespace airlock::agent {

// Thread-safe.
class Reach {
 public:
  // Rules on the loopback of the agent's host ("127.0.0.1:8480", "localhost:5432") become services that the job finds
  // on its own loopback; such a rule needs a port, and throws config without one.
  // `own`: those of the rules that the agent gives itself. Only a name in one of them may lead to that loopback, and
  // only on that rule's port; any other name that does has no address.
  explicit Reach(const std::vector<control::NetworkRule>& rules, std::vector<control::NetworkRule> own = {});

  const std::vector<LoopbackService>& loopback() const { return m_loopback; }

  bool knows_name(std::string_view name) const;
  // Remembers where an allowed name leads, and returns what the job is to be told. An address on the agent's own
  // loopback would be the job's own inside: it gets a stand-in. Addresses of the job's own network are never told.
  std::vector<base::IpAddress> learn(std::string_view name, const std::vector<base::IpAddress>& addresses);

  // Where a connection of the job may really go; nullopt: it may not. An address that only a name allows counts once
  // the job has asked for that name.
  std::optional<base::IpAddress> destination(const base::IpAddress& asked, std::uint16_t port) const;

 private:
  base::IpAddress stand_in(const base::IpAddress& real);
  bool is_own(const control::NetworkRule& rule) const;
  bool is_own_name(std::string_view name) const;

  std::vector<control::NetworkRule> m_rules;
  std::vector<control::NetworkRule> m_own;
  std::vector<LoopbackService> m_loopback;
  mutable std::mutex m_mutex;
  std::map<base::IpAddress, std::set<std::string, std::less<>>> m_learned;  // what the job was told, for which names
  std::map<base::IpAddress, base::IpAddress> m_real;                        // stand-in to what it stands for
};

}  // namespace airlock::agent
