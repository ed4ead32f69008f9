#include "agent/cell.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include <fmt/format.h>

#include "agent/cell_channel.hpp"
#include "base/error.hpp"
#include "base/files_system.hpp"

namespace airlock::agent {

namespace {

using base::Error;
using base::ErrorCode;
using base::Fd;

constexpr int k_channel = 3;
constexpr int k_killed = 128 + SIGKILL;

pid_t spawn(const CellProgram& program, const Fd& channel) {
  posix_spawn_file_actions_t actions = {};
  posix_spawnattr_t attributes = {};
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&actions, channel.get(), k_channel);
  posix_spawn_file_actions_addclosefrom_np(&actions, k_channel + 1);
  sigset_t none = {};
  sigset_t all = {};
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  // A group of its own: Ctrl-C on the agent's terminal is the agent's, not the job's.
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::vector<std::string> texts = program.argv;
  std::vector<char*> arguments;
  for (auto& text : texts) {
    arguments.push_back(text.data());
  }
  arguments.push_back(nullptr);
  std::array<char*, 1> environment = {nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, arguments.front(), &actions, &attributes, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    throw base::system_error(error, "cannot start the process around a job");
  }
  return pid;
}

Error missing_control(const CellEvent& event) {
  return Error(ErrorCode::unsupported, fmt::format("this host gives no {} for the job: {}", event.control, event.cause))
      .with_hint("`airlock agent check` tries every control and says what each needs; nothing runs without them");
}

// What the command wrote until now; what others still hold open, and may write to without end, is not waited for.
void read_available(const Fd& pipe, const std::function<void(std::string_view)>& output) {
  int left = 0;
  if (ioctl(pipe.get(), FIONREAD, &left) != 0) {
    return;
  }
  std::array<char, 65536> buffer{};
  while (left > 0) {
    const auto most = std::min(buffer.size(), static_cast<std::size_t>(left));
    const ssize_t got = base::retry([&] { return read(pipe.get(), buffer.data(), most); });
    if (got <= 0) {
      return;
    }
    output({buffer.data(), static_cast<std::size_t>(got)});
    left -= static_cast<int>(got);
  }
}

}  // namespace

CellProgram CellProgram::own() {
  return {{"/proc/self/exe", "agent", "cell"}};
}

Cell::Cell(const CellProgram& program, const CellSpec& spec, const Cgroup* cgroup) {
  auto [ours, theirs] = make_cell_channel();
  m_channel = std::move(ours);
  m_process = spawn(program, theirs);
  theirs = Fd();
  try {
    if (cgroup != nullptr) {
      cgroup->add(m_process);
    }
    send_cell_message(m_channel.get(), print(spec));
    auto message = receive_cell_message(m_channel.get());
    if (!message) {
      throw Error(ErrorCode::internal, "the process around the job ended without a word");
    }
    const CellEvent event = parse_cell_event(message->text);
    if (event.kind != CellEvent::Kind::ready) {
      throw missing_control(event);
    }
    auto& passed = message->descriptors;
    auto next = passed.begin();
    const auto take = [&] { return next == passed.end() ? Fd() : std::move(*next++); };
    m_network.tun = take();
    if (spec.mode == CellSpec::Mode::isolate) {
      m_proc = take();
    }
    m_network.listener_v4 = take();
    if (event.has_v6) {
      m_network.listener_v6 = take();
    }
    m_network.loopback.assign(std::make_move_iterator(next), std::make_move_iterator(passed.end()));
  } catch (...) {
    m_channel = Fd();
    ::kill(m_process, SIGKILL);
    int status = 0;
    base::retry([&] { return waitpid(m_process, &status, 0); });
    throw;
  }
}

Cell::~Cell() {
  kill();
  int status = 0;
  base::retry([&] { return waitpid(m_process, &status, 0); });
}

void Cell::kill() {
  // The first process inside dies with the one that made it, and with it the kernel ends the whole namespace.
  ::kill(m_process, SIGKILL);
  shutdown(m_channel.get(), SHUT_RDWR);
}

void Cell::signal(int number) {
  try {
    send_cell_message(m_channel.get(), fmt::format("signal {}", number));
  } catch (const Error&) {
    // It is gone already, which is what a signal is for.
  }
}

int Cell::run(const CellCommand& command, const std::function<void(std::string_view)>& output) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw base::system_error(errno, "cannot make a pipe");
  }
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  fcntl(reading.get(), F_SETFL, O_NONBLOCK);
  try {
    send_cell_message(m_channel.get(), print(command), {writing.get()});
  } catch (const Error&) {
    return k_killed;
  }
  writing = Fd();
  bool open = true;
  while (true) {
    std::array<pollfd, 2> watched = {{{m_channel.get(), POLLIN, 0}, {open ? reading.get() : -1, POLLIN, 0}}};
    poll(watched.data(), watched.size(), -1);
    if (watched[1].revents != 0) {
      std::array<char, 65536> buffer{};
      const ssize_t got = base::retry([&] { return read(reading.get(), buffer.data(), buffer.size()); });
      open = got > 0 || (got < 0 && errno == EAGAIN);
      if (got > 0) {
        output({buffer.data(), static_cast<std::size_t>(got)});
      }
    }
    if (watched[0].revents == 0) {
      continue;
    }
    const auto message = receive_cell_message(m_channel.get());
    if (!message) {
      read_available(reading, output);
      return k_killed;
    }
    const CellEvent event = parse_cell_event(message->text);
    if (event.kind == CellEvent::Kind::ended && event.id == command.id) {
      read_available(reading, output);
      return event.exit_code;
    }
  }
}

}  // namespace airlock::agent
