#include "agent/cell_process.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <fstream>

#include "agent/cell_channel.hpp"
#include "agent/cell_init.hpp"
#include "agent/job_network.hpp"
#include "agent/job_root.hpp"
#include "agent/missing_control.hpp"
#include "agent/privileges.hpp"
#include "base/error.hpp"
#include "base/files_system.hpp"

namespace airlock::agent {

namespace {

using base::Fd;

struct Namespace {
  int flag;
  const char* name;
};
// One at a time, so that the one which the kernel or the service manager denies can be named.
constexpr std::array k_namespaces = {
    Namespace{CLONE_NEWNS, "mount namespace"},    Namespace{CLONE_NEWNET, "network namespace"},
    Namespace{CLONE_NEWIPC, "ipc namespace"},     Namespace{CLONE_NEWUTS, "uts namespace"},
    Namespace{CLONE_NEWPID, "process namespace"},
};

void write_line(const char* path, const std::string& line) {
  const Fd file(open(path, O_WRONLY | O_CLOEXEC));
  if (!file || write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    throw_missing("user namespace", std::string("cannot write ") + path, errno);
  }
}

void enter_user_namespace() {
  const uid_t uid = getuid();
  const gid_t gid = getgid();
  if (unshare(CLONE_NEWUSER) != 0) {
    throw_missing("user namespace", "cannot make one, which an agent that is not root needs", errno);
  }
  write_line("/proc/self/setgroups", "deny");
  write_line("/proc/self/uid_map", fmt::format("{} {} 1\n", uid, uid));
  write_line("/proc/self/gid_map", fmt::format("{} {} 1\n", gid, gid));
}

std::vector<int> descriptors_of(const JobNetwork& network, const Fd* proc) {
  std::vector<int> all = {network.tun.get()};
  if (proc != nullptr) {
    all.push_back(proc->get());
  }
  all.push_back(network.listener_v4.get());
  if (network.listener_v6) {
    all.push_back(network.listener_v6.get());
  }
  for (const auto& each : network.loopback) {
    all.push_back(each.get());
  }
  return all;
}

void report_ready(int channel, const JobNetwork& network, const Fd* proc) {
  CellEvent event;
  event.kind = CellEvent::Kind::ready;
  event.has_v6 = static_cast<bool>(network.listener_v6);
  send_cell_message(channel, print(event), descriptors_of(network, proc));
}

void report_failure(int channel, const MissingControl& missing) {
  CellEvent event;
  event.control = missing.control();
  event.cause = missing.what();
  send_cell_message(channel, print(event));
}

void join_container(const CellSpec& spec, int channel) {
  const Fd target(open(fmt::format("/proc/{}/ns/net", spec.join).c_str(), O_RDONLY | O_CLOEXEC));
  if (!target || setns(target.get(), CLONE_NEWNET) != 0) {
    throw_missing("network namespace", "cannot enter that of the container", errno);
  }
  report_ready(channel, make_job_network(spec.loopback), nullptr);
}

// In the new process namespace.
int live_inside(const CellSpec& spec, int channel, JobNetwork network) {
  try {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    enter_job_root(spec);
    if (sethostname(spec.hostname.c_str(), spec.hostname.size()) != 0) {
      throw_missing("uts namespace", "cannot name the job's host", errno);
    }
    drop_bounding_set();
    {
      const Fd proc(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      const JobNetwork handed_over = std::move(network);
      report_ready(channel, handed_over, &proc);
    }
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    serve_cell_commands(spec, channel);
  } catch (const MissingControl& missing) {
    report_failure(channel, missing);
    return 1;
  }
  return 0;
}

int isolate(const CellSpec& spec, int channel) {
  const auto sockets = unix_socket_paths();
  if (spec.user_namespace) {
    enter_user_namespace();
  }
  for (const auto& each : k_namespaces) {
    if (unshare(each.flag) != 0) {
      throw_missing(each.name, "cannot make one", errno);
    }
  }
  JobNetwork network = make_job_network(spec.loopback);
  build_job_root(spec, sockets);
  const pid_t child = fork();
  if (child < 0) {
    throw_missing("process namespace", "cannot start a process in it", errno);
  }
  if (child == 0) {
    _exit(live_inside(spec, channel, std::move(network)));
  }
  network = {};
  close(channel);  // the agent's end must see the child's end alone
  int status = 0;
  base::retry([&] { return waitpid(child, &status, 0); });
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int run_cell_process(int channel) {
  try {
    signal(SIGPIPE, SIG_IGN);
    fcntl(channel, F_SETFD, FD_CLOEXEC);
    const auto message = receive_cell_message(channel);
    if (!message) {
      return 1;
    }
    const CellSpec spec = parse_cell_spec(message->text);
    try {
      if (spec.mode == CellSpec::Mode::join) {
        join_container(spec, channel);
        return 0;
      }
      return isolate(spec, channel);
    } catch (const MissingControl& missing) {
      report_failure(channel, missing);
      return 1;
    }
  } catch (const base::Error&) {
    return 1;  // nobody is left to tell
  }
}

}  // namespace airlock::agent
