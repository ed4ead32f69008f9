// The users' side: settings of stacks, deployments, their logs.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "control/access.hpp"
#include "control/core.hpp"
#include "control/dispatcher.hpp"

namespace airlock::control {

struct LogEntry {  // either a header or a line
  UnixMillis time{};
  std::string text;
  bool header = false;
  std::string step;  // name of the step that it belongs to
};

struct LogStream {
  std::vector<LogEntry> entries;
  std::string next;  // "" when all of it was read and nothing can follow
};

struct LogPage {
  std::vector<LogLine> lines;
  std::optional<std::uint64_t> next_offset;
};

// A deployment with everything that is known of it.
struct DeploymentDetail {
  DeploymentRecord record;
  std::optional<PoolRecord> pool;
  std::uint64_t latest_version = 0;
  bool paused = false;
  struct JobDetail {
    AttemptRecord attempt;
    std::vector<StepReport> steps;
    std::vector<RefusedAttempt> refused;
    bool log_truncated = false;
  };
  std::vector<JobDetail> jobs;
};

class Deployments {
 public:
  Deployments(Core& core, Dispatcher& dispatcher) : m_core(core), m_dispatcher(dispatcher) {}

  std::optional<base::Json> settings(const StackName& stack);
  enum class Change { merge, replace };
  base::Json change_settings(const StackName& stack, const base::Json& document, Change change);
  void remove_settings(const StackName& stack);
  // Throws malformed when the stack has no settings.
  void pause(const StackName& stack, bool paused);
  void pause_organization(std::string_view organization, bool paused);

  // `request` as in docs/formats/deployments-api.md. Throws malformed, unsupported, not_found (pool, uploaded folder).
  DeploymentRecord create(const StackName& stack, const base::Json& request, const Caller& caller);
  DeploymentDetail detail(const StackName& stack, const std::string& id);  // throws not_found
  DeploymentDetail detail(const StackName& stack, std::uint64_t version);
  std::vector<DeploymentDetail> list(const DeploymentFilter& filter, std::uint64_t& total);  // without steps
  // A deployment that has ended stays as it is; false tells so.
  bool cancel(const StackName& stack, const std::string& id, const Caller& caller);

  // The two modes of reading a log. With nothing new the stream is held, at most `wait`.
  LogStream stream(const StackName& stack, const std::string& id, std::string_view token, std::chrono::seconds wait,
                   const std::function<bool()>& client_gone);
  LogPage page(const StackName& stack, const std::string& id, std::uint64_t job, std::uint64_t step,
               std::uint64_t offset, std::uint64_t count);

 private:
  DeploymentRecord record_of(const StackName& stack, const std::string& id);
  DeploymentDetail detail_of(DeploymentRecord record);
  DeploymentDetail with_jobs(DeploymentDetail detail);
  PoolRecord pool_for(const std::string& organization, const base::Json& document);
  // What is known of a deployment's log without looking into it. The lock must be held.
  struct LogOutline {
    std::string id;
    bool over = false;
    struct Job {
      AttemptRecord attempt;
      std::vector<StepReport> steps;
    };
    std::vector<Job> jobs;
  };
  LogOutline outline_of(const DeploymentRecord& deployment, std::uint64_t first_job);
  bool read_stream(const LogOutline& outline, LogStream& stream, std::array<std::uint64_t, 3>& at) const;

  Core& m_core;
  Dispatcher& m_dispatcher;
};

}  // namespace airlock::control
