// How an agent is set up: defaults, a YAML file (its own, or the one of Pulumi's deployment agent), the environment.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/cgroup.hpp"
#include "agent/sandbox_view.hpp"
#include "base/secret.hpp"
#include "base/url.hpp"
#include "control/wire.hpp"

namespace airlock::agent {

struct ToolFile {      // a file of the mirror that jobs find on their PATH
  std::string path;    // "/tools/opentofu/1.12.6/tofu.tar.gz"
  std::string sha256;  // 64 hex characters; what else comes is refused
};

struct AgentConfig {
  base::Url url;                    // of the control plane
  base::Url mirror;                 // `url` where nothing else is said
  std::filesystem::path ca_file;    // PEM, added to the system's, for the agent and for its jobs
  base::Secret token;               // of the pool
  std::string token_origin;         // where it came from, for people
  std::string name;                 // of this agent; the host's name where nothing is said
  std::filesystem::path directory;  // spool, tools, leftovers
  std::filesystem::path jobs;       // folders of jobs are made below it
  std::vector<control::RunnerKind> runners{control::RunnerKind::process};
  std::vector<std::string> env_forward_allowlist;
  std::vector<control::NetworkRule> networks;         // of the site, for each job
  std::vector<std::filesystem::path> host_paths;      // shown to jobs, read-only
  std::vector<std::filesystem::path> writable_paths;  // shown to jobs, writable: state of file backends
  std::vector<ToolFile> tools;
  std::filesystem::path docker_socket = "/var/run/docker.sock";
  std::string docker_image;  // where a job names none
  bool docker_pull = true;
  ResourceLimits limits{2000, std::uint64_t{4} << 30, 4096};
  std::chrono::seconds timeout{3600};
  std::chrono::seconds grace{30};                       // from INT to TERM, and half of it from TERM to KILL
  std::uint64_t log_limit = std::uint64_t{64} << 20;    // bytes of one job
  std::uint64_t free_space = std::uint64_t{512} << 20;  // bytes that must stay free where jobs lie
  JobUser user;
  bool once = false;
  std::vector<std::string> warnings;  // unknown or useless settings, for people
};

struct AgentConfigSources {
  std::filesystem::path directory;            // holds airlock-agent.yaml, and is the agent's own
  std::optional<std::filesystem::path> file;  // instead of looking for one
  std::map<std::string, std::string> environment;
  std::optional<base::Secret> token;  // from a descriptor; beats everything
};

// The file that would be read: airlock-agent.yaml, or one of the names of Pulumi's agent, in the directory, here, in
// the home, in /etc; nullopt where there is none.
std::optional<std::filesystem::path> find_agent_file(const AgentConfigSources& sources);
// Default < file < PULUMI_AGENT_… < AIRLOCK_AGENT_…. Throws config with the position of what is wrong; in a file of
// Pulumi's agent, and for variables, what is not known becomes a warning.
AgentConfig load_agent_config(const AgentConfigSources& sources);

// The text of a new airlock-agent.yaml. It names where the token lies and never holds it.
std::string new_agent_file(const base::Url& url, const std::filesystem::path& token_file,
                           const std::filesystem::path& ca_file);

}  // namespace airlock::agent
