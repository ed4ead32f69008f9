// A cell with a gateway, for tests: what `airlock agent run` builds around each job, without the job.
#pragma once

#include <unistd.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/cell.hpp"
#include "agent/gateway.hpp"
#include "agent/reach.hpp"
#include "agent/sandbox_view.hpp"
#include "base/files.hpp"

namespace airlock::test {

class TestCell {
 public:
  explicit TestCell(const std::vector<std::string>& rules = {}, const agent::ResourceLimits& limits = {}) {
    std::vector<control::NetworkRule> parsed;
    for (const auto& rule : rules) {
      parsed.push_back(control::NetworkRule::parse(rule));
    }
    m_reach = std::make_shared<agent::Reach>(parsed);
    m_cgroup = std::make_unique<agent::Cgroup>("airlock-test-" + std::to_string(getpid()), limits);
    const auto job = m_folder.path() / "job";
    base::make_directories(job);
    base::make_directories(m_folder.path() / "root");
    agent::JobUser user{getuid() == 0 ? uid_t{64123} : getuid(), getgid() == 0 ? gid_t{64123} : getgid()};
    if (getuid() == 0 && chown(job.c_str(), user.uid, user.gid) != 0) {
      std::abort();
    }
    agent::CellSpec spec = agent::sandbox_spec({}, user);
    spec.root = m_folder.path() / "root";
    spec.binds.push_back({job, agent::k_job_folder, agent::BindAccess::read_write});
    spec.loopback = m_reach->loopback();
    m_cell =
        std::make_unique<agent::Cell>(agent::CellProgram{{AIRLOCK_PROGRAM, "agent", "cell"}}, spec, m_cgroup.get());
    m_gateway = std::make_unique<agent::Gateway>(m_cell->take_network(), m_cell->take_proc(), m_reach,
                                                 [this](const agent::Refusal& refusal) {
                                                   const std::lock_guard lock(m_mutex);
                                                   m_refused.push_back(refusal);
                                                 });
  }

  struct Outcome {
    int exit_code = 0;
    std::string output;
  };
  Outcome run(std::vector<std::string> argv) {
    Outcome outcome;
    agent::CellCommand command{++m_last,
                               std::move(argv),
                               {{"PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}, {"HOME", "/job"}},
                               "/job"};
    outcome.exit_code = m_cell->run(command, [&](std::string_view text) { outcome.output += text; });
    return outcome;
  }
  Outcome shell(const std::string& script) { return run({"sh", "-c", script}); }

  std::vector<agent::Refusal> refused() {
    const std::lock_guard lock(m_mutex);
    return m_refused;
  }
  bool was_refused(std::string_view protocol, std::string_view target, std::uint16_t port) {
    for (const auto& each : refused()) {
      if (each.protocol == protocol && each.target == target && each.port == port) {
        return true;
      }
    }
    return false;
  }
  agent::Cell& cell() { return *m_cell; }
  agent::Cgroup& cgroup() { return *m_cgroup; }

 private:
  base::TempDir m_folder;
  std::shared_ptr<agent::Reach> m_reach;
  std::unique_ptr<agent::Cgroup> m_cgroup;
  std::mutex m_mutex;
  std::vector<agent::Refusal> m_refused;
  std::unique_ptr<agent::Cell> m_cell;
  std::unique_ptr<agent::Gateway> m_gateway;
  std::uint64_t m_last = 0;
};

}  // namespace airlock::test
