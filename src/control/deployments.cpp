#include "control/deployments.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "control/configuration.hpp"
#include "control/json_fields.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr std::size_t k_longest_document = 1024 * 1024;  // bytes of settings and of a deployment's configuration

// What a request has besides the configuration.
constexpr std::array<const char*, 2> k_request_only{"operation", "inheritSettings"};

void check_size(const Json& document) {
  if (document.dump().size() > k_longest_document) {
    throw Error(ErrorCode::malformed, fmt::format("the configuration is longer than {} bytes", k_longest_document));
  }
}

[[noreturn]] void no_such_deployment() {
  throw Error(ErrorCode::not_found, "this stack has no such deployment");
}

}  // namespace

std::optional<Json> Deployments::settings(const StackName& stack) {
  const std::lock_guard lock(m_core.mutex);
  const auto document = m_core.records.stack(stack).settings;
  return document ? std::optional(base::parse_json(*document, "settings")) : std::nullopt;
}

Json Deployments::change_settings(const StackName& stack, const Json& document, Change change) {
  if (!document.is_object()) {
    throw Error(ErrorCode::malformed, "settings are a JSON object");
  }
  const Json closed = with_closed_secrets(document, m_core.vault, stack);
  const std::lock_guard lock(m_core.mutex);
  base::Transaction transaction = m_core.records.change();
  const auto before = m_core.records.stack(stack).settings;
  // A patch is merged even into nothing, as that takes its nulls away.
  const Json base = change == Change::merge && before ? base::parse_json(*before, "settings") : Json::object();
  Json after = merged(base, closed);
  check_settings(after, stack, m_core.vault);
  check_size(after);
  m_core.records.set_settings(stack, after.dump());
  transaction.commit();
  return after;
}

void Deployments::remove_settings(const StackName& stack) {
  const std::lock_guard lock(m_core.mutex);
  base::Transaction transaction = m_core.records.change();
  if (!m_core.records.stack(stack).settings) {
    throw Error(ErrorCode::not_found, "this stack has no settings");
  }
  m_core.records.set_settings(stack, std::nullopt);
  m_core.records.set_paused(stack, false);
  transaction.commit();
  m_core.ring_for_work();
}

void Deployments::pause(const StackName& stack, bool paused) {
  const std::lock_guard lock(m_core.mutex);
  base::Transaction transaction = m_core.records.change();
  if (!m_core.records.stack(stack).settings) {
    throw Error(ErrorCode::malformed, "this stack has no settings; only a stack with settings can be paused");
  }
  m_core.records.set_paused(stack, paused);
  transaction.commit();
  m_core.ring_for_work();
}

void Deployments::pause_organization(std::string_view organization, bool paused) {
  const std::lock_guard lock(m_core.mutex);
  m_core.records.set_organization_paused(organization, paused);
  m_core.ring_for_work();
}

// The one that the document names, else the organization's default.
PoolRecord Deployments::pool_for(const std::string& organization, const Json& document) {
  const auto named = JsonFields(document, "the configuration").text_or("agentPoolID", limits::k_name, "");
  if (!named.empty()) {
    if (auto pool = m_core.records.find_pool(organization, named)) {
      return *pool;
    }
    throw Error(ErrorCode::malformed, fmt::format("there is no pool '{}'", named));
  }
  for (PoolRecord& pool : m_core.records.pools(organization)) {
    if (pool.is_default) {
      return pool;
    }
  }
  throw Error(ErrorCode::malformed, "no pool was named, and the organization has no default pool")
      .with_hint("make one with `airlock pool create NAME`, or name one in agentPoolID");
}

