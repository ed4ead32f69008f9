#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "control/records_query.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::array<std::pair<DeploymentState, std::string_view>, 7> k_states{{
    {DeploymentState::queued, "queued"},
    {DeploymentState::offered, "offered"},
    {DeploymentState::running, "running"},
    {DeploymentState::succeeded, "succeeded"},
    {DeploymentState::failed, "failed"},
    {DeploymentState::cancelled, "cancelled"},
    {DeploymentState::lost, "lost"},
}};

constexpr std::string_view k_deployment_columns =
    "number, id, organization, project, stack, version, operation, state, reason, pool, runner, initiator, document, "
    "timeout, created, modified, started, ended, attempt, losses, cancel, exit_code";

template <typename Query>
DeploymentRecord read_deployment(Query& row) {
  DeploymentRecord record;
  record.number = row.number();
  record.id = row.text();
  record.stack.organization = row.text();
  record.stack.project = row.text();
  record.stack.stack = row.text();
  record.version = row.number();
  const auto operation = find_operation(row.text());
  record.state = state_named(row.text());
  record.reason = row.text();
  record.pool = row.text();
  const auto runner = find_runner(row.text());
  if (!operation || !runner) {
    throw Error(ErrorCode::unsupported,
                "a deployment in the database has an operation that this airlock does not know");
  }
  record.operation = *operation;
  record.runner = *runner;
  record.initiator = row.text();
  record.document = row.text();
  record.timeout = std::chrono::seconds(row.number());
  record.created = row.time();
  record.modified = row.time();
  record.started = row.time_or_null();
  record.ended = row.time_or_null();
  record.attempt = row.number();
  record.losses = row.number();
  record.cancel = row.text_or_null();
  if (const auto code = row.number_or_null()) {
    record.exit_code = static_cast<int>(*code);
  }
  return record;
}

std::string where(const DeploymentFilter& filter) {
  std::string text = "organization=?";
  if (filter.stack) {
    text += " AND project=? AND stack=?";
  }
  if (filter.state) {
    text += " AND state=?";
  }
  return text;
}

template <typename Query>
void bind_filter(Query& query, const DeploymentFilter& filter) {
  query.text(filter.organization);
  if (filter.stack) {
    query.text(filter.stack->project).text(filter.stack->stack);
  }
  if (filter.state) {
    query.text(to_string(*filter.state));
  }
}

}  // namespace

std::string_view to_string(DeploymentState state) {
  for (const auto& [one, name] : k_states) {
    if (one == state) {
      return name;
    }
  }
  return "";
}

DeploymentState state_named(std::string_view name) {
  for (const auto& [state, one] : k_states) {
    if (one == name) {
      return state;
    }
  }
  throw Error(ErrorCode::internal, fmt::format("there is no deployment state '{}'", name));
}

bool is_over(DeploymentState state) {
  return state != DeploymentState::queued && state != DeploymentState::offered && state != DeploymentState::running;
}

std::set<std::string> Records::organizations() {
  std::set<std::string> result;
  Query row = query("SELECT organization FROM pools UNION SELECT organization FROM stacks");
  while (row.step()) {
    result.insert(row.text());
  }
  return result;
}

StackRecord Records::stack(const StackName& name) {
  Query row = query("SELECT settings, paused, last_version FROM stacks WHERE organization=? AND project=? AND stack=?");
  row.text(name.organization).text(name.project).text(name.stack);
  StackRecord record;
  if (row.step()) {
    record.settings = row.text_or_null();
    record.paused = row.number() != 0;
    record.last_version = row.number();
  }
  return record;
}

void Records::set_settings(const StackName& name, const std::optional<std::string>& document) {
  query("INSERT INTO stacks (organization, project, stack, settings) VALUES (?,?,?,?) "
        "ON CONFLICT (organization, project, stack) DO UPDATE SET settings=excluded.settings")
      .text(name.organization)
      .text(name.project)
      .text(name.stack)
      .maybe(document)
      .run();
}

void Records::set_paused(const StackName& name, bool paused) {
  query("INSERT INTO stacks (organization, project, stack, paused) VALUES (?,?,?,?) "
        "ON CONFLICT (organization, project, stack) DO UPDATE SET paused=excluded.paused")
      .text(name.organization)
      .text(name.project)
      .text(name.stack)
      .number(paused ? 1 : 0)
      .run();
}

bool Records::organization_paused(std::string_view organization) {
  Query row = query("SELECT paused FROM organizations WHERE name=?");
  row.text(organization);
  return row.step() && row.number() != 0;
}

void Records::set_organization_paused(std::string_view organization, bool paused) {
  query("REPLACE INTO organizations (name, paused) VALUES (?,?)").text(organization).number(paused ? 1 : 0).run();
}

void Records::add_deployment(DeploymentRecord& deployment) {
  const auto& name = deployment.stack;
  query("INSERT INTO stacks (organization, project, stack, last_version) VALUES (?,?,?,1) "
        "ON CONFLICT (organization, project, stack) DO UPDATE SET last_version=last_version+1")
      .text(name.organization)
      .text(name.project)
      .text(name.stack)
      .run();
  deployment.version = stack(name).last_version;
  deployment.state = DeploymentState::queued;
  query("INSERT INTO deployments (id, organization, project, stack, version, operation, state, pool, runner, "
        "initiator, document, timeout, created, modified) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)")
      .text(deployment.id)
      .text(name.organization)
      .text(name.project)
      .text(name.stack)
      .number(deployment.version)
      .text(to_string(deployment.operation))
      .text(to_string(deployment.state))
      .text(deployment.pool)
      .text(to_string(deployment.runner))
      .text(deployment.initiator)
      .text(deployment.document)
      .number(static_cast<std::uint64_t>(deployment.timeout.count()))
      .time(deployment.created)
      .time(deployment.modified)
      .run();
  deployment.number = static_cast<std::uint64_t>(m_database.last_insert_id());
}

