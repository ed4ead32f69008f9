#include "agent/spool.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "agent/job_directory.hpp"
#include "base/error.hpp"
#include "base/files_system.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace airlock::agent {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::Fd;
using base::Json;

constexpr std::size_t k_owner_limit = 64 * 1024;
constexpr std::size_t k_piece = 512 * 1024;  // bytes of records in one append; escaping stays below the server's limit
constexpr std::string_view k_steps_journal = "steps";
constexpr std::string_view k_refused_journal = "refused";
constexpr std::string_view k_log = "log-";

std::string log_name(std::uint64_t step) {
  return fmt::format("{}{}", k_log, step);
}

std::optional<std::uint64_t> step_of(const std::string& name) {
  std::uint64_t step = 0;
  const char* const first = name.data() + k_log.size();
  const char* const last = name.data() + name.size();
  if (!name.starts_with(k_log) || std::from_chars(first, last, step).ptr != last) {
    return std::nullopt;
  }
  return step;
}

bool has_ended(const control::StepReport& report) {
  return report.status == control::StepStatus::failed || report.status == control::StepStatus::succeeded;
}

}  // namespace

Spool::Spool(fs::path folder, SpoolOwner owner) : m_folder(std::move(folder)), m_owner(std::move(owner)) {}

Spool::Spool(const fs::path& parent, SpoolOwner owner, std::uint64_t log_limit)
    : Spool(parent / fmt::format("{}.{}", owner.deployment_id, owner.attempt), std::move(owner)) {
  m_log_limit = log_limit;
  base::make_directories(parent, 0700);
  if (mkdir(m_folder.c_str(), 0700) != 0) {
    throw base::system_error(errno, fmt::format("cannot make the spool {}", m_folder.string()));
  }
  const Json json = {
      {"deployment", m_owner.deployment_id}, {"attempt", m_owner.attempt}, {"token", m_owner.job_token.reveal()}};
  base::write_file_atomic(m_folder / "owner.json", json.dump(), 0600);
}

Spool::Spool(Spool&& other) noexcept
    : m_folder(std::move(other.m_folder)), m_owner(std::move(other.m_owner)), m_log_limit(other.m_log_limit),
      m_logged(other.m_logged), m_log_full(other.m_log_full), m_journals(std::move(other.m_journals)),
      m_steps(std::move(other.m_steps)), m_completion(std::move(other.m_completion)) {}

Spool Spool::open(const fs::path& folder) {
  const Json json = base::parse_json(base::read_file(folder / "owner.json", k_owner_limit), "a spool's owner");
  Spool spool(folder, {base::string_member(json, "deployment", "a spool's owner"),
                       base::uint_member(json, "attempt", "a spool's owner"),
                       base::Secret(base::string_member(json, "token", "a spool's owner"))});
  for (const auto& each : fs::directory_iterator(folder)) {
    const auto name = each.path().stem().string();
    if (each.path().extension() == ".jsonl") {
      cut_half_record(spool.journal(name));
    }
  }
  spool.recall_sent();
  for (const auto& line : read_unsent({.file = Fd(dup(spool.journal(std::string(k_steps_journal)).file.get())),
                          .written = spool.journal(std::string(k_steps_journal)).written},
                                      SIZE_MAX)
                              .lines) {
    for (const auto& report : control::parse_step_reports(line).steps) {
      spool.m_steps[report.step] = report;
    }
  }
  if (const auto text = base::read_file_if_exists(folder / "complete.json", k_owner_limit)) {
    spool.m_completion = control::parse_completion(*text);
  }
  return spool;
}

Spool::Journal& Spool::journal(const std::string& name) {
  auto& found = m_journals[name];
  if (!found.file) {
    const fs::path path = m_folder / (name + ".jsonl");
    found.file = Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!found.file) {
      throw base::system_error(errno, fmt::format("cannot write {}", path.string()));
    }
    found.written = base::file_size(found.file.get(), path.string());
  }
  return found;
}

// A killed agent may have been in the middle of one.
void Spool::cut_half_record(Journal& journal) {
  char last = '\n';
  while (journal.written != 0) {
    base::pread_exact(journal.file.get(), std::as_writable_bytes(std::span(&last, 1)), journal.written - 1, "a spool");
    if (last == '\n') {
      break;
    }
    --journal.written;
  }
  if (ftruncate(journal.file.get(), static_cast<off_t>(journal.written)) != 0) {
    throw base::system_error(errno, "cannot mend a spool");
  }
}

