#include "base/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/files_system.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"

namespace airlock::base {

namespace {

using Deadline = std::chrono::steady_clock::time_point;

// How long a wait may last before interruption and the child's end are looked at again.
constexpr std::chrono::milliseconds k_tick{50};
// Keeps "no timeout" from overflowing the clock.
constexpr std::chrono::hours k_longest_wait{24 * 365};
constexpr int k_steps_at_once = 16;  // reads or writes of one pipe before the others, the clock and interruption

struct Pipe {
  Fd read_end;
  Fd write_end;
};

// Where our own stdin, stdout or stderr is closed, a pipe could take its number, and the child's would get
// mixed up.
Fd above_standard(Fd fd) {
  if (fd.get() > STDERR_FILENO) {
    return fd;
  }
  Fd moved(fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!moved) {
    throw system_error(errno, "cannot prepare a pipe");
  }
  return moved;
}

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw system_error(errno, "cannot create a pipe");
  }
  Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  return {above_standard(std::move(read_end)), above_standard(std::move(write_end))};
}

void set_non_blocking(const Fd& fd) {
  if (fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK) != 0) {
    throw system_error(errno, "cannot prepare a pipe");
  }
}

// A child that closes its stdin early must be an EPIPE here and not the end of this process.
class PipeSignalBlock {
 public:
  PipeSignalBlock() {
    sigemptyset(&m_pipe);
    sigaddset(&m_pipe, SIGPIPE);
    sigset_t pending = {};
    sigpending(&pending);
    m_was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &m_pipe, &m_before);
  }
  PipeSignalBlock(const PipeSignalBlock&) = delete;
  PipeSignalBlock& operator=(const PipeSignalBlock&) = delete;
  ~PipeSignalBlock() {
    const struct timespec at_once = {};
    while (!m_was_pending && sigtimedwait(&m_pipe, nullptr, &at_once) == -1 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &m_before, nullptr);
  }

 private:
  sigset_t m_pipe = {};
  sigset_t m_before = {};
  bool m_was_pending = false;
};

// The arguments of posix_spawn that need freeing.
class SpawnSettings {
 public:
  SpawnSettings(int input, int output, int errors, const std::string& directory, ProcessGroup group) {
    posix_spawn_file_actions_init(&m_actions);
    posix_spawnattr_init(&m_attributes);
    if (!directory.empty()) {
      posix_spawn_file_actions_addchdir_np(&m_actions, directory.c_str());
    }
    posix_spawn_file_actions_adddup2(&m_actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&m_actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&m_actions, errors, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&m_actions, STDERR_FILENO + 1);
    sigset_t none = {};
    sigset_t all = {};
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&m_attributes, &none);
    posix_spawnattr_setsigdefault(&m_attributes, &all);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (group == ProcessGroup::own) {
      posix_spawnattr_setpgroup(&m_attributes, 0);
      flags |= POSIX_SPAWN_SETPGROUP;
    }
    posix_spawnattr_setflags(&m_attributes, static_cast<short>(flags));
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&m_actions);
    posix_spawnattr_destroy(&m_attributes);
  }

  const posix_spawn_file_actions_t* actions() const { return &m_actions; }
  const posix_spawnattr_t* attributes() const { return &m_attributes; }

 private:
  posix_spawn_file_actions_t m_actions = {};
  posix_spawnattr_t m_attributes = {};
};

bool is_basic(std::string_view name) {
  constexpr std::array<std::string_view, 8> k_names = {"PATH",  "HOME", "USER", "LOGNAME",
                                                       "SHELL", "LANG", "TZ",   "TMPDIR"};
  return name.starts_with("LC_") || std::ranges::find(k_names, name) != k_names.end();
}

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& changes,
                                            ProcessOptions::Inherit inherit) {
  std::map<std::string, std::string> all = changes;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    const bool wanted = inherit == ProcessOptions::Inherit::everything || is_basic(text.substr(0, equals));
    if (equals != std::string_view::npos && wanted) {
      all.try_emplace(std::string(text.substr(0, equals)), text.substr(equals + 1));
    }
  }
  std::vector<std::string> result;
  result.reserve(all.size());
  for (const auto& [name, value] : all) {
    result.push_back(fmt::format("{}={}", name, value));
  }
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (auto& text : texts) {
    result.push_back(text.data());
  }
  result.push_back(nullptr);
  return result;
}

