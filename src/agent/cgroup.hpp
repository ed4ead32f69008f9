// What one job may use of the host, held by control groups of version 2, or of version 1 where that is what the host
// has.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace airlock::agent {

struct ResourceLimits {          // 0: no limit
  std::uint64_t cpu_millis = 0;  // thousandths of a CPU
  std::uint64_t memory_bytes = 0;
  std::uint64_t processes = 0;  // and threads
};

class Cgroup {
 public:
  // Makes a group below the agent's own, for each limit that the host lets us hold; `missing` says which could not be
  // held, and why. Never throws for that.
  Cgroup(const std::string& name, const ResourceLimits& limits);
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  ~Cgroup();  // kills what is left in it, and removes it

  struct Missing {
    std::string limit;  // "memory"
    std::string why;
  };
  const std::vector<Missing>& missing() const { return m_missing; }
  bool holds(std::string_view limit) const;  // "cpu", "memory", "pids"
  void add(pid_t process) const;             // throws io
  // How often the kernel ended a process for want of memory, and how often it denied one more.
  std::uint64_t memory_kills() const;
  std::uint64_t process_denials() const;

 private:
  void set_up(const std::string& limit, const std::string& name, const ResourceLimits& limits);

  std::vector<std::filesystem::path> m_groups;
  std::vector<std::string> m_held;
  std::vector<Missing> m_missing;
};

// The processes that a file cgroup.procs names. Without the 0 that stands there for one of an outer process namespace:
// to kill() it means the caller's own group.
std::vector<pid_t> processes_of_group(const std::string& text);
// Groups that a killed agent left behind.
void remove_stale_cgroups(const std::string& prefix);

}  // namespace airlock::agent
