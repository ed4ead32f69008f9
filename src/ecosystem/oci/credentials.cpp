#include "ecosystem/oci/credentials.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "ecosystem/oci/reference.hpp"

namespace airlock::ecosystem::oci {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::size_t k_config_limit = 4 * 1024 * 1024;  // bytes
constexpr std::chrono::seconds k_helper_timeout{30};

// Docker Hub's credentials are kept under the address of 2014.
std::string helper_server(const std::string& host) {
  return host == k_docker_hub ? "https://index.docker.io/v1/" : host;
}

}  // namespace

const model::Upstream* find_upstream(const model::Manifest& manifest, const std::string& host) {
  const std::size_t port = host.ends_with(']') ? std::string::npos : host.rfind(':');
  for (const std::string& key : {host, host.substr(0, port)}) {
    if (const auto found = manifest.upstreams.find(key); found != manifest.upstreams.end()) {
      return &found->second;
    }
  }
  return nullptr;
}

CredentialFinder::CredentialFinder(const model::Manifest& manifest, std::map<std::string, std::string> environment,
                                   base::Reporter& reporter)
    : m_manifest(manifest), m_environment(std::move(environment)), m_reporter(reporter) {}

std::string CredentialFinder::variable(const std::string& name) const {
  const auto found = m_environment.find(name);
  return found == m_environment.end() ? "" : found->second;
}

Credentials CredentialFinder::from_upstream(const std::string& host) const {
  Credentials result;
  const model::Upstream* upstream = find_upstream(m_manifest, host);
  if (upstream == nullptr) {
    return result;
  }
  const auto required = [&](const std::string& name) {
    std::string value = variable(name);
    if (value.empty()) {
      throw Error(ErrorCode::config,
                  fmt::format("the environment variable {} is not set; 'upstreams' names it for {}", name, host))
          .at(upstream->position);
    }
    return value;
  };
  if (!upstream->token_env.empty()) {
    result.registry_token = base::Secret(required(upstream->token_env));
  }
  if (!upstream->password_env.empty()) {
    result.password = base::Secret(required(upstream->password_env));
    if (!upstream->username_env.empty()) {
      result.username = required(upstream->username_env);
    }
  }
  return result;
}

void CredentialFinder::read_config_file(const std::string& path) {
  if (const std::optional<std::string> text = base::read_file_if_exists(path, k_config_limit)) {
    m_configs.push_back(DockerConfig::parse(*text, path));
  }
}

void CredentialFinder::read_configs() {
  if (m_read) {
    return;
  }
  const std::string home = variable("HOME");
  if (const std::string inside = variable("DOCKER_AUTH_CONFIG"); !inside.empty()) {
    m_configs.push_back(DockerConfig::parse(inside, "DOCKER_AUTH_CONFIG"));
  }
  if (const std::string file = variable("REGISTRY_AUTH_FILE"); !file.empty()) {
    read_config_file(file);
  } else {
    if (const std::string runtime = variable("XDG_RUNTIME_DIR"); !runtime.empty()) {
      read_config_file(runtime + "/containers/auth.json");
    }
    if (const std::string config = variable("XDG_CONFIG_HOME"); !config.empty()) {
      read_config_file(config + "/containers/auth.json");
    } else if (!home.empty()) {
      read_config_file(home + "/.config/containers/auth.json");
    }
  }
  if (const std::string folder = variable("DOCKER_CONFIG"); !folder.empty()) {
    read_config_file(folder + "/config.json");
  } else if (!home.empty()) {
    read_config_file(home + "/.docker/config.json");
  }
  m_read = true;
}

Credentials CredentialFinder::ask_helper(const std::string& helper, const std::string& server) {
  const std::string key = helper + " " + server;
  if (const auto known = m_helper_answers.find(key); known != m_helper_answers.end()) {
    return known->second;
  }
  const std::string program = "docker-credential-" + helper;
  Credentials result;
  try {
    const base::ProcessResult answer = base::run_process({.argv = {program, "get"},
                                                          .input = server,
                                                          .environment = m_environment,
                                                          .timeout = k_helper_timeout,
                                                          .output_limit = 256 * 1024});
    const std::string said = answer.output + answer.errors;
    if (answer.exit_code == 0) {
      result = parse_helper_answer(answer.output, program);
    } else if (said.find("credentials not found") == std::string::npos) {
      m_reporter.warning(fmt::format("{} gave no credentials for {} (exit code {}): {}", program, server,
                                     answer.exit_code, base::printable(base::trim(answer.errors), 200)));
    }
  } catch (const Error& error) {
    m_reporter.warning(fmt::format("credentials for {} could not be asked of {}: {}; going on without", server, program,
                                   error.message()));
  }
  m_helper_answers.emplace(key, result);
  return result;
}

Credentials CredentialFinder::find(const std::string& host, std::string_view repository) {
  if (Credentials named = from_upstream(host); !named.empty()) {
    return named;
  }
  // Held while a helper runs, so that one prompt of its own (a locked keyring) does not become ten.
  const std::lock_guard lock(m_mutex);
  read_configs();
  const std::vector<std::string> keys = credential_keys(host, repository);
  for (const DockerConfig& config : m_configs) {
    for (const std::string& key : keys) {
      if (const auto helper = config.helpers.find(key); helper != config.helpers.end()) {
        if (Credentials found = ask_helper(helper->second, helper_server(key)); !found.empty()) {
          return found;
        }
      }
      if (const auto plain = config.auths.find(key); plain != config.auths.end()) {
        return plain->second;
      }
    }
    if (!config.store.empty()) {
      if (Credentials found = ask_helper(config.store, helper_server(host)); !found.empty()) {
        return found;
      }
    }
  }
  return {};
}

}  // namespace airlock::ecosystem::oci
