// What an agent and the control plane say to each other, as plain values (docs/formats/deployments-api.md). Every
// `parse_…` reads foreign bytes: it throws malformed or limit, checks each field against the limits below, and ignores
// members that it does not know. Every `print` gives what its parse takes back.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"

namespace airlock::control {

namespace limits {
inline constexpr std::size_t k_claim = 4 * 1024 * 1024;   // bytes of a claim
inline constexpr std::size_t k_report = 1024 * 1024;      // bytes of any other body
inline constexpr std::size_t k_name = 100;                // bytes of an organization, project, stack or pool
inline constexpr std::size_t k_text = 4096;               // bytes of a command, URL, path, message
inline constexpr std::size_t k_value = 128 * 1024;        // bytes of one environment value or key
inline constexpr std::size_t k_variables = 500;           // of one job
inline constexpr std::size_t k_commands = 100;            // pre-run commands of one job
inline constexpr std::size_t k_networks = 200;            // allowed names and ranges of one job
inline constexpr std::size_t k_steps = 200;               // of one job
inline constexpr std::size_t k_line = 16 * 1024;          // bytes of one log line, its end included
inline constexpr std::size_t k_lines = 2000;              // of one append
inline constexpr std::size_t k_attempts = 500;            // of one append
inline constexpr std::uint64_t k_lease_seconds = 3600;    // the longest lease
inline constexpr std::uint64_t k_offset = 1'000'000'000;  // lines or attempts of a step
}  // namespace limits

enum class Operation { preview, update, refresh, destroy };
enum class Tool { pulumi, tofu, terraform, script };  // script: the program `deploy` of the source itself
enum class RunnerKind { process, docker };

std::string_view to_string(Operation operation);  // "preview"
std::string_view to_string(Tool tool);
std::string_view to_string(RunnerKind runner);
std::optional<Operation> find_operation(std::string_view name);
std::optional<Tool> find_tool(std::string_view name);
std::optional<RunnerKind> find_runner(std::string_view name);
// Only a preview leaves everything as it was: it alone may run twice.
inline bool changes_something(Operation operation) {
  return operation != Operation::preview;
}

struct StackName {
  std::string organization, project, stack;
  // "organization/project/stack"; "project/stack" is of organization "default". Letters, digits, '-', '_' and '.', no
  // leading dot. Throws malformed.
  static StackName parse(std::string_view text);
  std::string to_string() const;
  auto operator<=>(const StackName&) const = default;
};
bool is_name(std::string_view text);  // the rule for each part, and for pools

struct EnvironmentVariable {
  std::string name;  // [A-Za-z_][A-Za-z0-9_]*
  base::Secret value;
  bool secret = false;  // to be masked in logs
};
bool is_variable_name(std::string_view name);

// Where the program comes from. `directory` (below the root of what was fetched) is relative, without "..".
struct Source {
  enum class Kind { upload, mirror, git };
  Kind kind = Kind::upload;
  std::string directory;  // "" is the root

