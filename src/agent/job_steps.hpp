// What a job is made of: each step a list of commands, found out from the deployment and from what lies in its folder.
// Pure but for looking at files, so that they can be tested without running anything.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/agent_config.hpp"
#include "agent/job_directory.hpp"
#include "control/wire.hpp"

namespace airlock::agent {

struct StepCommand {
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;  // beside the job's own
};

struct StepPlan {
  std::vector<StepCommand> commands;
  std::vector<std::string> remarks;                // for the log, before the first command
  std::map<std::string, std::string> environment;  // for later steps, and this one
};

inline constexpr std::string_view k_work_folder = "work";  // in the job's folder: the source

// "/job/work/DIRECTORY": where commands run.
std::string working_directory(const control::Job& job);

// Unpacks what the agent put at `archive` (a path in the job), or clones. Throws malformed for what a source cannot be.
StepPlan plan_unpack(const std::string& archive);
StepPlan plan_git(const control::Source& source, const JobDirectory& directory);
// By the files in the working directory; foreign ones.
StepPlan plan_dependencies(const control::Job& job, const JobDirectory& directory);
StepPlan plan_operation(const control::Job& job);
StepPlan plan_pulumi(const control::Job& job);
StepPlan plan_terraform(const control::Job& job, const std::string& program);

// The folder of a "file://" backend; nullopt for any other.
std::optional<std::filesystem::path> backend_folder(const control::Job& job);
// What a git URL connects to; nullopt for a local one.
std::optional<control::NetworkRule> git_server(const std::string& url);

}  // namespace airlock::agent
