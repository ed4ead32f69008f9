// `airlock agent check`: everything that the agent will need, tried.
#pragma once

#include <vector>

#include "agent/agent_config.hpp"
#include "agent/executor_check.hpp"
#include "base/clock.hpp"

namespace airlock::agent {

// Addresses, names, TLS, clock, mirror, space, runners, and what would lead out. Every result names what it is about;
// bad ones say which setting mends them.
std::vector<CheckResult> check_agent(const AgentConfig& config, const base::Clock& clock);

}  // namespace airlock::agent
