// Whether this host can contain jobs: by containing one that does nothing.
#pragma once

#include <string>
#include <vector>

#include "agent/agent_config.hpp"

namespace airlock::agent {

struct CheckResult {
  enum class Verdict { good, weak, bad } verdict = Verdict::good;  // weak: it works, and a person should know
  std::string what;                                                // "process runner"
  std::string text;
  std::string hint;
};

// For each runner of the configuration. A trial job must run, must be refused a connection, and must be seen trying.
std::vector<CheckResult> check_executors(const AgentConfig& config);
// Throws unsupported with the first bad one.
void require_executors(const AgentConfig& config);

}  // namespace airlock::agent
