// Where a job's commands run. Two of them: a process in walls of our own, and a container of Docker.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_config.hpp"
#include "agent/gateway.hpp"
#include "agent/job_directory.hpp"
#include "agent/reach.hpp"

namespace airlock::agent {

struct JobCommand {
  std::vector<std::string> argv;                   // argv[0] is looked up on the PATH of `environment`
  std::map<std::string, std::string> environment;  // all of it
  std::string directory;
};

class Runner {
 public:
  virtual ~Runner() = default;  // ends all that runs, and leaves nothing behind

  // Hands on what the command writes, and returns its exit code: 128 + signal where one ended it.
  virtual int run(const JobCommand& command, const std::function<void(std::string_view)>& output) = 0;
  // Both from other threads, while a command runs or not. No command starts after `kill`.
  virtual void signal(int number) = 0;
  virtual void kill() = 0;
  // What the place itself brings, such as an image's variables, beside or below the job's own.
  virtual void add_environment(std::map<std::string, std::string>& variables) const { (void)variables; }
  // What a person should know of a job that ended: limits that were hit, or could not be held.
  virtual std::vector<std::string> remarks() const = 0;
};

struct RunnerRequest {
  const AgentConfig& config;
  const JobDirectory& directory;
  std::string name;  // of this attempt, for groups and containers: letters, digits, '-', '.'
  ResourceLimits limits;
  std::shared_ptr<Reach> reach;
  std::function<void(const Refusal&)> on_refused;
  // Docker only.
  std::string image;
  std::string image_user;
  base::Secret image_password;
  std::function<void(const std::string&)> say;  // progress of what takes long, for the job's log
  std::function<bool()> stopped;                // true: what takes long is not waited for; may be empty
};

// Each throws unsupported, naming what the host does not give.
std::unique_ptr<Runner> make_process_runner(const RunnerRequest& request);
std::unique_ptr<Runner> make_docker_runner(const RunnerRequest& request);

// Throws unsupported where jobs cannot run in containers at all: the agent is not root, or no daemon answers.
void require_docker(const AgentConfig& config);
// Containers that a killed agent left behind. Throws as require_docker does, and what Docker says against it.
void remove_stale_containers(const AgentConfig& config);

// Of the control group and the container of job `name`: other agents on this host have other ones.
std::string job_group_name(const AgentConfig& config, std::string_view name);
// Where this agent makes the folders of its jobs: below AgentConfig::jobs, which other agents and other things may use
// as well.
std::filesystem::path job_folders(const AgentConfig& config);

inline constexpr std::string_view k_tools_folder = "/airlock-tools";  // where a job finds AgentConfig::tools

}  // namespace airlock::agent
