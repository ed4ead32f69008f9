// What an agent says while it works, and the short answers to it.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "control/json_fields.hpp"
#include "control/wire.hpp"
#include "control/wire_checks.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr base::JsonLimits k_report_limits{limits::k_report, 6, 5000};
constexpr int k_longest_wait = 25;  // seconds

Json parse(std::string_view text, std::string_view name) {
  return base::parse_json(text, name, k_report_limits, base::Numbers::integers);
}

std::string dump(const Json& json) {
  return base::to_line(json);
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, base::is_digit);
}

std::string without_nul(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\0') {
      result += "\xEF\xBF\xBD";
    } else {
      result += c;
    }
  }
  return result;
}

}  // namespace

bool is_deployment_id(std::string_view text) {
  if (text.size() != 36) {
    return false;
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
    const char c = text[at];
    if (dash ? c != '-' : !base::is_hex_digit(c)) {
      return false;
    }
  }
  return true;
}

AgentIdentity parse_identity(const QueryFields& query) {
  const auto refuse = [](std::string_view why) {
    throw Error(ErrorCode::malformed, fmt::format("an agent's poll: {}", why));
  };
  const auto value = [&](std::string_view name, std::size_t limit) {
    const auto found = std::ranges::find(query, name, &std::pair<std::string, std::string>::first);
    const std::string text = found == query.end() ? "" : found->second;
    if (text.size() > limit || base::printable(text, 4 * limit + 16) != text) {
      refuse(fmt::format("'{}' is too long or cannot be shown", name));
    }
    return text;
  };
  AgentIdentity agent;
  agent.hostname = value("hostname", 255);
  agent.pid = value("pid", 20);
  agent.platform = value("platform", 64);
  agent.version = value("version", 64);
  agent.instance = value("instance", 64);
  if (agent.hostname.empty() || !is_digits(agent.pid)) {
    refuse("'hostname' and 'pid' must name the process");
  }
  const auto plain = base::is_alphanumeric;
  if (agent.instance.size() < 8 || !std::ranges::all_of(agent.instance, plain)) {
    refuse("'instance' is not 8 to 64 letters and digits");
  }
  for (const auto& word : base::split(value("runners", 64), ',')) {
    const auto runner = find_runner(word);
    if (!runner) {
      refuse("'runners' is not a list of 'process' and 'docker'");
    }
    if (std::ranges::find(agent.runners, *runner) == agent.runners.end()) {
      agent.runners.push_back(*runner);
    }
  }
  if (const std::string wait = value("wait", 4); !wait.empty()) {
    int seconds = 0;
    const auto [end, status] = std::from_chars(wait.data(), wait.data() + wait.size(), seconds);
    if (status != std::errc() || end != wait.data() + wait.size() || seconds < 0) {
      refuse("'wait' is not a number of seconds");
    }
    agent.wait = std::chrono::seconds(std::min(seconds, k_longest_wait));
  }
  return agent;
}

std::string query_text(const AgentIdentity& identity) {
  std::vector<std::string> runners;
  for (const auto runner : identity.runners) {
    runners.emplace_back(to_string(runner));
  }
  return fmt::format("hostname={}&pid={}&platform={}&version={}&instance={}&runners={}&wait={}",
                     base::percent_encode(identity.hostname), base::percent_encode(identity.pid),
                     base::percent_encode(identity.platform), base::percent_encode(identity.version),
                     base::percent_encode(identity.instance), base::percent_encode(base::join(runners, ",")),
                     identity.wait.count());
}

LeaseAnswer parse_lease_answer(std::string_view text) {
  const Json json = parse(text, "a lease");
  const JsonFields fields(json, "a lease");
  LeaseAnswer answer;
  answer.lease = std::chrono::seconds(fields.number("leaseSeconds", limits::k_lease_seconds));
  answer.cancel = fields.flag_or("cancel", false);
  answer.reason = fields.text_or("reason", limits::k_text, "");
  return answer;
}

std::string print(const LeaseAnswer& answer) {
  return dump({{"leaseSeconds", answer.lease.count()}, {"cancel", answer.cancel}, {"reason", answer.reason}});
}

std::string_view to_string(StepStatus status) {
  switch (status) {
  case StepStatus::not_started:
    return "not-started";
  case StepStatus::running:
    return "running";
  case StepStatus::failed:
    return "failed";
  case StepStatus::succeeded:
    break;
  }
  return "succeeded";
}

StepReports parse_step_reports(std::string_view text) {
  const Json json = parse(text, "a report of steps");
  const JsonFields fields(json, "a report of steps");
  StepReports reports;
  for (const Json& each : fields.list("steps", limits::k_steps)) {
    const JsonFields step(each, "a step");
    StepReport read;
    read.step = step.number("step", limits::k_steps - 1);
    read.name = step.text("name", 256);
    const auto status = step.text("status", 16);
    bool known = false;
    for (const auto one : {StepStatus::not_started, StepStatus::running, StepStatus::failed, StepStatus::succeeded}) {
      if (status == to_string(one)) {
        read.status = one;
        known = true;
      }
    }
    if (!known || read.name.empty()) {
      step.fail("it needs a name, and a status that is known");
    }
    if (step.has("started")) {
      read.started = parse_rfc3339_millis(step.text("started", 64));
    }
    if (step.has("lastUpdated")) {
      read.updated = parse_rfc3339_millis(step.text("lastUpdated", 64));
    }
    reports.steps.push_back(std::move(read));
  }
  return reports;
}

