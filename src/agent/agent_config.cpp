#include "agent/agent_config.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include <fmt/format.h>

#include "agent/agent_values.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "base/yaml.hpp"

namespace airlock::agent {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::YamlNode;

constexpr std::string_view k_own_file = "airlock-agent.yaml";
constexpr std::array k_foreign_files = {"pulumi-deployment-agent.yaml", "pulumi-workflow-agent.yaml"};
constexpr std::string_view k_own_prefix = "AIRLOCK_AGENT_";
constexpr std::string_view k_foreign_prefix = "PULUMI_AGENT_";

class Loader {
 public:
  explicit Loader(AgentConfig& config) : m_config(config) {}

  // False for what is not known.
  bool set(const std::string& key, const Given& given);
  static bool is_list(const std::string& key) { return list_setters().contains(key); }
  static std::vector<std::string> keys();

 private:
  using Setter = void (*)(AgentConfig&, const Given&);
  using Setters = std::map<std::string, Setter, std::less<>>;
  static const Setters& setters();
  static const Setters& list_setters();

  AgentConfig& m_config;
};

void set_target(AgentConfig& config, const Given& given) {
  if (given.one() != "docker") {
    given.fail(fmt::format("'{}' is not a place where this agent can run jobs; it has docker, and `runners: [process]`",
                           base::printable(given.one(), 40)));
  }
  config.runners = {control::RunnerKind::docker};
}

void set_runners(AgentConfig& config, const Given& given) {
  config.runners.clear();
  for (const auto& value : given.values) {
    const auto runner = control::find_runner(value);
    if (!runner) {
      given.fail("a runner is 'process' or 'docker'");
    }
    config.runners.push_back(*runner);
  }
  if (config.runners.empty()) {
    given.fail("at least one runner is needed");
  }
}

void set_user(AgentConfig& config, const Given& given) {
  const auto number = to_number(given);
  if (number == 0 || number > 0x7fffffff) {
    given.fail("jobs run as a user of their own, never as root");
  }
  config.user = {static_cast<uid_t>(number), static_cast<gid_t>(number)};
}

// Settings of Pulumi's agent that mean nothing here. Each is named with what takes its place.
const std::map<std::string, std::string, std::less<>>& without_effect() {
  static const std::map<std::string, std::string, std::less<>> table = {
      {"version", ""},
      {"working_directory", "no other programs are needed"},
      {"polling_interval", "work is taken as soon as it is there"},
      {"polling_interval_override", "work is taken as soon as it is there"},
      {"job_status_loop_interval", "the lease says when a job was cancelled"},
      {"request_timeout", "the agent tries again until it is told to stop"},
      {"request_retry_count", "the agent tries again until it is told to stop"},
      {"request_retry_wait", "the agent tries again until it is told to stop"},
      {"request_retry_max_wait", "the agent tries again until it is told to stop"},
      {"circuit_breaker_failures", "the agent tries again until it is told to stop"},
      {"circuit_breaker_timeout", "the agent tries again until it is told to stop"},
      {"enabled_workflow_types", "only deployments are taken"},
      {"health_threshold", "there is no health server"},
      {"http_server_port", "there is no health server"},
      {"syslog", "the service manager keeps what is written to stderr"},
  };
  return table;
}

const Loader::Setters& Loader::list_setters() {
  static const Setters table = {
      {"runners", set_runners},
      {"env_forward_allowlist", [](AgentConfig& c, const Given& g) { c.env_forward_allowlist = g.values; }},
      {"networks",
       [](AgentConfig& c, const Given& g) {
         c.networks.clear();
         for (const auto& value : g.values) {
           c.networks.push_back(control::NetworkRule::parse(value));
         }
       }},
      {"host_paths", [](AgentConfig& c, const Given& g) { c.host_paths = to_paths(g); }},
      {"writable_paths", [](AgentConfig& c, const Given& g) { c.writable_paths = to_paths(g); }},
      {"tools", [](AgentConfig& c, const Given& g) { c.tools = to_tools(g); }},
  };
  return table;
}

const Loader::Setters& Loader::setters() {
  static const Setters table = {
      {"url", [](AgentConfig& c, const Given& g) { c.url = to_url(g); }},
      {"service_url", [](AgentConfig& c, const Given& g) { c.url = to_url(g); }},
      {"mirror", [](AgentConfig& c, const Given& g) { c.mirror = to_url(g); }},
      {"ca_file", [](AgentConfig& c, const Given& g) { c.ca_file = to_path(g); }},
      {"name", [](AgentConfig& c, const Given& g) { c.name = base::printable(g.one(), 200); }},
      {"directory", [](AgentConfig& c, const Given& g) { c.directory = to_path(g); }},
      {"jobs", [](AgentConfig& c, const Given& g) { c.jobs = to_path(g); }},
      {"shared_volume_directory", [](AgentConfig& c, const Given& g) { c.jobs = to_path(g); }},
      {"deploy_target", set_target},
      {"docker_socket", [](AgentConfig& c, const Given& g) { c.docker_socket = to_path(g); }},
      {"docker_image", [](AgentConfig& c, const Given& g) { c.docker_image = g.one(); }},
      {"pull_image", [](AgentConfig& c, const Given& g) { c.docker_pull = to_bool(g); }},
      {"cpus", [](AgentConfig& c, const Given& g) { c.limits.cpu_millis = to_cpus(g); }},
      {"memory", [](AgentConfig& c, const Given& g) { c.limits.memory_bytes = to_bytes(g); }},
      {"processes", [](AgentConfig& c, const Given& g) { c.limits.processes = to_number(g); }},
      {"timeout", [](AgentConfig& c, const Given& g) { c.timeout = to_duration(g); }},
      {"grace", [](AgentConfig& c, const Given& g) { c.grace = to_duration(g); }},
      {"log_limit", [](AgentConfig& c, const Given& g) { c.log_limit = to_bytes(g); }},
      {"free_space", [](AgentConfig& c, const Given& g) { c.free_space = to_bytes(g); }},
      {"job_user", set_user},
      {"single_run", [](AgentConfig& c, const Given& g) { c.once = to_bool(g); }},
      {"token_file",
       [](AgentConfig& c, const Given& g) {
         c.token = read_token(g);
         c.token_origin = g.one();
       }},
      {"token",
       [](AgentConfig& c, const Given& g) {
         c.token = base::Secret(g.one());
         c.token_origin = g.where;
       }},
  };
  return table;
}

bool Loader::set(const std::string& key, const Given& given) {
  if (const auto found = without_effect().find(key); found != without_effect().end()) {
    if (!found->second.empty()) {
      m_config.warnings.push_back(fmt::format("{}: '{}' has no effect here: {}", given.where, key, found->second));
    }
    return true;
  }
  const Setters& all = is_list(key) ? list_setters() : setters();
  const auto found = all.find(key);
  if (found == all.end()) {
    return false;
  }
  try {
    found->second(m_config, given);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::malformed) {
      given.fail(error.message());
    }
    throw;
  }
  return true;
}

