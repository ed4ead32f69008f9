#include "agent/agent_config.hpp"

#include <filesystem>

#include "base/files.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::agent {
namespace {

AgentConfig load(const base::TempDir& folder, const char* name, const std::string& text,
                 std::map<std::string, std::string> environment = {}) {
  base::write_file_atomic(folder.path() / name, text, 0600);
  AgentConfigSources sources;
  sources.directory = folder.path();
  sources.file = folder.path() / name;
  sources.environment = std::move(environment);
  return load_agent_config(sources);
}

TEST_CASE("the agent's own file", "[agent][config]") {
  base::TempDir folder;
  base::write_file_atomic(folder.path() / "token", "apt_1\n", 0600);
  const auto config = load(folder, "airlock-agent.yaml",
                           "url: https://a.site.example:8480\n"
                           "token_file: " +
                               (folder.path() / "token").string() +
                               "\n"
                               "runners: [process, docker]\n"
                               "networks: [db.site.example:5432, 10.0.0.0/8]\n"
                               "cpus: 0.5\nmemory: 1GiB\ntimeout: 10m\n");
  CHECK(config.url.to_string() == "https://a.site.example:8480/");
  CHECK(config.mirror == config.url);
  CHECK(config.token.reveal() == "apt_1");
  CHECK(config.runners.size() == 2);
  CHECK(config.networks.at(1).to_string() == "10.0.0.0/8");
  CHECK(config.limits.cpu_millis == 500);
  CHECK(config.limits.memory_bytes == std::uint64_t{1} << 30);
  CHECK(config.timeout == std::chrono::minutes(10));
}

TEST_CASE("mistakes in the own file are named with their place", "[agent][config]") {
  base::TempDir folder;
  const auto [text, said] = GENERATE(table<std::string, std::string>({
      {"token: t\nurl: http://a\nnetwork: [a]\n", "'network' is not a setting"},
      {"token: t\nurl: http://a\nnetworks: ['a b']\n", "airlock-agent.yaml:3"},
      {"token: t\nurl: http://a\njob_user: 0\n", "never as root"},
      {"token: t\nurl: http://a\nhost_paths: [usr]\n", "not an absolute path"},
      {"token: t\n", "does not know the address"},
      {"url: http://a\n", "has no token"},
  }));
  INFO(text);
  try {
    load(folder, "airlock-agent.yaml", text);
    FAIL("it was taken");
  } catch (const base::Error& error) {
    INFO(error.message());
    CHECK(error.message().find(said) != std::string::npos);
  }
}

TEST_CASE("a token that others can read is refused", "[agent][config]") {
  base::TempDir folder;
  base::write_file_atomic(folder.path() / "token", "apt_1\n", 0644);
  CHECK_THROWS(
      load(folder, "airlock-agent.yaml", "url: http://a\ntoken_file: " + (folder.path() / "token").string() + "\n"));
}

TEST_CASE("variables hold lists with spaces between", "[agent][config]") {
  base::TempDir folder;
  const std::string one(64, 'a');
  const std::string two(64, 'B');
  const auto config = load(folder, "airlock-agent.yaml", "url: http://a\ntoken: a\n",
                           {{"AIRLOCK_AGENT_TOOLS", "/tools/x/1/x " + one + "  /tools/y/2/y " + two},
                            {"AIRLOCK_AGENT_HOST_PATHS", "/opt/a /opt/b"},
                            {"AIRLOCK_AGENT_NAME", "a b"}});
  REQUIRE(config.tools.size() == 2);
  CHECK(config.tools[0].path == "/tools/x/1/x");
  CHECK(config.tools[1].sha256 == std::string(64, 'b'));
  CHECK(config.host_paths.size() == 2);
  CHECK(config.name == "a b");
  CHECK_THROWS(load(folder, "airlock-agent.yaml", "url: http://a\ntoken: a\n",
                    {{"AIRLOCK_AGENT_TOOLS", "/tools/x/1/x " + one + " /tools/y/2/y"}}));
}

TEST_CASE("the file of Pulumi's agent is taken as it is", "[agent][config]") {
  base::TempDir folder;
  const auto config = load(folder, "pulumi-deployment-agent.yaml",
                           "token: pul-123\nversion: v0.0.5\nservice_url: https://api.site.example/\n"
                           "env_forward_allowlist: [AWS_PROFILE, VAULT_TOKEN]\npolling_interval: 30s\n"
                           "shared_volume_directory: /srv/jobs\nsomething_new: 1\n",
                           {{"PULUMI_AGENT_SINGLE_RUN", "true"},
                            {"PULUMI_AGENT_ENV_FORWARD_ALLOWLIST", "A B"},
                            {"AIRLOCK_AGENT_NOPE", "1"}});
  CHECK(config.token.reveal() == "pul-123");
  CHECK(config.url.to_string() == "https://api.site.example/");
  CHECK(config.env_forward_allowlist == std::vector<std::string>{"A", "B"});
  CHECK(config.jobs == "/srv/jobs");
  CHECK(config.once);
  CHECK(config.warnings.size() == 3);
  CHECK_THROWS(
      load(folder, "pulumi-deployment-agent.yaml", "token: a\nservice_url: http://a\ndeploy_target: kubernetes\n"));
}

}  // namespace
}  // namespace airlock::agent
