#include "agent/cell_init.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>

#include "agent/cell_channel.hpp"
#include "agent/missing_control.hpp"
#include "agent/privileges.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/files_system.hpp"
#include "base/text.hpp"

namespace airlock::agent {

namespace {

using base::Fd;

constexpr int k_cannot_run = 126;
constexpr int k_no_program = 127;

std::string program_path(const CellCommand& command) {
  const auto& name = command.argv.front();
  const auto path = command.environment.find("PATH");
  if (name.find('/') != std::string::npos || path == command.environment.end()) {
    return name;
  }
  for (const auto& folder : base::split(path->second, ':')) {
    const std::string candidate = folder + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
  }
  return name;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) {
    result.push_back(text.data());
  }
  result.push_back(nullptr);
  return result;
}

[[noreturn]] void give_up(int code, const std::string& text) {
  const std::string line = "airlock: " + text + "\n";
  [[maybe_unused]] const auto ignored = write(STDERR_FILENO, line.data(), line.size());
  _exit(code);
}

[[noreturn]] void become(const CellSpec& spec, const CellCommand& command, int output) {
  try {
    setsid();
    const Fd null(open("/dev/null", O_RDONLY));
    dup2(null.get(), STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    sigset_t none = {};
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int number = 1; number < NSIG; ++number) {
      signal(number, SIG_DFL);
    }
    umask(0077);
    drop_privileges(spec);
    if (chdir(command.directory.c_str()) != 0) {
      give_up(k_cannot_run, "cannot enter " + command.directory + ": " + std::strerror(errno));
    }
    std::vector<std::string> arguments = command.argv;
    std::vector<std::string> environment;
    for (const auto& [name, value] : command.environment) {
      environment.push_back(name + "=" + value);
    }
    const std::string path = program_path(command);
    execve(path.c_str(), pointers(arguments).data(), pointers(environment).data());
    give_up(errno == ENOENT ? k_no_program : k_cannot_run, "cannot run " + path + ": " + std::strerror(errno));
  } catch (const std::exception& error) {
    give_up(k_cannot_run, error.what());
  }
}

int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

class Init {
 public:
  Init(const CellSpec& spec, int channel) : m_spec(spec), m_channel(channel) {
    sigset_t all = {};
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, nullptr);
    sigset_t child = {};
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    m_children = Fd(signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  void run() {
    while (true) {
      std::array<pollfd, 2> watched = {{{m_channel, POLLIN, 0}, {m_children.get(), POLLIN, 0}}};
      poll(watched.data(), watched.size(), -1);
      if (watched[1].revents != 0) {
        reap();
      }
      if (watched[0].revents != 0 && !take()) {
        return;
      }
    }
  }

 private:
  bool take() {
    auto message = receive_cell_message(m_channel);
    if (!message) {
      return false;
    }
    if (message->text.starts_with("signal ")) {
      // To the group of every command that runs: what a terminal's Ctrl-C would do.
      const int number = std::stoi(message->text.substr(7));
      for (const auto& [pid, id] : m_running) {
        kill(-pid, number);
      }
      return true;
    }
    start(parse_cell_command(message->text), message->descriptors.at(0));
    return true;
  }

  void start(const CellCommand& command, const Fd& output) {
    const pid_t pid = fork();
    if (pid == 0) {
      become(m_spec, command, output.get());
    }
    if (pid < 0) {
      const std::string line = "airlock: cannot start a process: " + std::string(std::strerror(errno)) + "\n";
      [[maybe_unused]] const auto ignored = write(output.get(), line.data(), line.size());
      report(command.id, k_cannot_run);
      return;
    }
    m_running[pid] = command.id;
  }

  void reap() {
    std::array<char, sizeof(signalfd_siginfo)> ignored{};
    while (read(m_children.get(), ignored.data(), ignored.size()) > 0) {
    }
    int status = 0;
    for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (const auto found = m_running.find(pid); found != m_running.end()) {
        report(found->second, exit_code(status));
        m_running.erase(found);
      }
    }
  }

  void report(std::uint64_t id, int code) const {
    CellEvent event;
    event.kind = CellEvent::Kind::ended;
    event.id = id;
    event.exit_code = code;
    send_cell_message(m_channel, print(event));
  }

  const CellSpec& m_spec;
  int m_channel;
  Fd m_children;
  std::map<pid_t, std::uint64_t> m_running;
};

}  // namespace

void serve_cell_commands(const CellSpec& spec, int channel) {
  Init(spec, channel).run();
}

}  // namespace airlock::agent
