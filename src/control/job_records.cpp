// Attempts of a deployment, and what their agents reported.
#include "control/records_query.hpp"

namespace airlock::control {

namespace {

StepStatus step_status_named(std::string_view name) {
  for (const auto status : {StepStatus::running, StepStatus::failed, StepStatus::succeeded}) {
    if (name == to_string(status)) {
      return status;
    }
  }
  return StepStatus::not_started;
}

std::optional<UnixMillis> read_moment(const std::optional<std::string>& text) {
  return text ? std::optional(parse_rfc3339_millis(*text)) : std::nullopt;
}

std::optional<std::string> moment_text(const std::optional<UnixMillis>& time) {
  return time ? std::optional(to_rfc3339(*time)) : std::nullopt;
}

}  // namespace

void Records::add_attempt(std::uint64_t deployment, const AttemptRecord& attempt) {
  query("INSERT INTO attempts (deployment, attempt, token_hash, pool_token, instance, hostname, pid, offered) VALUES "
        "(?,?,?,?,?,?,?,?)")
      .number(deployment)
      .number(attempt.attempt)
      .bytes(attempt.token_hash)
      .text(attempt.pool_token)
      .text(attempt.instance)
      .text(attempt.hostname)
      .text(attempt.pid)
      .time(attempt.offered)
      .run();
}

std::vector<AttemptRecord> Records::attempts(std::uint64_t deployment) {
  std::vector<AttemptRecord> result;
  Query row = query("SELECT attempt, token_hash, pool_token, instance, hostname, pid, offered, started, ended, job, "
                    "outcome FROM attempts WHERE deployment=? ORDER BY attempt");
  row.number(deployment);
  while (row.step()) {
    AttemptRecord attempt;
    attempt.attempt = row.number();
    attempt.token_hash = row.bytes();
    attempt.pool_token = row.text();
    attempt.instance = row.text();
    attempt.hostname = row.text();
    attempt.pid = row.text();
    attempt.offered = row.time();
    attempt.started = row.time_or_null();
    attempt.ended = row.time_or_null();
    attempt.job = row.number_or_null();
    attempt.outcome = row.text();
    result.push_back(std::move(attempt));
  }
  return result;
}

void Records::update_attempt(std::uint64_t deployment, const AttemptRecord& attempt) {
  query("UPDATE attempts SET started=?, ended=?, job=?, outcome=? WHERE deployment=? AND attempt=?")
      .maybe(attempt.started)
      .maybe(attempt.ended)
      .maybe(attempt.job)
      .text(attempt.outcome)
      .number(deployment)
      .number(attempt.attempt)
      .run();
}

void Records::report_step(std::uint64_t deployment, std::uint64_t job, const StepReport& step) {
  // A report that was overtaken by a later one changes nothing.
  query("INSERT INTO steps (deployment, job, step, name, status, started, updated) VALUES (?,?,?,?,?,?,?) "
        "ON CONFLICT (deployment, job, step) DO UPDATE SET name=excluded.name, status=excluded.status, "
        "started=coalesce(excluded.started, started), updated=coalesce(excluded.updated, updated) "
        "WHERE status NOT IN ('failed', 'succeeded') AND NOT (status='running' AND excluded.status='not-started')")
      .number(deployment)
      .number(job)
      .number(step.step)
      .text(step.name)
      .text(to_string(step.status))
      .maybe(moment_text(step.started))
      .maybe(moment_text(step.updated))
      .run();
}

std::vector<StepReport> Records::steps(std::uint64_t deployment, std::uint64_t job) {
  std::vector<StepReport> result;
  Query row =
      query("SELECT step, name, status, started, updated FROM steps WHERE deployment=? AND job=? ORDER BY step");
  row.number(deployment).number(job);
  while (row.step()) {
    StepReport step;
    step.step = row.number();
    step.name = row.text();
    step.status = step_status_named(row.text());
    step.started = read_moment(row.text_or_null());
    step.updated = read_moment(row.text_or_null());
    result.push_back(std::move(step));
  }
  return result;
}

std::uint64_t Records::count_refused(std::uint64_t deployment, std::uint64_t job) {
  Query row = query("SELECT count(*) FROM refused WHERE deployment=? AND job=?");
  row.number(deployment).number(job).step();
  return row.number();
}

void Records::add_refused(std::uint64_t deployment, std::uint64_t job, std::uint64_t number,
                          const RefusedAttempt& attempt) {
  query("INSERT INTO refused (deployment, job, number, time, step, target, port, protocol, process, count) VALUES "
        "(?,?,?,?,?,?,?,?,?,?)")
      .number(deployment)
      .number(job)
      .number(number)
      .text(to_rfc3339(attempt.time))
      .number(attempt.step)
      .text(attempt.target)
      .number(std::uint64_t{attempt.port})
      .text(attempt.protocol)
      .text(attempt.process)
      .number(attempt.count)
      .run();
}

std::vector<RefusedAttempt> Records::refused(std::uint64_t deployment, std::uint64_t job) {
  std::vector<RefusedAttempt> result;
  Query row = query("SELECT time, step, target, port, protocol, process, count FROM refused WHERE deployment=? AND "
                    "job=? ORDER BY number");
  row.number(deployment).number(job);
  while (row.step()) {
    RefusedAttempt attempt;
    attempt.time = parse_rfc3339_millis(row.text());
    attempt.step = row.number();
    attempt.target = row.text();
    attempt.port = static_cast<std::uint16_t>(row.number());
    attempt.protocol = row.text();
    attempt.process = row.text();
    attempt.count = row.number();
    result.push_back(std::move(attempt));
  }
  return result;
}

}  // namespace airlock::control
