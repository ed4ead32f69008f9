#include "agent/cgroup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"

namespace airlock::agent {

namespace {

namespace fs = std::filesystem;

constexpr std::array k_limits = {"cpu", "memory", "pids"};
constexpr std::uint64_t k_period = 100'000;  // microseconds; the kernel's own default
constexpr int k_kill_rounds = 100;
constexpr std::chrono::milliseconds k_between_rounds{10};

struct Controller {
  fs::path folder;  // the agent's own group
  int version = 2;
};

// "rw,memory" and such, with the mount point, of every control group file system.
struct Mounted {
  fs::path point;
  fs::path root;
  int version = 2;
  std::vector<std::string> options;
};

std::vector<Mounted> mounted_hierarchies() {
  std::vector<Mounted> found;
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const auto dash = line.find(" - ");
    if (dash == std::string::npos) {
      continue;
    }
    std::istringstream before(line.substr(0, dash));
    std::istringstream after(line.substr(dash + 3));
    std::string skip;
    std::string root;
    std::string point;
    std::string type;
    std::string source;
    std::string options;
    before >> skip >> skip >> skip >> root >> point;
    after >> type >> source >> options;
    if (type == "cgroup" || type == "cgroup2") {
      found.push_back({point, root, type == "cgroup2" ? 2 : 1, base::split(options, ',')});
    }
  }
  return found;
}

// The path of our own group in a hierarchy: of version 2 where `controller` is empty.
std::string own_path(const std::string& controller) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const auto controllers = base::split(line.substr(first + 1, second - first - 1), ',');
    if (std::ranges::find(controllers, controller) != controllers.end()) {
      return line.substr(second + 1);
    }
  }
  return "/";
}

fs::path group_folder(const Mounted& mounted, const std::string& own) {
  // In a container the mount begins at our own group already.
  const fs::path below = fs::path(own).lexically_relative(mounted.root);
  const bool inside = !below.empty() && *below.begin() != "..";
  return inside ? (mounted.point / below).lexically_normal() : mounted.point;
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool has_word(const std::string& text, std::string_view word) {
  std::istringstream words(text);
  for (std::string each; words >> each;) {
    if (each == word) {
      return true;
    }
  }
  return false;
}

std::optional<Controller> find_controller(const std::string& name) {
  for (const auto& mounted : mounted_hierarchies()) {
    if (mounted.version == 1 && std::ranges::find(mounted.options, name) != mounted.options.end()) {
      return Controller{group_folder(mounted, own_path(name)), 1};
    }
    if (mounted.version == 2) {
      const fs::path folder = group_folder(mounted, own_path(""));
      if (has_word(read_text(folder / "cgroup.controllers"), name)) {
        return Controller{folder, 2};
      }
    }
  }
  return std::nullopt;
}

// Empty when it worked, else the kernel's word.
std::string write_text(const fs::path& path, const std::string& text) {
  const base::Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return fmt::format("{}: {}", path.string(), std::strerror(errno));
  }
  return {};
}

// A group that has processes of its own cannot hand controllers down (cgroup-v2, No Internal Process Constraint): they
// move to a group beside the jobs'.
std::string delegate(const fs::path& folder, const std::string& controller) {
  const fs::path control = folder / "cgroup.subtree_control";
  if (has_word(read_text(control), controller) || write_text(control, "+" + controller).empty()) {
    return {};
  }
  std::error_code error;
  fs::create_directory(folder / "airlock-agent", error);
  std::istringstream processes(read_text(folder / "cgroup.procs"));
  for (std::string pid; processes >> pid;) {
    write_text(folder / "airlock-agent" / "cgroup.procs", pid);
  }
  return write_text(control, "+" + controller);
}