void Spool::write_or_note(const std::function<void()>& write) {
  try {
    write();
  } catch (const Error& error) {
    m_trouble = m_trouble.value_or(fmt::format("what the job says cannot be kept: {}", error.message()));
  }
}

void Spool::append(const std::string& name, const std::string& record) {
  write_or_note([&] {
    auto& target = journal(name);
    base::pwrite_all(target.file.get(), base::as_bytes(record + "\n"), target.written, name);
    target.written += record.size() + 1;
  });
  ++m_additions;
  m_added.notify_all();
}

void Spool::add_step(const control::StepReport& report) {
  const std::lock_guard lock(m_mutex);
  m_steps[report.step] = report;
  append(std::string(k_steps_journal), control::print(control::StepReports{{report}}));
}

void Spool::append_line(std::uint64_t step, const control::LogLine& line) {
  append(log_name(step), control::print(control::LogAppend{step, 0, {line}}));
}

void Spool::add_line(std::uint64_t step, control::LogLine line) {
  const std::lock_guard lock(m_mutex);
  if (m_log_full) {
    return;
  }
  m_logged += line.text.size();
  if (m_logged > m_log_limit) {
    m_log_full = true;
    line.text = fmt::format("airlock: the log of this job is larger than {}; the rest is not kept\n",
                            base::format_bytes(m_log_limit));
  }
  append_line(step, line);
}

void Spool::add_refused(const control::RefusedAttempt& attempt) {
  const std::lock_guard lock(m_mutex);
  append(std::string(k_refused_journal), control::print(control::RefusedAppend{0, {attempt}}));
}

void Spool::complete(const control::Completion& completion) {
  const std::lock_guard lock(m_mutex);
  if (m_completion) {
    return;
  }
  write_or_note([&] { base::write_file_atomic(m_folder / "complete.json", control::print(completion), 0600); });
  m_completion = completion;  // the server may take what the disk did not
  ++m_additions;
  m_added.notify_all();
}

std::optional<std::string> Spool::trouble() const {
  const std::lock_guard lock(m_mutex);
  return m_trouble;
}

bool Spool::is_complete() const {
  const std::lock_guard lock(m_mutex);
  return m_completion.has_value();
}

std::uint64_t Spool::next_step() const {
  const std::lock_guard lock(m_mutex);
  return m_steps.empty() ? 0 : m_steps.rbegin()->first + 1;
}

std::vector<control::StepReport> Spool::running_steps() const {
  const std::lock_guard lock(m_mutex);
  std::vector<control::StepReport> running;
  for (const auto& [number, report] : m_steps) {
    if (report.status == control::StepStatus::running) {
      running.push_back(report);
    }
  }
  return running;
}

Spool::Records Spool::read_unsent(const Journal& journal, std::size_t most) {
  Records records;
  const auto size = std::min<std::uint64_t>(journal.written - journal.sent_bytes, k_piece * 2);
  if (size == 0) {
    return records;  // it may have no file: none could be opened
  }
  std::string text(size, '\0');
  base::pread_exact(journal.file.get(), std::as_writable_bytes(std::span(text)), journal.sent_bytes, "a spool");
  std::size_t at = 0;
  while (at < text.size() && records.lines.size() < most && records.bytes < k_piece) {
    const auto end = text.find('\n', at);
    if (end == std::string::npos) {
      break;  // a killed agent left half a record
    }
    records.lines.push_back(text.substr(at, end - at));
    at = end + 1;
    records.bytes = at;
  }
  return records;
}

bool Spool::has_unsent_lines(std::uint64_t step) const {
  const auto found = m_journals.find(log_name(step));
  return found != m_journals.end() && found->second.sent_bytes < found->second.written;
}

std::optional<control::StepReports> Spool::unsent_steps() {
  const std::lock_guard lock(m_mutex);
  const auto found = m_journals.find(std::string(k_steps_journal));
  const auto records = found == m_journals.end() ? Records() : read_unsent(found->second, control::limits::k_steps);
  if (records.lines.empty()) {
    return std::nullopt;
  }
  control::StepReports reports;
  for (const auto& line : records.lines) {
    for (auto& report : control::parse_step_reports(line).steps) {
      // Who follows the log takes a step that has ended for complete: its lines go first.
      if (has_ended(report) && has_unsent_lines(report.step)) {
        return reports.steps.empty() ? std::nullopt : std::optional(reports);
      }
      reports.steps.push_back(std::move(report));
    }
  }
  return reports;
}