std::vector<std::string> Loader::keys() {
  std::vector<std::string> names;
  for (const Setters& all : {std::cref(setters()), std::cref(list_setters())}) {
    for (const auto& [name, setter] : all) {
      names.push_back(name);
    }
  }
  return names;
}

void load_file(AgentConfig& config, const fs::path& file) {
  const bool own = file.filename() == k_own_file;
  const YamlNode root = base::read_yaml_file(file);
  if (root.is_null()) {
    return;
  }
  if (!root.is_mapping()) {
    throw Error(ErrorCode::config, fmt::format("{} is not a list of settings", file.string()));
  }
  Loader loader(config);
  for (const auto& [key, value] : root.members()) {
    const std::string where = fmt::format("{} ({})", key.scalar(), value.position().to_string());
    if (key.scalar() == "token") {
      struct stat info = {};
      if (stat(file.c_str(), &info) == 0 && (info.st_mode & 0077) != 0) {
        throw Error(ErrorCode::config, fmt::format("others on this host can read the token in {}", file.string()))
            .with_hint(fmt::format("chmod 600 {}, or keep the token in a file of its own (token_file)", file.string()));
      }
    }
    if (loader.set(key.scalar(), {value.as_strings(key.scalar()), where})) {
      continue;
    }
    const auto name = base::printable(key.scalar(), 60);
    if (!own) {
      config.warnings.push_back(fmt::format("{}: '{}' is not a setting of this agent", where, name));
      continue;
    }
    auto error = Error(ErrorCode::config, fmt::format("{}: '{}' is not a setting of the agent", where, name));
    if (const auto near = base::nearest(key.scalar(), Loader::keys())) {
      error.with_hint(fmt::format("did you mean '{}'?", *near));
    }
    throw error;
  }
}