std::string set_limit(const std::string& name, const Controller& controller, const fs::path& group,
                      const ResourceLimits& limits) {
  const bool v2 = controller.version == 2;
  if (name == "memory") {
    const auto text = std::to_string(limits.memory_bytes);
    auto failed = write_text(group / (v2 ? "memory.max" : "memory.limit_in_bytes"), text);
    // Swap would only make the same limit slower; a host without it has no such file.
    write_text(group / (v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes"), v2 ? "0" : text);
    return failed;
  }
  if (name == "pids") {
    return write_text(group / "pids.max", std::to_string(limits.processes));
  }
  const auto quota = limits.cpu_millis * k_period / 1000;
  if (v2) {
    return write_text(group / "cpu.max", fmt::format("{} {}", quota, k_period));
  }
  auto failed = write_text(group / "cpu.cfs_period_us", std::to_string(k_period));
  return failed.empty() ? write_text(group / "cpu.cfs_quota_us", std::to_string(quota)) : failed;
}

std::uint64_t wanted(const std::string& name, const ResourceLimits& limits) {
  return name == "cpu" ? limits.cpu_millis : name == "memory" ? limits.memory_bytes : limits.processes;
}

void end_group(const fs::path& group) {
  std::error_code error;
  for (int round = 0; round < k_kill_rounds && fs::exists(group, error); ++round) {
    for (const pid_t pid : processes_of_group(read_text(group / "cgroup.procs"))) {
      kill(pid, SIGKILL);
    }
    if (rmdir(group.c_str()) == 0) {
      return;
    }
    std::this_thread::sleep_for(k_between_rounds);
  }
}

// "oom_kill 3" in a file of such lines, or the whole file where `key` is empty.
std::uint64_t counter(const fs::path& path, const std::string& key) {
  std::istringstream lines(read_text(path));
  std::string name;
  for (std::uint64_t value = 0; lines >> name >> value;) {
    if (name == key) {
      return value;
    }
  }
  return 0;
}

}  // namespace

Cgroup::Cgroup(const std::string& name, const ResourceLimits& limits) {
  for (const auto* const limit : k_limits) {
    if (wanted(limit, limits) != 0) {
      set_up(limit, name, limits);
    }
  }
}

void Cgroup::set_up(const std::string& limit, const std::string& name, const ResourceLimits& limits) {
  const auto controller = find_controller(limit);
  if (!controller) {
    m_missing.push_back({limit, "no control group file system offers it"});
    return;
  }
  std::string failed = controller->version == 2 ? delegate(controller->folder, limit) : std::string();
  const fs::path group = controller->folder / name;
  if (failed.empty() && mkdir(group.c_str(), 0755) != 0 && errno != EEXIST) {
    failed = fmt::format("{}: {}", group.string(), std::strerror(errno));
  }
  if (failed.empty()) {
    if (std::ranges::find(m_groups, group) == m_groups.end()) {
      m_groups.push_back(group);
    }
    failed = set_limit(limit, *controller, group, limits);
  }
  if (failed.empty()) {
    m_held.push_back(limit);
  } else {
    m_missing.push_back({limit, failed});
  }
}

Cgroup::~Cgroup() {
  for (const auto& group : m_groups) {
    end_group(group);
  }
}

bool Cgroup::holds(std::string_view limit) const {
  return std::ranges::find(m_held, limit) != m_held.end();
}

void Cgroup::add(pid_t process) const {
  for (const auto& group : m_groups) {
    if (const auto failed = write_text(group / "cgroup.procs", std::to_string(process)); !failed.empty()) {
      throw base::Error(base::ErrorCode::io, "cannot put the job into its control group: " + failed);
    }
  }
}

std::uint64_t Cgroup::memory_kills() const {
  std::uint64_t count = 0;
  for (const auto& group : m_groups) {
    count += counter(group / "memory.events", "oom_kill") + counter(group / "memory.oom_control", "oom_kill");
  }
  return count;
}

std::uint64_t Cgroup::process_denials() const {
  std::uint64_t count = 0;
  for (const auto& group : m_groups) {
    count += counter(group / "pids.events", "max");
  }
  return count;
}

std::vector<pid_t> processes_of_group(const std::string& text) {
  std::vector<pid_t> found;
  std::istringstream lines(text);
  for (pid_t pid = 0; lines >> pid;) {
    if (pid > 0) {
      found.push_back(pid);
    }
  }
  return found;
}

void remove_stale_cgroups(const std::string& prefix) {
  for (const auto* const limit : k_limits) {
    const auto controller = find_controller(limit);
    std::error_code error;
    for (const auto& each : controller ? fs::directory_iterator(controller->folder, error) : fs::directory_iterator()) {
      if (each.path().filename().string().starts_with(prefix) && each.is_directory(error)) {
        end_group(each.path());
      }
    }
  }
}

}  // namespace airlock::agent
