#include "control/api_json.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "control/configuration.hpp"

namespace airlock::control {

using base::Json;

namespace {

constexpr std::chrono::seconds k_online{90};  // since an agent was heard last; a poll is held for 25

// "2026-07-01 12:00:00.000", as clients of this API print it.
std::string plain_time(base::Time time) {
  std::string text = base::to_rfc3339(time);
  text[10] = ' ';
  text.pop_back();
  return text + ".000";
}

std::uint64_t unix_seconds(base::Time time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.time_since_epoch().count()));
}

Json or_null(const std::optional<base::Time>& time) {
  return time ? Json(base::to_rfc3339(*time)) : Json(nullptr);
}

std::string_view job_status(const AttemptRecord& attempt) {
  if (!attempt.ended) {
    return "running";
  }
  return attempt.outcome == "succeeded" ? "succeeded" : "failed";
}

Json requester_json(const std::string& name) {
  return {{"name", name}, {"githubLogin", name}, {"avatarUrl", ""}};
}

Json steps_json(const std::vector<StepReport>& steps) {
  Json json = Json::array();
  for (const StepReport& step : steps) {
    Json one = {{"name", step.name}, {"status", to_string(step.status)}};
    if (step.started) {
      one["started"] = to_rfc3339(*step.started);
    }
    if (const auto& last = step.updated ? step.updated : step.started) {
      one["lastUpdated"] = to_rfc3339(*last);
    }
    json.push_back(std::move(one));
  }
  return json;
}

Json refused_json(const DeploymentDetail::JobDetail& job, std::uint64_t number) {
  Json json = Json::array();
  for (const RefusedAttempt& each : job.refused) {
    const auto step = std::ranges::find(job.steps, each.step, &StepReport::step);
    json.push_back({{"job", number},
                    {"step", each.step},
                    {"stepName", step == job.steps.end() ? "" : step->name},
                    {"timestamp", to_rfc3339(each.time)},
                    {"target", each.target},
                    {"port", each.port},
                    {"protocol", each.protocol},
                    {"process", each.process},
                    {"count", each.count}});
  }
  return json;
}

Json jobs_json(const DeploymentDetail& detail) {
  Json jobs = Json::array();
  for (const auto& job : detail.jobs) {
    const base::Time last = job.attempt.ended.value_or(detail.record.modified);
    jobs.push_back({{"status", job_status(job.attempt)},
                    {"started", base::to_rfc3339(job.attempt.started.value_or(job.attempt.offered))},
                    {"lastUpdated", base::to_rfc3339(last)},
                    {"steps", steps_json(job.steps)}});
  }
  return jobs;
}

Json own_json(const DeploymentDetail& detail) {
  const DeploymentRecord& record = detail.record;
  Json json = {{"state", to_string(record.state)},
               {"reason", record.reason},
               {"runner", to_string(record.runner)},
               {"timeoutSeconds", record.timeout.count()},
               {"started", or_null(record.started)},
               {"ended", or_null(record.ended)},
               {"offers", record.attempt},
               {"losses", record.losses},
               {"cancel", record.cancel ? Json(*record.cancel) : Json(nullptr)},
               {"exitCode", record.exit_code ? Json(*record.exit_code) : Json(nullptr)}};
  return json;
}

Json configuration_json(const Json& document) {
  Json variables = Json::array();
  for (const auto& each : shown_environment(document)) {
    variables.push_back({{"name", each.name}, {"value", each.value}, {"secret", each.secret}});
  }
  Json json = {{"environmentVariables", std::move(variables)}};
  if (const auto source = document.find("sourceContext"); source != document.end()) {
    json["source"] = *source;  // its credentials are closed
  }
  return json;
}

Json common_json(const DeploymentDetail& detail) {
  const DeploymentRecord& record = detail.record;
  return {{"id", record.id},
          {"created", plain_time(record.created)},
          {"modified", plain_time(record.modified)},
          {"status", api_status(record)},
          {"version", record.version},
          {"pulumiOperation", to_string(record.operation)},
          {"initiator", record.initiator},
          {"requestedBy", requester_json(record.initiator)},
          {"projectName", record.stack.project},
          {"stackName", record.stack.stack},
          {"paused", detail.paused},
          {"agentPool", detail.pool ? Json({{"id", detail.pool->id}, {"name", detail.pool->name}}) : Json(nullptr)},
          {"airlock", own_json(detail)}};
}

}  // namespace