std::optional<DeploymentRecord> Records::deployment(std::string_view id) {
  Query row = query(fmt::format("SELECT {} FROM deployments WHERE id=?", k_deployment_columns));
  row.text(id);
  return row.step() ? std::optional(read_deployment(row)) : std::nullopt;
}

std::optional<DeploymentRecord> Records::deployment_of_version(const StackName& stack, std::uint64_t version) {
  Query row = query(fmt::format(
      "SELECT {} FROM deployments WHERE organization=? AND project=? AND stack=? AND version=?", k_deployment_columns));
  row.text(stack.organization).text(stack.project).text(stack.stack).number(version);
  return row.step() ? std::optional(read_deployment(row)) : std::nullopt;
}

std::vector<DeploymentRecord> Records::deployments(const DeploymentFilter& filter) {
  std::vector<DeploymentRecord> result;
  Query row = query(fmt::format("SELECT {} FROM deployments WHERE {} ORDER BY number {} LIMIT ? OFFSET ?",
                                k_deployment_columns, where(filter), filter.ascending ? "ASC" : "DESC"));
  bind_filter(row, filter);
  row.number(filter.count).number(filter.offset);
  while (row.step()) {
    result.push_back(read_deployment(row));
  }
  return result;
}

std::uint64_t Records::count_deployments(const DeploymentFilter& filter) {
  Query row = query(fmt::format("SELECT count(*) FROM deployments WHERE {}", where(filter)));
  bind_filter(row, filter);
  row.step();
  return row.number();
}

std::map<DeploymentState, std::uint64_t> Records::count_states(std::string_view organization) {
  std::map<DeploymentState, std::uint64_t> result;
  Query row = query("SELECT state, count(*) FROM deployments WHERE organization=? GROUP BY state");
  row.text(organization);
  while (row.step()) {
    const auto state = state_named(row.text());
    result[state] = row.number();
  }
  return result;
}

std::vector<DeploymentRecord> Records::under_way() {
  std::vector<DeploymentRecord> result;
  Query row = query(fmt::format("SELECT {} FROM deployments WHERE state IN ('offered', 'running') ORDER BY number",
                                k_deployment_columns));
  while (row.step()) {
    result.push_back(read_deployment(row));
  }
  return result;
}

std::vector<DeploymentRecord> Records::open_of_pool(std::string_view pool) {
  std::vector<DeploymentRecord> result;
  Query row = query(fmt::format(
      "SELECT {} FROM deployments WHERE pool=? AND state IN ('queued', 'offered', 'running') ORDER BY number",
      k_deployment_columns));
  row.text(pool);
  while (row.step()) {
    result.push_back(read_deployment(row));
  }
  return result;
}

std::optional<DeploymentRecord> Records::latest_of_pool(std::string_view pool) {
  Query row =
      query(fmt::format("SELECT {} FROM deployments WHERE pool=? ORDER BY number DESC LIMIT 1", k_deployment_columns));
  row.text(pool);
  return row.step() ? std::optional(read_deployment(row)) : std::nullopt;
}

void Records::update_deployment(const DeploymentRecord& deployment) {
  std::optional<std::uint64_t> exit_code;
  if (deployment.exit_code) {
    exit_code = static_cast<std::uint64_t>(*deployment.exit_code);
  }
  query("UPDATE deployments SET state=?, reason=?, modified=?, started=?, ended=?, attempt=?, losses=?, cancel=?, "
        "exit_code=?, pool=? WHERE number=?")
      .text(to_string(deployment.state))
      .text(deployment.reason)
      .time(deployment.modified)
      .maybe(deployment.started)
      .maybe(deployment.ended)
      .number(deployment.attempt)
      .number(deployment.losses)
      .maybe(deployment.cancel)
      .maybe(exit_code)
      .text(deployment.pool)
      .number(deployment.number)
      .run();
}

std::optional<DeploymentRecord> Records::next_for(std::string_view pool, const std::vector<RunnerKind>& runners) {
  const auto can = [&](RunnerKind kind) {
    return std::find(runners.begin(), runners.end(), kind) == runners.end() ? "" : to_string(kind);
  };
  Query row = query(fmt::format(
      "SELECT {} FROM deployments AS d WHERE state='queued' AND pool=? AND runner IN (?, ?) "
      "AND NOT EXISTS (SELECT 1 FROM deployments AS o WHERE o.organization=d.organization AND o.project=d.project AND "
      "  o.stack=d.stack AND o.state IN ('offered', 'running')) "
      "AND NOT EXISTS (SELECT 1 FROM deployments AS o WHERE o.organization=d.organization AND o.project=d.project AND "
      "  o.stack=d.stack AND o.state='queued' AND o.number<d.number) "
      "AND NOT EXISTS (SELECT 1 FROM stacks AS s WHERE s.organization=d.organization AND s.project=d.project AND "
      "  s.stack=d.stack AND s.paused=1) "
      "AND NOT EXISTS (SELECT 1 FROM organizations AS g WHERE g.name=d.organization AND g.paused=1) "
      "ORDER BY number LIMIT 1",
      k_deployment_columns));
  row.text(pool).text(can(RunnerKind::process)).text(can(RunnerKind::docker));
  return row.step() ? std::optional(read_deployment(row)) : std::nullopt;
}

}  // namespace airlock::control
