// A job's environment, built from nothing: what makes every client use the mirror, what the agent's owner forwards,
// what the deployment asks for. Nothing else of the host is in it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/agent_config.hpp"
#include "agent/job_directory.hpp"
#include "agent/masking.hpp"

namespace airlock::agent {

struct JobEnvironment {
  std::map<std::string, std::string> variables;
  Masker masker;                   // knows the secrets among them
  std::vector<std::string> notes;  // what no setting can close, from the ecosystems
};

// Writes the clients' files into the job's folder (setup/). `host`: the agent's own environment.
JobEnvironment make_job_environment(const AgentConfig& config, const control::Claim& claim,
                                    const JobDirectory& directory, const std::map<std::string, std::string>& host);

// NAME=value lines that a job left in the file named by AIRLOCK_ENV and PULUMI_ENV; lines of another form are not
// taken. A line's value may be quoted; nothing in it is expanded.
std::map<std::string, std::string> parse_variables_file(std::string_view text);
// The same of the file itself, which may be anything by now: a link, a device, gigabytes.
std::map<std::string, std::string> read_variables_file(const JobDirectory& directory);

inline constexpr std::string_view k_variables_file = "env";  // in the job's folder

}  // namespace airlock::agent
