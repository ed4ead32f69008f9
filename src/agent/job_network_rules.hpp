// What a job may reach, from all who have a say in it.
#pragma once

#include <string>
#include <vector>

#include "agent/agent_config.hpp"

namespace airlock::agent {

// The mirror, the backend and the git server of the job where they are on the network, the site's own (agent), and the
// deployment's own. Throws malformed, config.
std::vector<control::NetworkRule> job_network_rules(const AgentConfig& config, const control::Job& job);
std::string describe(const std::vector<control::NetworkRule>& rules);  // "a:443, 10.0.0.0/8"

}  // namespace airlock::agent
