// What a job may reach, from all who have a say in it.
#pragma once

#include <string>
#include <vector>

#include "agent/agent_config.hpp"

namespace airlock::agent {

struct JobNetworkRules {
  std::vector<control::NetworkRule> rules;
  std::vector<control::NetworkRule> own;  // those of the agent itself, which may lead to its host's loopback
};

// The mirror and the site's own (agent), the backend and the git server of the job where they are on the network, and
// the deployment's own. The loopback of the agent's host is the agent's to give: a deployment that asks for more of it
// than the agent's configuration has throws config. Throws malformed.
JobNetworkRules job_network_rules(const AgentConfig& config, const control::Job& job);
std::string describe(const std::vector<control::NetworkRule>& rules);  // "a:443, 10.0.0.0/8"

}  // namespace airlock::agent
