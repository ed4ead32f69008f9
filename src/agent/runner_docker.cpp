#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>

#include <fmt/format.h>

#include "agent/cell.hpp"
#include "agent/docker_api.hpp"
#include "agent/runner.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"

namespace airlock::agent {

namespace {

using base::Error;
using base::ErrorCode;
using base::Fd;
using base::Json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds k_last_words = DockerPatience().last_words;
constexpr const char* k_label = "airlock.agent";  // with the agent's directory, so that two agents keep apart
constexpr int k_killed = 128 + SIGKILL;
constexpr int k_not_started = 126;

// Waits to be ended, and does nothing else: each command comes as an exec, after the network was put in place.
const char* const k_wait = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done";

// A container that is removed whatever happens.
class Container {
 public:
  Container(DockerApi& docker, const std::string& name, const Json& description)
      : m_docker(docker), m_id(docker.create_container(name, description)) {}
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;
  ~Container() {
    try {
      m_docker.remove(m_id);
    } catch (const Error&) {
      // The daemon is away; the next agent removes it by its label.
    }
  }
  const std::string& id() const { return m_id; }

 private:
  DockerApi& m_docker;
  std::string m_id;
};

std::string ensure_image(DockerApi& docker, const RunnerRequest& request) {
  if (request.image.empty()) {
    throw Error(ErrorCode::config, "neither the deployment nor the agent names an image")
        .with_hint("give the deployment one, or set 'docker_image' in the agent's configuration");
  }
  const auto reference = image_on_mirror(request.image, request.config.mirror);
  // By digest, what is here is what is meant; a tag may have moved.
  const bool by_digest = reference.find('@') != std::string::npos;
  const bool here = docker.image(reference).has_value();
  if (!here || !by_digest) {
    if (request.config.docker_pull) {
      request.say(fmt::format("pulling {}", reference));
      docker.pull(reference, request.image_user, request.image_password, request.say, request.stopped);
    } else if (!here) {
      throw Error(ErrorCode::not_found,
                  fmt::format("the image {} is not here, and the agent is told not to pull", reference))
          .with_hint("see 'pull_image' in the agent's configuration");
    }
  }
  return reference;
}

class DockerRunner : public Runner {
 public:
  explicit DockerRunner(const RunnerRequest& request)
      : m_docker(request.config.docker_socket),
        m_user(fmt::format("{}:{}", request.config.user.uid, request.config.user.gid)) {
    const auto reference = ensure_image(m_docker, request);
    const auto image = m_docker.image(reference);
    if (!image) {
      throw Error(ErrorCode::not_found, fmt::format("the image {} is not here after it was pulled", reference));
    }
    m_environment = environment_of_image(*image);
    const auto id = base::string_member(*image, "Id", "an image of Docker");
    request.say(fmt::format("image {} ({})", reference, id));
    m_container =
        std::make_unique<Container>(m_docker, job_group_name(request.config, request.name), description(request, id));
    m_docker.start(m_container->id());
    const pid_t pid = pid_of_container(m_docker.container(m_container->id()));
    if (pid == 0) {
      throw Error(ErrorCode::unsupported, fmt::format("the image {} cannot run /bin/sh, which a job needs", reference));
    }
    join(request, pid);
  }

  int run(const JobCommand& command, const std::function<void(std::string_view)>& output) override {
    std::vector<std::string> environment;
    for (const auto& [name, value] : command.environment) {
      environment.push_back(name + "=" + value);
    }
    if (m_killed) {
      return k_killed;
    }
    const auto exec = m_docker.create_exec(m_container->id(), {{"AttachStdout", true},
                                                               {"AttachStderr", true},
                                                               {"Cmd", command.argv},
                                                               {"Env", environment},
                                                               {"WorkingDir", command.directory},
                                                               {"User", m_user}});
    const Running running(*this, exec);
    try {
      if (!m_docker.run_exec(exec, output, [this] { return has_said_its_last(); })) {
        output("airlock: the command has ended, and something still holds its output open; it is not waited for\n");
      }
    } catch (const Error& error) {
      if (m_killed) {
        return k_killed;
      }
      output(fmt::format("airlock: {}\n", error.message()));
      return k_not_started;
    }
    try {
      const auto code = m_docker.exit_code(exec, [this] { return m_killed.load(); });
      return m_killed ? k_killed : code.value_or(k_killed);
    } catch (const Error&) {
      if (m_killed) {
        return k_killed;  // and Docker knows it no more
      }
      throw;
    }
  }

  void signal(int number) override {
    const auto exec = running();
    if (exec.empty()) {
      return;
    }
    try {
      const auto state = m_docker.exec(exec);
      const auto pid = pid_of_exec(state);
      // Of one that has ended the number may be another's by now.
      if (pid > 0 && is_running(state)) {
        // Its whole group where it leads one, as a terminal would do.
        ::kill(getpgid(pid) == pid ? -pid : pid, number);
      }
    } catch (const std::exception&) {
      return;  // it has ended meanwhile
    }
  }