DeploymentRecord Deployments::create(const StackName& stack, const Json& request, const Caller& caller) {
  const JsonFields fields(request, "a request to deploy");
  const auto operation = find_operation(fields.text("operation", 32));
  if (!operation) {
    fields.fail("'operation' is neither update, preview, refresh nor destroy");
  }
  Json patch = with_closed_secrets(request, m_core.vault, stack);
  for (const auto* key : k_request_only) {
    patch.erase(key);
  }
  const std::lock_guard lock(m_core.mutex);
  base::Transaction transaction = m_core.records.change();
  Json document = Json::object();
  if (fields.flag_or("inheritSettings", true)) {
    if (const auto settings = m_core.records.stack(stack).settings) {
      document = base::parse_json(*settings, "settings");
    }
  }
  document = merged(std::move(document), patch);
  check_size(document);
  const Job job = job_of(document, stack, *operation, m_core.vault);
  if (job.source && job.source->kind == Source::Kind::upload &&
      !m_core.sources.open(base::Digest::parse_sha256_hex(job.source->sha256))) {
    throw Error(ErrorCode::malformed, fmt::format("the folder sha256:{} was not uploaded", job.source->sha256));
  }
  DeploymentRecord record;
  record.id = make_deployment_id();
  record.stack = stack;
  record.operation = *operation;
  record.pool = pool_for(stack.organization, document).id;
  record.runner = job.runner;
  record.initiator = caller.name;
  record.document = document.dump();
  record.timeout = job.limits.timeout.count() > 0 ? job.limits.timeout : m_core.options.default_timeout;
  record.created = m_core.now();
  record.modified = record.created;
  m_core.records.add_deployment(record);
  transaction.commit();
  m_core.ring_for_work();
  return record;
}

DeploymentRecord Deployments::record_of(const StackName& stack, const std::string& id) {
  auto record = m_core.records.deployment(id);
  if (!record || record->stack != stack) {
    no_such_deployment();
  }
  return std::move(*record);
}

DeploymentDetail Deployments::detail_of(DeploymentRecord record) {
  DeploymentDetail detail;
  const StackRecord stack = m_core.records.stack(record.stack);
  detail.latest_version = stack.last_version;
  detail.paused = stack.paused || m_core.records.organization_paused(record.stack.organization);
  detail.pool = m_core.records.pool(record.pool);
  detail.record = std::move(record);
  return detail;
}

DeploymentDetail Deployments::with_jobs(DeploymentDetail detail) {
  const std::uint64_t number = detail.record.number;
  for (AttemptRecord& attempt : m_core.records.attempts(number)) {
    if (attempt.job) {
      const std::uint64_t job = *attempt.job;
      detail.jobs.push_back({std::move(attempt), m_core.records.steps(number, job), m_core.records.refused(number, job),
                             m_core.logs.truncated({detail.record.id, job})});
    }
  }
  return detail;
}

DeploymentDetail Deployments::detail(const StackName& stack, const std::string& id) {
  const std::lock_guard lock(m_core.mutex);
  return with_jobs(detail_of(record_of(stack, id)));
}

DeploymentDetail Deployments::detail(const StackName& stack, std::uint64_t version) {
  const std::lock_guard lock(m_core.mutex);
  auto record = m_core.records.deployment_of_version(stack, version);
  if (!record) {
    no_such_deployment();
  }
  return with_jobs(detail_of(std::move(*record)));
}

std::vector<DeploymentDetail> Deployments::list(const DeploymentFilter& filter, std::uint64_t& total) {
  const std::lock_guard lock(m_core.mutex);
  total = m_core.records.count_deployments(filter);
  std::vector<DeploymentDetail> result;
  for (DeploymentRecord& record : m_core.records.deployments(filter)) {
    result.push_back(detail_of(std::move(record)));
  }
  return result;
}

bool Deployments::cancel(const StackName& stack, const std::string& id, const Caller& caller) {
  const std::lock_guard lock(m_core.mutex);
  base::Transaction transaction = m_core.records.change();
  DeploymentRecord record = record_of(stack, id);
  if (is_over(record.state)) {
    return false;
  }
  const std::string why = fmt::format("cancelled by {}", caller.name);
  record.modified = m_core.now();
  if (record.state == DeploymentState::running) {
    if (!record.cancel) {
      record.cancel = why;
      m_core.records.update_deployment(record);
      transaction.commit();
      m_dispatcher.stop_within_grace(record.number);
    }
  } else {
    // Nothing of it has begun: an offer that is not taken up yet will be refused to its agent.
    m_dispatcher.end(record, DeploymentState::cancelled, why, "cancelled-before");
    transaction.commit();
  }
  m_core.ring_for_deployment(record.number);
  return true;
}

}  // namespace airlock::control
