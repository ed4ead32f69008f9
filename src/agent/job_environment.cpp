#include "agent/job_environment.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "ecosystem/ecosystem.hpp"

namespace airlock::agent {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t k_bundle_limit = 16 * 1024 * 1024;
constexpr std::size_t k_variables_limit = 1024 * 1024;

// Where the distributions keep the certificates that they trust.
constexpr std::array k_system_bundles = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};
constexpr std::array k_bundle_variables = {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
                                           "PIP_CERT",      "GIT_SSL_CAINFO",     "AWS_CA_BUNDLE"};

std::string inside(const fs::path& relative) {
  return (fs::path(k_job_folder) / relative).string();
}

// The site's authority beside the system's: most clients know one file only.
void add_authority(const AgentConfig& config, const JobDirectory& directory,
                   std::map<std::string, std::string>& variables) {
  if (config.ca_file.empty()) {
    return;
  }
  const auto authority = base::read_file(config.ca_file, k_bundle_limit);
  std::string bundle = authority + "\n";
  for (const auto* const path : k_system_bundles) {
    if (const auto system = base::read_file_if_exists(path, k_bundle_limit)) {
      bundle += *system;
      break;
    }
  }
  directory.write("setup/ca.pem", authority);
  directory.write("setup/ca-bundle.pem", bundle);
  for (const auto* const name : k_bundle_variables) {
    variables.try_emplace(name, inside("setup/ca-bundle.pem"));
  }
  variables.try_emplace("NODE_EXTRA_CA_CERTS", inside("setup/ca.pem"));
}

bool sounds_secret(std::string_view name) {
  constexpr std::array k_words = {"TOKEN", "SECRET", "PASS", "KEY", "CREDENTIAL"};
  return std::ranges::any_of(k_words, [&](std::string_view word) { return name.find(word) != std::string_view::npos; });
}

void add_description(const control::Claim& claim, std::map<std::string, std::string>& variables) {
  const auto& stack = claim.job.stack;
  const std::string operation(control::to_string(claim.job.operation));
  const std::array<std::pair<const char*, std::string>, 10> described = {{
      {"CI", "true"},
      {"PULUMI_CI_SYSTEM", "airlock"},
      {"PULUMI_CI_BUILD_ID", claim.deployment_id},
      {"PULUMI_CI_BUILD_NUMBER", std::to_string(claim.version)},
      {"PULUMI_CI_ORGANIZATION", stack.organization},
      {"PULUMI_CI_PROJECT", stack.project},
      {"PULUMI_CI_STACK", stack.stack},
      {"PULUMI_CI_OPERATION", operation},
      {"AIRLOCK_DEPLOYMENT", claim.deployment_id},
      {"AIRLOCK_STACK", stack.to_string()},
  }};
  for (const auto& [name, value] : described) {
    variables[name] = value;
  }
}

void add_clients(const AgentConfig& config, const JobDirectory& directory, JobEnvironment& environment) {
  ecosystem::ClientConfigRequest request;
  request.mirror = config.mirror;
  request.ca_file = config.ca_file.empty() ? fs::path() : fs::path(inside("setup/ca.pem"));
  request.folder = inside("setup");
  for (const auto* const each : ecosystem::all_ecosystems()) {
    if (!each->client_config) {
      continue;
    }
    const auto client = each->client_config(request);
    for (const auto& [name, value] : client.environment) {
      environment.variables.emplace(name, value);
    }
    for (const auto& file : client.files) {
      directory.write(fs::path("setup") / each->id / file.name, file.content);
    }
    environment.notes.insert(environment.notes.end(), client.notes.begin(), client.notes.end());
  }
}

std::string unquoted(std::string_view value) {
  const bool quoted =
      value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.front() == value.back();
  return std::string(quoted ? value.substr(1, value.size() - 2) : value);
}

}  // namespace

JobEnvironment make_job_environment(const AgentConfig& config, const control::Claim& claim,
                                    const JobDirectory& directory, const std::map<std::string, std::string>& host) {
  JobEnvironment environment;
  auto& variables = environment.variables;
  variables = {
      {"PATH", fmt::format("{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/go/bin",
                           "/airlock-tools/bin")},
      {"HOME", inside("home")},
      {"TMPDIR", "/tmp"},
      {"LANG", "C.UTF-8"},
      {"USER", "job"},
      {"LOGNAME", "job"},
      {"SHELL", "/bin/sh"},
      {"PULUMI_HOME", inside("home/.pulumi")},
      {"AIRLOCK_MIRROR", fmt::format("{}://{}", config.mirror.scheme(), config.mirror.host_port())},
      {"AIRLOCK_ENV", inside(k_variables_file)},
      {"PULUMI_ENV", inside(k_variables_file)},
  };
  for (const auto* const folder : {"home", "work", "setup"}) {
    directory.make_folder(folder);
  }
  directory.write(k_variables_file, "");
  add_clients(config, directory, environment);
  add_authority(config, directory, variables);
  add_description(claim, variables);
  environment.masker.add(claim.job_token);
  for (const auto& name : config.env_forward_allowlist) {
    if (const auto found = host.find(name); found != host.end()) {
      variables[name] = found->second;
      if (sounds_secret(name)) {
        environment.masker.add(base::Secret(found->second));
      }
    }
  }
  for (const auto& each : claim.job.environment) {
    variables[each.name] = each.value.reveal();
    if (each.secret) {
      environment.masker.add(each.value);
    }
  }
  if (const auto& source = claim.job.source) {
    for (const auto* const secret : {&source->password, &source->ssh_key, &source->ssh_password}) {
      environment.masker.add(*secret);
    }
  }
  return environment;
}

std::map<std::string, std::string> parse_variables_file(std::string_view text) {
  std::map<std::string, std::string> variables;
  for (const auto& line : base::split(text, '\n')) {
    std::string_view rest = base::trim(line);
    if (rest.starts_with("export ")) {
      rest = base::trim(rest.substr(7));
    }
    const auto equals = rest.find('=');
    if (rest.starts_with('#') || equals == std::string_view::npos) {
      continue;
    }
    const auto name = rest.substr(0, equals);
    const auto value = unquoted(rest.substr(equals + 1));
    if (control::is_variable_name(name) && value.size() <= control::limits::k_value &&
        value.find('\0') == std::string::npos && variables.size() < control::limits::k_variables) {
      variables[std::string(name)] = value;
    }
  }
  return variables;
}

std::map<std::string, std::string> read_variables_file(const JobDirectory& directory) {
  const auto folder = base::open_directory(directory.job());
  const auto file = base::open_beneath(folder.get(), fs::path(k_variables_file), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (!file) {
    return {};
  }
  const auto size = base::file_size(file->get(), "the job's variables file");
  if (size > k_variables_limit) {
    throw base::Error(base::ErrorCode::limit, "the job's variables file is larger than 1 MiB");
  }
  base::FileSource source(file->get(), 0, size, "the job's variables file");
  return parse_variables_file(base::read_all(source, k_variables_limit));
}

}  // namespace airlock::agent