  void kill() override {
    {
      const std::lock_guard lock(m_mutex);
      m_killed_at = Clock::now();
    }
    m_killed = true;
    try {
      m_docker.kill(m_container->id());
    } catch (const Error&) {
      return;  // the end of this object removes it
    }
  }

  void add_environment(std::map<std::string, std::string>& variables) const override {
    for (const auto& [name, value] : m_environment) {
      if (name == "PATH") {
        variables[name] = fmt::format("{}/bin:{}", k_tools_folder, value);
      } else {
        variables.emplace(name, value);
      }
    }
  }

  std::vector<std::string> remarks() const override {
    try {
      if (is_out_of_memory(m_docker.container(m_container->id()))) {
        return {"the limit of memory was reached; the kernel ended processes of the job"};
      }
    } catch (const std::exception&) {
      return {};
    }
    return {};
  }

 private:
  class Running {  // what signals go to
   public:
    Running(DockerRunner& runner, const std::string& exec) : m_runner(runner) { m_runner.set_running(exec); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() { m_runner.set_running(""); }

   private:
    DockerRunner& m_runner;
  };

  Json description(const RunnerRequest& request, const std::string& image) const {
    const auto& config = request.config;
    const auto write = [&](const char* name, const std::string& text) {
      const auto path = request.directory.path() / name;
      base::write_file_atomic(path, text, 0644);
      return path.string();
    };
    request.directory.make_folder("tmp");
    std::vector<std::string> binds = {
        fmt::format("{}:{}", request.directory.job().string(), k_job_folder),
        fmt::format("{}:/tmp", (request.directory.job() / "tmp").string()),
        fmt::format("{}:/etc/resolv.conf:ro", write("resolv.conf", resolv_conf())),
        fmt::format("{}:/etc/hosts:ro", write("hosts", hosts_file())),
    };
    for (const auto& path : config.writable_paths) {
      binds.push_back(fmt::format("{0}:{0}", path.string()));
    }
    if (!config.tools.empty()) {
      base::make_directories(config.directory / "tools");  // Docker would make it, as root's alone
      binds.push_back(fmt::format("{}:{}:ro", (config.directory / "tools").string(), k_tools_folder));
    }
    const auto signed_number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
    return {{"Image", image},
            {"Entrypoint", {"/bin/sh", "-c", k_wait}},
            {"Cmd", Json::array()},
            {"User", m_user},
            {"WorkingDir", k_job_folder},
            {"Hostname", "airlock-job"},
            {"Labels", {{k_label, config.directory.string()}}},
            {"HostConfig",
             {{"NetworkMode", "none"},
              {"Binds", binds},
              {"NanoCpus", signed_number(request.limits.cpu_millis) * 1'000'000},
              {"Memory", signed_number(request.limits.memory_bytes)},
              {"MemorySwap", signed_number(request.limits.memory_bytes)},
              {"PidsLimit", signed_number(request.limits.processes)},
              {"CapDrop", {"ALL"}},
              {"SecurityOpt", {"no-new-privileges"}},
              {"IpcMode", "private"},
              {"LogConfig", {{"Type", "none"}}}}}};
  }

  void join(const RunnerRequest& request, pid_t pid) {
    CellSpec spec;
    spec.mode = CellSpec::Mode::join;
    spec.join = pid;
    spec.loopback = request.reach->loopback();
    Cell network(CellProgram::own(), spec, nullptr);
    Fd proc(open(fmt::format("/proc/{}/root/proc", pid).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    m_gateway = std::make_unique<Gateway>(network.take_network(), std::move(proc), request.reach, request.on_refused);
  }

  // What was killed may still have something to say; a daemon that stands still says nothing, and is not waited for.
  bool has_said_its_last() const {
    const std::lock_guard lock(m_mutex);
    return m_killed_at && Clock::now() - *m_killed_at > k_last_words;
  }

  void set_running(const std::string& exec) {
    const std::lock_guard lock(m_mutex);
    m_running = exec;
  }
  std::string running() const {
    const std::lock_guard lock(m_mutex);
    return m_running;
  }

  mutable DockerApi m_docker;
  std::string m_user;
  std::map<std::string, std::string> m_environment;  // of the image
  std::unique_ptr<Container> m_container;
  std::unique_ptr<Gateway> m_gateway;
  mutable std::mutex m_mutex;
  std::string m_running;
  std::optional<Clock::time_point> m_killed_at;
  std::atomic<bool> m_killed = false;
};

}  // namespace

void require_docker(const AgentConfig& config) {
  if (geteuid() != 0) {
    throw Error(ErrorCode::unsupported, "the docker runner needs an agent that is root")
        .with_hint("only root can put the network that the agent holds into a container; or use the process runner");
  }
  const DockerApi answers(config.docker_socket);
}

std::unique_ptr<Runner> make_docker_runner(const RunnerRequest& request) {
  require_docker(request.config);
  return std::make_unique<DockerRunner>(request);
}

void remove_stale_containers(const AgentConfig& config) {
  require_docker(config);
  DockerApi docker(config.docker_socket);
  for (const auto& id : docker.containers_with(fmt::format("{}={}", k_label, config.directory.string()))) {
    docker.remove(id);
  }
}

}  // namespace airlock::agent
