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

// What a trial job runs in a shell: tries one connection, with whatever its place has. Exits with 0 when that was
// refused, with the first of these when it was not, and with another when it could not be tried.
inline constexpr int k_trial_got_out = 7;
inline constexpr int k_trial_has_no_program = 9;
extern const char* const k_trial_script;

// For each runner of the configuration. A trial job must run, must be refused a connection, and must be seen trying.
std::vector<CheckResult> check_executors(const AgentConfig& config);
// Throws unsupported with the first bad one.
void require_executors(const AgentConfig& config);

}  // namespace airlock::agent