// A child that is killed, with a group of its own, unless it was waited for.
class Child {
 public:
  Child(pid_t pid, std::string name, ProcessGroup group)
      : m_pid(pid), m_target(group == ProcessGroup::own ? -pid : pid), m_name(std::move(name)),
        m_ends_with_us(std::in_place, m_target) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (m_status) {
      return;
    }
    kill(m_target, SIGKILL);
    reap();
  }

  const std::string& name() const { return m_name; }

  bool has_ended() {
    siginfo_t info = {};  // stays as it is where the child has not ended
    const auto look = [&] { return waitid(P_PID, static_cast<id_t>(m_pid), &info, WEXITED | WNOHANG | WNOWAIT); };
    if (!m_status && retry(look) == 0 && info.si_pid == m_pid) {
      m_status = reap();
    }
    return m_status.has_value();
  }

  // Valid once it has ended.
  int exit_code() const { return WIFEXITED(*m_status) ? WEXITSTATUS(*m_status) : 128 + WTERMSIG(*m_status); }

 private:
  int reap() {
    m_ends_with_us.reset();  // its number is free from here on
    int status = 0;
    retry([&] { return waitpid(m_pid, &status, 0); });
    return status;
  }

  pid_t m_pid;
  pid_t m_target;  // of kill(): itself, or its group
  std::string m_name;
  std::optional<EndsWithUs> m_ends_with_us;
  std::optional<int> m_status;
};

pid_t spawn(const ProcessOptions& options, int input, const Fd& output, const Fd& errors) {
  const SpawnSettings settings(input, output.get(), errors.get(), options.directory, options.group);
  std::vector<std::string> arguments = options.argv;
  std::vector<std::string> environment = merged_environment(options.environment, options.inherit);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, arguments.front().c_str(), settings.actions(), settings.attributes(),
                                 pointers(arguments).data(), pointers(environment).data());
  if (error == ENOENT || error == ENOTDIR) {
    throw Error(ErrorCode::not_found, "there is no program " + quote_path(options.argv.front()));
  }
  if (error != 0) {
    throw system_error(error, "cannot run " + quote_path(options.argv.front()));
  }
  return pid;
}

// Moves bytes between the child's pipes and memory until both outputs are at their end, or the child is.
class Pump {
 public:
  Pump(const ProcessOptions& options, Child& child, Fd input, Fd output, Fd errors)
      : m_options(options), m_child(child), m_input(std::move(input)), m_output(std::move(output)),
        m_errors(std::move(errors)),
        m_deadline(std::chrono::steady_clock::now() + std::min<std::chrono::seconds>(options.timeout, k_longest_wait)),
        m_piece(std::as_bytes(std::span(options.input))) {
    for (const Fd* fd : {&m_input, &m_output, &m_errors}) {
      if (*fd) {
        set_non_blocking(*fd);
      }
    }
  }

  ProcessResult run() {
    // A daemon that the child left behind may hold the pipes open: the child's own end is what counts, and
    // what it had written by then is still read.
    while (!m_child.has_ended() || step_output()) {
      throw_if_interrupted();
      if (std::chrono::steady_clock::now() >= m_deadline) {
        throw Error(ErrorCode::io, quote_path(m_child.name()) + " did not end within " +
                                       std::to_string(m_options.timeout.count()) + " seconds and was stopped");
      }
      feed();
      step_output();
      wait();
    }
    m_result.exit_code = m_child.exit_code();
    return std::move(m_result);
  }

 private:
  void feed() {
    for (int writes = 0; m_input && next_piece(); ++writes) {
      if (writes == k_steps_at_once) {
        return;
      }
      const ssize_t written = retry([&] { return write(m_input.get(), m_piece.data(), m_piece.size()); });
      if (written < 0) {
        if (errno == EAGAIN) {
          return;
        }
        // It does not want the rest; whether that is a failure, its exit code tells.
        break;
      }
      m_piece = m_piece.subspan(static_cast<std::size_t>(written));
    }
    m_input = Fd();
  }