std::string_view api_status(DeploymentState state) {
  switch (state) {
  case DeploymentState::queued:
    return "not-started";
  case DeploymentState::offered:
    return "accepted";
  case DeploymentState::running:
    return "running";
  case DeploymentState::succeeded:
    return "succeeded";
  default:
    return "failed";
  }
}

std::string_view api_status(const DeploymentRecord& deployment) {
  return deployment.state == DeploymentState::cancelled && !deployment.started ? "skipped"
                                                                               : api_status(deployment.state);
}

Json deployment_json(const DeploymentDetail& detail) {
  const Json document = base::parse_json(detail.record.document, "a deployment");
  Json json = common_json(detail);
  json["latestVersion"] = detail.latest_version;
  json["jobs"] = jobs_json(detail);
  json["configuration"] = configuration_json(document);
  Json refused = Json::array();
  Json agents = Json::array();
  bool truncated = false;
  std::uint64_t number = 0;
  for (const auto& job : detail.jobs) {
    for (auto& each : refused_json(job, number)) {
      refused.push_back(std::move(each));
    }
    agents.push_back({{"hostname", job.attempt.hostname},
                      {"pid", job.attempt.pid},
                      {"instance", job.attempt.instance},
                      {"outcome", job.attempt.outcome}});
    truncated = truncated || job.log_truncated;
    ++number;
  }
  Json& own = json["airlock"];
  own["refused"] = std::move(refused);
  own["agents"] = std::move(agents);
  own["logTruncated"] = truncated;
  own["configuration"] = document.value("airlock", Json::object());
  return json;
}

Json deployment_entry_json(const DeploymentDetail& detail) {
  Json json = common_json(detail);
  json["jobs"] = Json::array();
  json["updates"] = Json::array();
  return json;
}

Json stream_json(const LogStream& stream) {
  Json lines = Json::array();
  for (const LogEntry& entry : stream.entries) {
    lines.push_back({{entry.header ? "header" : "line", entry.text}, {"timestamp", to_rfc3339(entry.time)}});
  }
  Json json = {{"lines", std::move(lines)}};
  if (!stream.next.empty()) {
    json["nextToken"] = stream.next;
  }
  return json;
}

Json page_json(const LogPage& page) {
  Json lines = Json::array();
  for (const LogLine& line : page.lines) {
    lines.push_back({{"line", line.text}, {"timestamp", to_rfc3339(line.time)}});
  }
  Json json = {{"lines", std::move(lines)}};
  if (page.next_offset) {
    json["nextOffset"] = *page.next_offset;
  }
  return json;
}

bool is_online(const AgentRecord& agent, base::Time now) {
  return agent.deployment || now - agent.last_seen < k_online;
}

Json agent_json(const AgentRecord& agent, base::Time now) {
  return {{"hostname", agent.hostname},
          {"ip", agent.ip},
          {"pid", agent.pid},
          {"platform", agent.platform},
          {"version", agent.version},
          {"lastSeen", unix_seconds(agent.last_seen)},
          {"status", is_online(agent, now) ? "online" : "offline"},
          {"airlock",
           {{"instance", agent.instance},
            {"runners", agent.runners},
            {"deployment", agent.deployment ? Json(*agent.deployment) : Json(nullptr)}}}};
}

Json pool_json(const PoolRecord& pool, const std::vector<AgentRecord>& agents, base::Time now) {
  const bool online = std::ranges::any_of(agents, [now](const AgentRecord& agent) { return is_online(agent, now); });
  return {{"id", pool.id},
          {"name", pool.name},
          {"description", pool.description},
          {"created", unix_seconds(pool.created)},
          {"lastSeen", pool.last_seen ? Json(unix_seconds(*pool.last_seen)) : Json(0)},
          {"status", online ? "online" : "offline"},
          {"isDefault", pool.is_default}};
}

Json token_json(const TokenRecord& token) {
  return {{"id", token.id},
          {"created", unix_seconds(token.created)},
          {"lastUsed", token.last_used ? Json(unix_seconds(*token.last_used)) : Json(0)}};
}

std::string dump_json(const Json& json) {
  return base::to_line(json);
}

}  // namespace airlock::control
