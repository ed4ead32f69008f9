// Reading logs while they grow (docs/formats/deployments-api.md, Logs).
#include <charconv>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "control/deployments.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::uint64_t k_entries_at_once = 1000;
constexpr std::uint64_t k_bytes_at_once = 512 * 1024;
constexpr std::chrono::seconds k_look_for_reader{2};

// Where a reader is: job, step, and how much of that step it has: 0 nothing, else one more than its lines.
using Place = std::array<std::uint64_t, 3>;
enum { k_job, k_step, k_given };

// "job.offset.step", opaque to clients.
std::string token_of_place(const Place& place) {
  return fmt::format("{}.{}.{}", place[k_job], place[k_given], place[k_step]);
}

Place place_of(std::string_view token) {
  Place place{};
  if (token.empty()) {
    return place;
  }
  const auto parts = base::split(token, '.');
  bool ok = parts.size() == 3 && token.size() <= 40;
  std::array<std::uint64_t, 3> numbers{};
  for (std::size_t at = 0; ok && at < 3; ++at) {
    const auto [end, status] = std::from_chars(parts[at].data(), parts[at].data() + parts[at].size(), numbers[at]);
    ok = status == std::errc() && end == parts[at].data() + parts[at].size() && numbers[at] <= limits::k_offset + 1;
  }
  if (!ok) {
    throw Error(ErrorCode::malformed, "the continuation token is none that was given here");
  }
  place[k_job] = numbers[0];
  place[k_given] = numbers[1];
  place[k_step] = numbers[2];
  return place;
}

// The CLI that reads this leaves the log at a header "pulumi <operation>", to follow an update's events instead.
std::string header_of(const std::string& name) {
  return name.starts_with("pulumi ") ? "Run " + name : name;
}

}  // namespace

Deployments::LogOutline Deployments::outline_of(const DeploymentRecord& deployment, std::uint64_t first_job) {
  LogOutline outline{deployment.id, is_over(deployment.state), {}};
  for (AttemptRecord& attempt : m_core.records.attempts(deployment.number)) {
    if (attempt.job) {
      const std::uint64_t job = outline.jobs.size();
      outline.jobs.push_back({std::move(attempt), job < first_job ? std::vector<StepReport>()
                                                                  : m_core.records.steps(deployment.number, job)});
    }
  }
  return outline;
}

// Adds what is there from `at` on. True: the deployment has ended and all of it was given. Files are read without the
// lock; the outline is older than they are, and a step that has ended in it had all of its lines.
bool Deployments::read_stream(const LogOutline& outline, LogStream& stream, Place& at) const {
  std::uint64_t bytes = 0;
  const auto full = [&] { return stream.entries.size() >= k_entries_at_once || bytes >= k_bytes_at_once; };
  while (at[k_job] < outline.jobs.size()) {
    const auto& [job, steps] = outline.jobs[at[k_job]];
    const LogName log{outline.id, at[k_job]};
    for (; at[k_step] < steps.size(); ++at[k_step], at[k_given] = 0) {
      const StepReport& step = steps[at[k_step]];
      const bool closed = job.ended || step.status == StepStatus::failed || step.status == StepStatus::succeeded;
      if (step.status == StepStatus::not_started && m_core.logs.lines(log, step.step) == 0) {
        if (job.ended) {
          continue;  // it never came to this step
        }
        return false;
      }
      if (at[k_given] == 0) {
        const auto begun = step.started.value_or(job.started.value_or(job.offered));
        stream.entries.push_back({begun, header_of(step.name), true, step.name});
        at[k_given] = 1;
      }
      while (!full()) {
        const auto lines = m_core.logs.read(log, step.step, at[k_given] - 1, k_entries_at_once, k_bytes_at_once);
        for (const LogLine& line : lines) {
          bytes += line.text.size();
          stream.entries.push_back({line.time, line.text, false, step.name});
        }
        at[k_given] += lines.size();
        if (lines.empty()) {
          break;
        }
      }
      if (full() || !closed) {
        return false;
      }
    }
    if (!job.ended) {
      return false;
    }
    at = {at[k_job] + 1, 0, 0};
  }
  return outline.over;
}

LogStream Deployments::stream(const StackName& stack, const std::string& id, std::string_view token,
                              std::chrono::seconds wait, const std::function<bool()>& client_gone) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  Place at = place_of(token);
  LogStream result;
  std::unique_lock lock(m_core.mutex);
  const auto bell = m_core.bell(record_of(stack, id).number);
  while (true) {
    const std::uint64_t seen = bell->count;
    const Place before = at;
    const LogOutline outline = outline_of(record_of(stack, id), at[k_job]);
    lock.unlock();
    const bool finished = read_stream(outline, result, at);
    lock.lock();
    if (finished) {
      return result;
    }
    result.next = token_of_place(at);
    if (!result.entries.empty() || at != before) {
      return result;
    }
    while (bell->count == seen) {
      const auto now = std::chrono::steady_clock::now();
      if (now >= deadline || m_core.stopping || client_gone()) {
        return result;
      }
      bell->log.wait_until(lock, std::min(deadline, now + k_look_for_reader));
    }
  }
}

LogPage Deployments::page(const StackName& stack, const std::string& id, std::uint64_t job, std::uint64_t step,
                          std::uint64_t offset, std::uint64_t count) {
  {
    const std::lock_guard lock(m_core.mutex);
    record_of(stack, id);
  }
  LogPage result;
  result.lines = m_core.logs.read({id, job}, step, offset, count, k_bytes_at_once);
  const std::uint64_t next = offset + result.lines.size();
  if (next < m_core.logs.lines({id, job}, step)) {
    result.next_offset = next;
  }
  return result;
}

}  // namespace airlock::control