  bool next_piece() {
    if (m_piece.empty() && m_options.more_input) {
      m_piece = m_options.more_input();
    }
    return !m_piece.empty();
  }

  bool step_output() {
    std::uint64_t unwanted = 0;
    const bool output = drain(m_output, m_result.output, "stdout", m_result.discarded);
    const std::size_t told = m_result.errors.size();
    const bool errors = drain(m_errors, m_result.errors, "stderr", unwanted);
    if (errors && m_options.on_errors) {
      m_options.on_errors(std::string_view(m_result.errors).substr(told));
    }
    return output || errors;
  }

  // Reads what is there; true when that was something.
  bool drain(Fd& from, std::string& into, std::string_view what, std::uint64_t& discarded) {
    bool any = false;
    std::array<char, std::size_t{16} * 1024> buffer{};
    for (int reads = 0; from && reads < k_steps_at_once; ++reads) {
      const ssize_t got = retry([&] { return read(from.get(), buffer.data(), buffer.size()); });
      if (got < 0 && errno == EAGAIN) {
        break;
      }
      if (got <= 0) {
        from = Fd();
        break;
      }
      any = true;
      const auto fits = std::min(static_cast<std::size_t>(got), m_options.output_limit - into.size());
      if (fits < static_cast<std::size_t>(got) && m_options.beyond == ProcessOptions::Beyond::throws) {
        throw Error(ErrorCode::limit, quote_path(m_child.name()) + " wrote more than " +
                                          std::to_string(m_options.output_limit) + " bytes to " + std::string(what));
      }
      into.append(buffer.data(), fits);
      discarded += static_cast<std::size_t>(got) - fits;
    }
    return any;
  }

  void wait() {
    std::array<struct pollfd, 3> watched = {
        {{m_input.get(), POLLOUT, 0}, {m_output.get(), POLLIN, 0}, {m_errors.get(), POLLIN, 0}}};
    // With both outputs closed the child is about to end, or has gone quiet on purpose: look again soon.
    const bool ending = !m_output && !m_errors;
    poll(watched.data(), watched.size(), ending ? 2 : static_cast<int>(k_tick.count()));
  }

  const ProcessOptions& m_options;
  Child& m_child;
  Fd m_input;
  Fd m_output;
  Fd m_errors;
  Deadline m_deadline;
  std::span<const std::byte> m_piece;  // of the input, not yet taken
  ProcessResult m_result;
};

bool is_program(const fs::path& path) {
  struct stat info = {};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

ProcessResult run_process(const ProcessOptions& options) {
  if (options.argv.empty() || options.argv.front().empty()) {
    throw Error(ErrorCode::internal, "a program without a name was to be run");
  }
  Pipe input = make_pipe();
  Pipe output = make_pipe();
  Pipe errors = make_pipe();
  const PipeSignalBlock block;
  const bool own_input = options.input_fd < 0;
  Child child(spawn(options, own_input ? input.read_end.get() : options.input_fd, output.write_end, errors.write_end),
              options.argv.front(), options.group);
  // The child's ends must be closed here, or no end of file would ever come.
  input.read_end = Fd();
  output.write_end = Fd();
  errors.write_end = Fd();
  if (!own_input) {
    input.write_end = Fd();
  }
  return Pump(options, child, std::move(input.write_end), std::move(output.read_end), std::move(errors.read_end)).run();
}

bool program_exists(std::string_view name) {
  if (name.empty()) {
    return false;
  }
  if (name.find('/') != std::string_view::npos) {
    return is_program(fs::path(name));
  }
  const char* const path = std::getenv("PATH");
  const auto folders = split(path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path, ':');
  return std::ranges::any_of(
      folders, [&](const std::string& folder) { return is_program(fs::path(folder.empty() ? "." : folder) / name); });
}

}  // namespace airlock::base