std::optional<control::LogAppend> Spool::unsent_lines() {
  const std::lock_guard lock(m_mutex);
  for (const auto& [name, journal] : m_journals) {
    const auto step = step_of(name);
    if (!step) {
      continue;
    }
    const auto records = read_unsent(journal, control::limits::k_lines);
    if (records.lines.empty()) {
      continue;
    }
    control::LogAppend append{*step, journal.sent_records, {}};
    for (const auto& record : records.lines) {
      for (auto& line : control::parse_log_append(record).lines) {
        append.lines.push_back(std::move(line));
      }
    }
    return append;
  }
  return std::nullopt;
}

std::optional<control::RefusedAppend> Spool::unsent_refused() {
  const std::lock_guard lock(m_mutex);
  const auto found = m_journals.find(std::string(k_refused_journal));
  const auto records = found == m_journals.end() ? Records() : read_unsent(found->second, control::limits::k_attempts);
  if (records.lines.empty()) {
    return std::nullopt;
  }
  control::RefusedAppend append{found->second.sent_records, {}};
  for (const auto& record : records.lines) {
    for (auto& attempt : control::parse_refused_append(record).attempts) {
      append.attempts.push_back(std::move(attempt));
    }
  }
  return append;
}

std::optional<control::Completion> Spool::unsent_completion() {
  const std::lock_guard lock(m_mutex);
  // Something may have been added since the caller looked at it.
  const bool all_sent = std::ranges::all_of(
      m_journals, [](const auto& named) { return named.second.sent_bytes >= named.second.written; });
  return m_completion_sent || !all_sent ? std::nullopt : m_completion;
}

// The server's word on what comes next holds: it may have more than we know of (an answer was lost), or less (it was
// restored from a backup).
void Spool::move_on(const std::string& name, std::uint64_t next) {
  auto& found = journal(name);
  if (next < found.sent_records) {
    found.sent_records = 0;
    found.sent_bytes = 0;
  }
  while (found.sent_records < next) {
    const auto records = read_unsent(found, next - found.sent_records);
    if (records.lines.empty()) {
      break;
    }
    found.sent_records += records.lines.size();
    found.sent_bytes += records.bytes;
  }
  remember_sent();
}

void Spool::sent(const control::StepReports& reports) {
  const std::lock_guard lock(m_mutex);
  const auto name = std::string(k_steps_journal);
  move_on(name, journal(name).sent_records + reports.steps.size());
}

void Spool::sent(const control::LogAppend& append, const control::AppendAnswer& answer) {
  const std::lock_guard lock(m_mutex);
  move_on(log_name(append.step), answer.truncated ? append.offset + append.lines.size() : answer.next);
}

void Spool::sent(const control::RefusedAppend& append, const control::AppendAnswer& answer) {
  const std::lock_guard lock(m_mutex);
  move_on(std::string(k_refused_journal), answer.truncated ? append.offset + append.attempts.size() : answer.next);
}

void Spool::sent_completion() {
  const std::lock_guard lock(m_mutex);
  m_completion_sent = true;
}

bool Spool::wait(std::chrono::milliseconds longest) {
  std::unique_lock lock(m_mutex);
  const bool added = m_added.wait_for(lock, longest, [&] { return m_additions != m_seen; });
  m_seen = m_additions;
  return added;
}

void Spool::remove() {
  remove_tree(m_folder);
}

// A hint only: a lost one makes the server skip what it has.
void Spool::remember_sent() {
  Json json = Json::object();
  for (const auto& [name, journal] : m_journals) {
    json[name] = {journal.sent_records, journal.sent_bytes};
  }
  const std::string text = json.dump();
  const Fd file(::open((m_folder / "sent.json").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file) {
    try {
      base::write_all(file.get(), base::as_bytes(text), "a spool");
    } catch (const Error&) {
      return;  // read as written half
    }
  }
}

void Spool::recall_sent() {
  const auto text = base::read_file_if_exists(m_folder / "sent.json", k_owner_limit);
  if (!text) {
    return;
  }
  try {
    const Json json = base::parse_json(*text, "a spool");
    for (auto& [name, journal] : m_journals) {
      if (json.contains(name) && json[name].at(1).get<std::uint64_t>() <= journal.written) {
        journal.sent_records = json[name].at(0).get<std::uint64_t>();
        journal.sent_bytes = json[name].at(1).get<std::uint64_t>();
      }
    }
  } catch (const std::exception&) {
    return;  // written half: everything goes once more
  }
}

}  // namespace airlock::agent
