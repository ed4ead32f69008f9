#include <sys/stat.h>

#include <fmt/format.h>

#include "agent/cell.hpp"
#include "agent/runner.hpp"
#include "base/digest.hpp"
#include "base/files.hpp"

namespace airlock::agent {

namespace {

class ProcessRunner : public Runner {
 public:
  explicit ProcessRunner(const RunnerRequest& request)
      : m_cgroup(job_group_name(request.config, request.name), request.limits),
        m_cell(CellProgram::own(), spec_of(request), &m_cgroup),
        m_gateway(m_cell.take_network(), m_cell.take_proc(), request.reach, request.on_refused) {}

  int run(const JobCommand& command, const std::function<void(std::string_view)>& output) override {
    return m_cell.run({++m_last, command.argv, command.environment, command.directory}, output);
  }
  void signal(int number) override { m_cell.signal(number); }
  void kill() override { m_cell.kill(); }

  std::vector<std::string> remarks() const override {
    std::vector<std::string> said;
    for (const auto& missing : m_cgroup.missing()) {
      said.push_back(fmt::format("the limit of {} is held less strictly: {}", missing.limit, missing.why));
    }
    if (const auto kills = m_cgroup.memory_kills(); kills != 0) {
      said.push_back(fmt::format("the limit of memory was reached; the kernel ended {} processes of the job", kills));
    }
    if (m_cgroup.process_denials() != 0) {
      said.emplace_back("the limit of processes was reached; the kernel denied the job more");
    }
    return said;
  }

 private:
  CellSpec spec_of(const RunnerRequest& request) const {
    CellSpec spec = sandbox_spec(request.config.host_paths, request.config.user);
    spec.root = request.directory.root();
    const auto job = request.directory.job();
    spec.binds.push_back({job, k_job_folder, BindAccess::read_write});
    // Not in memory: what a job leaves in /tmp counts as what it leaves in its folder.
    for (const auto* const folder : {"tmp", "var-tmp"}) {
      request.directory.make_folder(folder);
      spec.binds.push_back(
          {job / folder, folder == std::string_view("tmp") ? "/tmp" : "/var/tmp", BindAccess::read_write});
    }
    for (const auto& path : request.config.writable_paths) {
      spec.binds.push_back({path, path, BindAccess::read_write});
    }
    if (const auto tools = request.config.directory / "tools"; !request.config.tools.empty()) {
      base::make_directories(tools);  // a trial job comes before the first that needs them
      spec.binds.push_back({tools, k_tools_folder, BindAccess::read_only});
    }
    spec.loopback = request.reach->loopback();
    if (!m_cgroup.holds("pids")) {
      spec.processes = request.limits.processes;
    }
    if (!m_cgroup.holds("memory")) {
      spec.memory = request.limits.memory_bytes;
    }
    return spec;
  }

  Cgroup m_cgroup;
  Cell m_cell;
  Gateway m_gateway;
  std::uint64_t m_last = 0;
};

// Tells agents of one host apart.
std::string mark_of(const AgentConfig& config) {
  return base::sha256(config.directory.string()).hex().substr(0, 12);
}

}  // namespace

std::string job_group_name(const AgentConfig& config, std::string_view name) {
  return fmt::format("airlock-job-{}-{}", mark_of(config), name);
}

std::filesystem::path job_folders(const AgentConfig& config) {
  return config.jobs / ("airlock-" + mark_of(config));
}

std::unique_ptr<Runner> make_process_runner(const RunnerRequest& request) {
  return std::make_unique<ProcessRunner>(request);
}

}  // namespace airlock::agent