std::string print(const StepReports& reports) {
  Json steps = Json::array();
  for (const auto& each : reports.steps) {
    Json step = {{"step", each.step}, {"name", each.name}, {"status", to_string(each.status)}};
    if (each.started) {
      step["started"] = to_rfc3339(*each.started);
    }
    if (each.updated) {
      step["lastUpdated"] = to_rfc3339(*each.updated);
    }
    steps.push_back(std::move(step));
  }
  return dump({{"steps", std::move(steps)}});
}

LogAppend parse_log_append(std::string_view text) {
  const Json json = parse(text, "a piece of log");
  const JsonFields fields(json, "a piece of log");
  LogAppend append;
  append.step = fields.number("step", limits::k_steps - 1);
  append.offset = fields.number("offset", limits::k_offset);
  for (const Json& each : fields.list("lines", limits::k_lines)) {
    const JsonFields line(each, "a log line");
    append.lines.push_back(
        {parse_rfc3339_millis(line.text("timestamp", 64)), line.text("line", limits::k_line, Characters::any)});
    if (const auto end = append.lines.back().text.find('\n');
        end + 1 < append.lines.back().text.size() && end != std::string::npos) {
      line.fail("it holds several lines");
    }
  }
  return append;
}

std::string log_text(std::string_view text) {
  if (base::is_valid_utf8(text) && text.find('\0') == std::string_view::npos) {
    return std::string(text);
  }
  return base::parse_json(dump(without_nul(std::string(text))), "a log line").get<std::string>();
}

std::string print(const LogAppend& append) {
  Json lines = Json::array();
  for (const auto& each : append.lines) {
    lines.push_back({{"timestamp", to_rfc3339(each.time)}, {"line", without_nul(each.text)}});
  }
  return dump({{"step", append.step}, {"offset", append.offset}, {"lines", std::move(lines)}});
}

AppendAnswer parse_append_answer(std::string_view text) {
  const Json json = parse(text, "the answer to an append");
  const JsonFields fields(json, "the answer to an append");
  return {fields.number("next", limits::k_offset), fields.flag_or("truncated", false)};
}

std::string print(const AppendAnswer& answer) {
  return dump({{"next", answer.next}, {"truncated", answer.truncated}});
}

RefusedAppend parse_refused_append(std::string_view text) {
  const Json json = parse(text, "a report of refused attempts");
  const JsonFields fields(json, "a report of refused attempts");
  RefusedAppend append;
  append.offset = fields.number("offset", limits::k_offset);
  for (const Json& each : fields.list("attempts", limits::k_attempts)) {
    const JsonFields about(each, "a refused attempt");
    RefusedAttempt attempt;
    attempt.time = parse_rfc3339_millis(about.text("timestamp", 64));
    attempt.step = about.number("step", limits::k_steps - 1);
    attempt.target = about.text("target", 300);
    attempt.port = static_cast<std::uint16_t>(about.number_or("port", 65535, 0));
    attempt.protocol = about.text_or("protocol", 16, "");
    attempt.process = about.text_or("process", 256, "");
    attempt.count = about.number_or("count", limits::k_offset, 1);
    if (attempt.target.empty()) {
      about.fail("it names no target");
    }
    append.attempts.push_back(std::move(attempt));
  }
  return append;
}

// Names come from the job's packets and processes: what cannot be shown is made visible here, or one odd name would
// have the whole report refused.
std::string print(const RefusedAppend& append) {
  Json attempts = Json::array();
  for (const auto& each : append.attempts) {
    attempts.push_back({{"timestamp", to_rfc3339(each.time)},
                        {"step", each.step},
                        {"target", base::printable(each.target, 280)},
                        {"port", each.port},
                        {"protocol", base::printable(each.protocol, 12)},
                        {"process", base::printable(each.process, 240)},
                        {"count", each.count}});
  }
  return dump({{"offset", append.offset}, {"attempts", std::move(attempts)}});
}

std::string_view to_string(JobResult result) {
  switch (result) {
  case JobResult::succeeded:
    return "succeeded";
  case JobResult::failed:
    return "failed";
  case JobResult::cancelled:
    break;
  }
  return "cancelled";
}

Completion parse_completion(std::string_view text) {
  const Json json = parse(text, "a completion");
  const JsonFields fields(json, "a completion");
  Completion completion;
  const auto result = fields.text("result", 16);
  if (result == "succeeded") {
    completion.result = JobResult::succeeded;
  } else if (result == "failed") {
    completion.result = JobResult::failed;
  } else if (result == "cancelled") {
    completion.result = JobResult::cancelled;
  } else {
    fields.fail("'result' is neither succeeded, failed nor cancelled");
  }
  completion.message = fields.text_or("message", limits::k_text, "");
  if (fields.has("exitCode")) {
    completion.exit_code = static_cast<int>(fields.number("exitCode", 255));
  }
  return completion;
}

std::string print(const Completion& completion) {
  Json json = {{"result", to_string(completion.result)},
               {"message", base::printable(completion.message, limits::k_text - 8)}};
  if (completion.exit_code) {
    json["exitCode"] = *completion.exit_code & 0xff;
  }
  return dump(json);
}

}  // namespace airlock::control
