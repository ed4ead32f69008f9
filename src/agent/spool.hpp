// Everything that one job has to say, on disk before it is sent: a killed agent, a server that is away, and a full pipe
// lose none of it.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/files.hpp"
#include "control/wire.hpp"

namespace airlock::agent {

// Which attempt of which deployment a spool is of; with its token, as another process may have to send the rest.
struct SpoolOwner {
  std::string deployment_id;
  std::uint64_t attempt = 1;
  base::Secret job_token;
};

// One folder, for its agent alone (0700). Thread-safe: a job writes while an uploader reads.
class Spool {
 public:
  // Makes `parent`/DEPLOYMENT.ATTEMPT. `log_limit`: bytes of all its lines; what comes later is dropped, and says so.
  Spool(const std::filesystem::path& parent, SpoolOwner owner, std::uint64_t log_limit);
  // One that an earlier process left; throws malformed when it is none.
  static Spool open(const std::filesystem::path& folder);
  Spool(Spool&& other) noexcept;
  Spool& operator=(Spool&&) = delete;
  ~Spool() = default;

  const SpoolOwner& owner() const { return m_owner; }
  const std::filesystem::path& folder() const { return m_folder; }

  // None of these four throws for want of space or a broken medium: a job's threads have nowhere to go with that. What
  // could not be written is lost, and `trouble` says so from then on.
  void add_step(const control::StepReport& report);
  void add_line(std::uint64_t step, control::LogLine line);
  void add_refused(const control::RefusedAttempt& attempt);
  void complete(const control::Completion& completion);  // the last word; only the first call counts
  std::optional<std::string> trouble() const;
  bool is_complete() const;
  std::uint64_t next_step() const;  // above all that were reported
  std::vector<control::StepReport> running_steps() const;

  // What is to be sent next, in this order of need: steps, lines, refused attempts, and the completion once all else is
  // there. `sent` of each moves on.
  std::optional<control::StepReports> unsent_steps();
  std::optional<control::LogAppend> unsent_lines();
  std::optional<control::RefusedAppend> unsent_refused();
  std::optional<control::Completion> unsent_completion();
  void sent(const control::StepReports& reports);
  void sent(const control::LogAppend& append, const control::AppendAnswer& answer);
  void sent(const control::RefusedAppend& append, const control::AppendAnswer& answer);
  void sent_completion();

  // Waits until something was added, at most this long.
  bool wait(std::chrono::milliseconds longest);  // true when something was added
  void remove();                                 // the folder, when everything is sent or nobody wants it

 private:
  // One file of records, one a line, and how far it was sent.
  struct Journal {
    base::Fd file;
    std::uint64_t written = 0;  // bytes
    std::uint64_t sent_bytes = 0;
    std::uint64_t sent_records = 0;
  };
  struct Records {
    std::vector<std::string> lines;
    std::uint64_t bytes = 0;
  };

  Spool(std::filesystem::path folder, SpoolOwner owner);
  Journal& journal(const std::string& name);
  void append(const std::string& name, const std::string& record);
  void write_or_note(const std::function<void()>& write);
  void append_line(std::uint64_t step, const control::LogLine& line);
  static Records read_unsent(const Journal& journal, std::size_t most);
  static void cut_half_record(Journal& journal);
  bool has_unsent_lines(std::uint64_t step) const;
  void move_on(const std::string& name, std::uint64_t next);
  void remember_sent();
  void recall_sent();

  std::filesystem::path m_folder;
  SpoolOwner m_owner;
  std::uint64_t m_log_limit = UINT64_MAX;
  std::uint64_t m_logged = 0;
  bool m_log_full = false;
  mutable std::mutex m_mutex;
  std::condition_variable m_added;
  std::uint64_t m_additions = 0;
  std::uint64_t m_seen = 0;
  std::map<std::string, Journal> m_journals;  // "steps", "refused", "log-0", …
  std::map<std::uint64_t, control::StepReport> m_steps;
  std::optional<control::Completion> m_completion;
  bool m_completion_sent = false;
  std::optional<std::string> m_trouble;
};

}  // namespace airlock::agent