  // upload: GET …/source of the deployment gives a tar.gz with this digest.
  std::string sha256;        // 64 hex characters
  std::uint64_t length = 0;  // bytes
  // mirror: path of an archive on the server that the agent talks to, "/files/team/app.tar.gz".
  std::string path;
  // git: https, http, ssh or file URL, or host:path; one of branch, tag and commit, or none for the remote's default.
  std::string url, branch, tag, commit;
  std::string user;           // with `password`
  base::Secret password;      // or an access token
  base::Secret ssh_key;       // PEM
  base::Secret ssh_password;  // of that key
};
std::string_view to_string(Source::Kind kind);
// Relative, without empty, "." and ".." parts; "" is fine.
bool is_inner_directory(std::string_view path);

struct ExecutorImage {
  std::string reference;  // "" lets the agent choose
  std::string user;
  base::Secret password;
};

struct JobLimits {                  // 0: the agent's own default
  std::uint64_t cpu_millis = 0;     // thousandths of a CPU
  std::uint64_t memory_bytes = 0;   // at most 2^50
  std::uint64_t pids = 0;           // processes and threads
  std::chrono::seconds timeout{0};  // of the whole job; the server ends it then in any case
};

// What a job may reach besides the mirror and its backend: "db.site.example", "db.site.example:5432", "10.1.0.0/16",
// "10.1.2.3:22", "[fd00::]/16", "[fd00::7]:443".
struct NetworkRule {
  std::string host;                                 // a name in lower case, or an address
  std::optional<int> prefix;                        // of an address: 0 to 32, or 0 to 128
  std::uint16_t port = 0;                           // 0: any
  static NetworkRule parse(std::string_view text);  // throws malformed
  std::string to_string() const;
  bool is_address() const;
  bool operator==(const NetworkRule&) const = default;
};

// Everything that an agent needs to run one deployment. The only value that holds secrets in plain.
struct Job {
  StackName stack;
  Operation operation = Operation::preview;
  Tool tool = Tool::pulumi;
  RunnerKind runner = RunnerKind::process;
  std::optional<Source> source;  // none: only what the image or the commands bring
  std::vector<std::string> pre_run_commands;
  std::vector<EnvironmentVariable> environment;
  ExecutorImage image;
  JobLimits limits;
  std::vector<NetworkRule> networks;
  std::string backend_url;  // "file:///srv/state", "https://…"; "" where the tool keeps state by itself
  bool skip_install_dependencies = false;
  std::string initiator;  // who asked for it, for people
};

// An offer until the agent's first `lease` call is answered with 200: only then may the job begin. An offer that is not
// taken up within `lease`, because its answer was lost on the way, goes back into the queue as if nothing had happened.
struct Claim {
  std::string deployment_id;
  std::uint64_t version = 0;       // counts within the stack, from 1
  std::uint64_t attempt = 1;       // 2 and more where it was offered before
  base::Secret job_token;          // for this attempt of this deployment only
  std::chrono::seconds lease{30};  // until the first renewal; then renew at a third of what LeaseAnswer says
  Job job;
};
Claim parse_claim(std::string_view text);
std::string print(const Claim& claim);

// Who polls, as query of k_poll_path.
struct AgentIdentity {
  std::string hostname;             // at most 255 bytes
  std::string pid;                  // as the host counts it; digits
  std::string platform;             // "linux/amd64"
  std::string version;              // of the agent
  std::string instance;             // 8 to 64 letters and digits, made anew by each process
  std::vector<RunnerKind> runners;  // what it can run; at least one
  std::chrono::seconds wait{20};    // how long the server may hold the answer; 0 to 25
};
using QueryFields = std::vector<std::pair<std::string, std::string>>;
AgentIdentity parse_identity(const QueryFields& query);  // of decoded names and values
std::string query_text(const AgentIdentity& identity);   // "hostname=…&pid=…", encoded

struct LeaseAnswer {
  std::chrono::seconds lease{30};  // from now on
  bool cancel = false;             // stop the job: INT first, then complete with `cancelled`
  std::string reason;              // "cancelled by …", "timeout"; "" without cancel
};
LeaseAnswer parse_lease_answer(std::string_view text);
std::string print(const LeaseAnswer& answer);

using UnixMillis = std::chrono::sys_time<std::chrono::milliseconds>;
std::string to_rfc3339(UnixMillis time);                 // "2026-07-01T12:00:00.123Z"
UnixMillis parse_rfc3339_millis(std::string_view text);  // any offset; further digits are dropped; throws malformed

enum class StepStatus { not_started, running, failed, succeeded };
std::string_view to_string(StepStatus status);  // "not-started"

struct StepReport {
  std::uint64_t step = 0;  // counts from 0
  std::string name;        // "Setup", "Get source", …
  StepStatus status = StepStatus::not_started;
  std::optional<UnixMillis> started;
  std::optional<UnixMillis> updated;
};
// Any number of steps; the last word on a step holds, and an ended step never runs again. A step's lines are sent
// before its end is reported: readers go on to the next step then.
struct StepReports {
  std::vector<StepReport> steps;
};
StepReports parse_step_reports(std::string_view text);
std::string print(const StepReports& reports);

struct LogLine {
  UnixMillis time{};
  std::string text;  // with its own line end; a longer line goes as several without one
};
// `lines` are numbers offset, offset+1, … of that step. What is there already is skipped, so that an append may be sent
// again; a gap is refused with 409 and an AppendAnswer that says which line is next.
struct LogAppend {
  std::uint64_t step = 0;
  std::uint64_t offset = 0;
  std::vector<LogLine> lines;
};
LogAppend parse_log_append(std::string_view text);
// NUL and invalid UTF-8 become U+FFFD; nothing else is changed.
std::string print(const LogAppend& append);
// A line's text as print() sends it. It may be three times as long, and limits::k_line holds for what is sent.
std::string log_text(std::string_view text);

struct AppendAnswer {
  std::uint64_t next = 0;  // the line (or attempt) that is expected next
  bool truncated = false;  // the limit is reached: what else is sent is counted and dropped
};
AppendAnswer parse_append_answer(std::string_view text);
std::string print(const AppendAnswer& answer);

// A connection or name that a job asked for and did not get.
struct RefusedAttempt {
  UnixMillis time{};
  std::uint64_t step = 0;
  std::string target;      // name or address as asked for
  std::uint16_t port = 0;  // 0: none, or not known
  std::string protocol;    // "tcp", "udp", "dns", "icmp", …
  std::string process;     // name of the process; "" where it could not be told
  std::uint64_t count = 1;
};
struct RefusedAppend {  // offsets as in LogAppend, over the whole job
  std::uint64_t offset = 0;
  std::vector<RefusedAttempt> attempts;
};
RefusedAppend parse_refused_append(std::string_view text);
std::string print(const RefusedAppend& append);

enum class JobResult { succeeded, failed, cancelled };
std::string_view to_string(JobResult result);

// May be sent again: the same result is taken as the same message.
struct Completion {
  JobResult result = JobResult::failed;
  std::string message;           // why, where it did not succeed
  std::optional<int> exit_code;  // of the step that decided
};
Completion parse_completion(std::string_view text);
std::string print(const Completion& completion);

}  // namespace airlock::control