void load_environment(AgentConfig& config, const std::map<std::string, std::string>& environment,
                      std::string_view prefix) {
  Loader loader(config);
  for (const auto& [name, value] : environment) {
    if (!name.starts_with(prefix)) {
      continue;
    }
    const std::string key = base::to_lower(name.substr(prefix.size()));
    if (!loader.set(key, {Loader::is_list(key) ? words_of(value) : std::vector{value}, name})) {
      config.warnings.push_back(fmt::format("the variable {} is not a setting of this agent", name));
    }
  }
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "localhost";
}

}  // namespace

std::optional<fs::path> find_agent_file(const AgentConfigSources& sources) {
  if (sources.file) {
    return sources.file;
  }
  std::error_code error;
  if (fs::exists(sources.directory / k_own_file, error)) {
    return sources.directory / k_own_file;
  }
  std::vector<fs::path> folders = {sources.directory, fs::current_path(error)};
  if (const auto home = sources.environment.find("HOME"); home != sources.environment.end()) {
    folders.emplace_back(home->second);
  }
  folders.emplace_back("/etc");
  for (const auto& folder : folders) {
    for (const auto* const name : k_foreign_files) {
      if (fs::exists(folder / name, error)) {
        return folder / name;
      }
    }
  }
  return std::nullopt;
}

AgentConfig load_agent_config(const AgentConfigSources& sources) {
  AgentConfig config;
  config.directory = sources.directory;
  config.name = host_name();
  if (geteuid() != 0) {
    config.user = {geteuid(), getegid()};
  }
  const auto file = find_agent_file(sources);
  if (file) {
    load_file(config, *file);
  }
  load_environment(config, sources.environment, k_foreign_prefix);
  load_environment(config, sources.environment, k_own_prefix);
  if (sources.token) {
    config.token = *sources.token;
    config.token_origin = "a descriptor";
  }
  if (config.url.host().empty()) {
    throw Error(ErrorCode::config, "the agent does not know the address of its control plane")
        .with_hint(
            fmt::format("`airlock agent configure --url URL --token-file FILE --dir {}`", sources.directory.string()));
  }
  if (config.mirror.host().empty()) {
    config.mirror = config.url;
  }
  if (config.jobs.empty()) {
    config.jobs = config.directory / "jobs";
  }
  if (config.token.empty()) {
    throw Error(ErrorCode::config, "the agent has no token")
        .with_hint("`airlock pool token create POOL` shows one; give it with token_file or --token-fd");
  }
  return config;
}

std::string new_agent_file(const base::Url& url, const fs::path& token_file, const fs::path& ca_file) {
  const auto scalar = [](const std::string& text) { return YamlNode::make_scalar(text); };
  std::vector<std::pair<YamlNode, YamlNode>> members;
  members.emplace_back(scalar("url"), scalar(url.to_string()));
  members.emplace_back(scalar("token_file"), scalar(token_file.string()));
  if (!ca_file.empty()) {
    members.emplace_back(scalar("ca_file"), scalar(ca_file.string()));
  }
  return "# Of `airlock agent run`; docs/operations/agent.md has every setting.\n" +
         YamlNode::make_mapping(std::move(members)).to_yaml();
}

}  // namespace airlock::agent
