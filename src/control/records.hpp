// The rows of control.db as values, and every question that the control plane asks of them. Knows no HTTP, no lease
// time and no secret but hashes; the caller serialises the calls and opens the transactions.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/sqlite.hpp"
#include "control/wire.hpp"

namespace airlock::control {

struct PoolRecord {
  std::string id, organization, name, description;
  base::Time created{};
  std::optional<base::Time> last_seen;
  bool is_default = false;
};

struct TokenRecord {
  std::string id;
  std::string owner;  // the pool's id, or the name that a user's token was given
  std::string hash;
  base::Time created{};
  std::optional<base::Time> last_used;
};

struct AgentRecord {
  std::string instance, hostname, ip, pid, platform, version, runners;
  base::Time first_seen{};
  base::Time last_seen{};
  std::optional<std::string> deployment;  // the id of what it runs now
};

// queued → offered → running → one of the four ends; offered → queued when nobody took it up; running → queued when a
// preview was lost for the first time.
enum class DeploymentState { queued, offered, running, succeeded, failed, cancelled, lost };
std::string_view to_string(DeploymentState state);
DeploymentState state_named(std::string_view name);  // throws internal
bool is_over(DeploymentState state);

struct DeploymentRecord {
  std::uint64_t number = 0;  // over all stacks; the order of the queue
  std::string id;
  StackName stack;
  std::uint64_t version = 0;  // within the stack
  Operation operation = Operation::preview;
  DeploymentState state = DeploymentState::queued;
  std::string reason;  // why it is not what was hoped for
  std::string pool;    // id
  RunnerKind runner = RunnerKind::process;
  std::string initiator;
  std::string document;  // its configuration, secrets sealed
  std::chrono::seconds timeout{};
  base::Time created{};
  base::Time modified{};
  std::optional<base::Time> started, ended;
  std::uint64_t attempt = 0;          // of the latest offer; 0 before the first
  std::uint64_t losses = 0;           // how often its agent vanished
  std::optional<std::string> cancel;  // asked to stop, and why
  std::optional<int> exit_code;
};

struct AttemptRecord {
  std::uint64_t attempt = 0;
  std::string token_hash;
  std::string pool_token;  // id
  std::string instance, hostname, pid;
  base::Time offered{};
  std::optional<base::Time> started, ended;
  std::optional<std::uint64_t> job;  // counts those that began, from 0
  std::string outcome;               // "", or how it ended
};

struct StackRecord {
  std::optional<std::string> settings;  // JSON, secrets sealed
  bool paused = false;
  std::uint64_t last_version = 0;
};

struct DeploymentFilter {
  std::string organization;
  std::optional<StackName> stack;  // else all of the organization
  std::optional<DeploymentState> state;
  std::uint64_t offset = 0, count = 10;
  bool ascending = false;
};

inline constexpr std::chrono::hours k_forget_agents_after{2};  // since they were seen last

class Records {
 public:
  explicit Records(base::Database database);

  base::Transaction change();  // everything until commit() is one step

  std::optional<std::string> fact(std::string_view key);
  void set_fact(std::string_view key, std::string_view value);

  void add_pool(const PoolRecord& pool);  // throws conflict where the name is taken
  std::vector<PoolRecord> pools(std::string_view organization);
  std::optional<PoolRecord> pool(std::string_view id);
  std::optional<PoolRecord> find_pool(std::string_view organization, std::string_view id_or_name);
  void change_pool(const PoolRecord& pool);  // name and description; throws conflict
  void remove_pool(std::string_view id);
  void pool_seen(std::string_view id, base::Time now);
  std::uint64_t open_deployments(std::string_view pool);

  void add_pool_token(const TokenRecord& token);
  std::vector<TokenRecord> pool_tokens(std::string_view pool);
  std::optional<TokenRecord> pool_token(std::string_view id);
  void pool_token_used(std::string_view id, base::Time now);
  bool remove_pool_token(std::string_view pool, std::string_view id);

  void add_user_token(const TokenRecord& token);
  std::vector<TokenRecord> user_tokens();
  std::optional<TokenRecord> user_token(std::string_view id);
  void user_token_used(std::string_view id, base::Time now);
  bool remove_user_token(std::string_view id);

  void agent_seen(std::string_view pool, const AgentIdentity& agent, std::string_view ip, base::Time now);
  void agent_alive(std::string_view pool, std::string_view instance, base::Time now);
  std::vector<AgentRecord> agents(std::string_view pool);
  bool has_agent(std::string_view pool, std::string_view instance);
  std::uint64_t count_agents(std::string_view pool);
  void forget_agents(std::string_view pool, base::Time now);  // that were not seen for k_forget_agents_after

  std::set<std::string> organizations();  // of pools and stacks
  StackRecord stack(const StackName& name);
  void set_settings(const StackName& name, const std::optional<std::string>& document);
  void set_paused(const StackName& name, bool paused);
  bool organization_paused(std::string_view organization);
  void set_organization_paused(std::string_view organization, bool paused);

  // Fills in number and version; the state is queued.
  void add_deployment(DeploymentRecord& deployment);
  std::optional<DeploymentRecord> deployment(std::string_view id);
  std::optional<DeploymentRecord> deployment_of_version(const StackName& stack, std::uint64_t version);
  std::vector<DeploymentRecord> deployments(const DeploymentFilter& filter);
  std::uint64_t count_deployments(const DeploymentFilter& filter);
  std::map<DeploymentState, std::uint64_t> count_states(std::string_view organization);
  std::vector<DeploymentRecord> under_way();                          // offered and running
  std::vector<DeploymentRecord> open_of_pool(std::string_view pool);  // that have not ended
  std::optional<DeploymentRecord> latest_of_pool(std::string_view pool);
  void update_deployment(const DeploymentRecord& deployment);  // everything that may change
  // The next that this pool may run with one of these runners: first come, first served, one at a time a stack.
  std::optional<DeploymentRecord> next_for(std::string_view pool, const std::vector<RunnerKind>& runners);

  void add_attempt(std::uint64_t deployment, const AttemptRecord& attempt);
  std::vector<AttemptRecord> attempts(std::uint64_t deployment);
  void update_attempt(std::uint64_t deployment, const AttemptRecord& attempt);

  void report_step(std::uint64_t deployment, std::uint64_t job, const StepReport& step);
  std::vector<StepReport> steps(std::uint64_t deployment, std::uint64_t job);

  std::uint64_t count_refused(std::uint64_t deployment, std::uint64_t job);
  void add_refused(std::uint64_t deployment, std::uint64_t job, std::uint64_t number, const RefusedAttempt& attempt);
  std::vector<RefusedAttempt> refused(std::uint64_t deployment, std::uint64_t job);

 private:
  // A prepared statement that is reset when it goes out of sight.
  class Query;
  Query query(std::string_view sql);

  base::Database m_database;
  std::map<std::string, base::Statement, std::less<>> m_statements;
};

}  // namespace airlock::control
