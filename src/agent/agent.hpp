// The agent itself: asks for work, runs one deployment at a time, until it is told to stop.
#pragma once

#include <map>
#include <string>

#include "agent/agent_config.hpp"
#include "base/reporter.hpp"

namespace airlock::agent {

struct AgentRequest {
  AgentConfig config;
  AgentConfigSources sources;  // to read the token again when it was refused
  base::Reporter& reporter;
};

// Installs handlers for SIGINT and SIGTERM: the first lets the running job end and takes no other, the second
// interrupts the job, waits as `grace` says, and kills it. Throws auth when the pool's token is refused, unsupported
// when the host cannot contain jobs, busy when another agent has this directory.
void run_agent(AgentRequest request);

}  // namespace airlock::agent
