#include "ecosystem/npm/registries.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "ecosystem/npm/names.hpp"
#include "ecosystem/upstream_access.hpp"

namespace airlock::ecosystem::npm {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;
using base::Secret;
using base::Url;

namespace {

constexpr std::size_t k_file_limit = std::size_t{1024} * 1024;

// npm takes its environment variables in either case, and "-" as "_".
std::string variable(const Environment& environment, std::string_view name) {
  for (const auto& [key, value] : environment) {
    if (base::to_lower(key) == name && !value.empty()) {
      return value;
    }
  }
  return "";
}

Environment read_npmrc(const fs::path& path, const Environment& environment) {
  const auto text = base::read_file_if_exists(path, k_file_limit);
  return text ? parse_npmrc(*text, environment, path.string()) : Environment();
}

// "//host/path/:_authToken" and the like.
bool is_credential(std::string_view key) {
  return key.starts_with("//");
}

// "//host:port/path/", under which npm keeps what belongs to a registry.
std::string nerf_dart(const Url& url, std::string_view path) {
  return fmt::format("//{}{}", url.host_port(), path);
}

}  // namespace

void Registries::load() {
  if (std::exchange(m_loaded, true)) {
    return;
  }
  const Environment& environment = m_context.environment;
  const auto home = environment.find("HOME");
  fs::path user = variable(environment, "npm_config_userconfig");
  if (user.empty() && home != environment.end()) {
    user = fs::path(home->second) / ".npmrc";
  }
  if (!user.empty()) {
    m_user = read_npmrc(user, environment);
  }
  if (const std::string global = variable(environment, "npm_config_globalconfig"); !global.empty()) {
    m_global = read_npmrc(global, environment);
  }
  const auto upstream = m_context.manifest.upstreams.find(k_ecosystem);
  if (upstream != m_context.manifest.upstreams.end() && !upstream->second.url.empty()) {
    m_default = upstream->second.url;
  } else {
    m_default = variable(environment, "npm_config_registry");
  }
}

std::string Registries::setting(const std::string& key) const {
  for (const Environment* settings : {&m_project, &m_user, &m_global}) {
    const auto found = settings->find(key);
    if (found != settings->end() && !found->second.empty()) {
      return found->second;
    }
  }
  return "";
}

void Registries::begin_entry() {
  const std::lock_guard lock(m_mutex);
  std::erase_if(m_project, [](const auto& setting) { return !is_credential(setting.first); });
}

void Registries::add_project(const fs::path& folder) {
  const std::lock_guard lock(m_mutex);
  load();
  const fs::path file = folder / ".npmrc";
  for (auto& [key, value] : read_npmrc(file, {})) {
    if (!is_credential(key) && key != "registry" && !(key.starts_with('@') && key.ends_with(":registry"))) {
      continue;
    }
    if (key.find("${") != std::string::npos || value.find("${") != std::string::npos) {
      m_context.reporter.warning(
          fmt::format("{}: {} is passed over, since it names a variable of this host's environment; "
                      "put that line into your own ~/.npmrc",
                      base::printable(file.string()), base::printable(key, 200)));
      continue;
    }
    m_project.emplace(key, value);
  }
}

// The client knows its global file and its built-in default; nobody else needs to.
std::string Registries::ask_client() {
  const char* const hint = "name it in the manifest, `upstreams: npm: { url: … }`, or with registry=… in ~/.npmrc";
  if (!base::program_exists("npm")) {
    throw Error(ErrorCode::config, "no npm registry is configured, and there is no npm on this host to ask")
        .with_hint(hint);
  }
  // Not where we stand: npm would take its settings from an .npmrc there, whoever wrote that.
  const base::ProcessResult result = base::run_process({.argv = {"npm", "config", "get", "registry"},
                                                        .input = {},
                                                        .directory = "/",
                                                        .environment = m_context.environment});
  std::string registry(base::trim(result.output));
  if (result.exit_code != 0 || registry.empty() || registry == "undefined") {
    throw Error(ErrorCode::config,
                fmt::format("`npm config get registry` failed: {}", base::printable(base::trim(result.errors))))
        .with_hint(hint);
  }
  return registry;
}

Url Registries::parse(const std::string& text, const std::string& what) const {
  std::string plain = text;
  while (plain.ends_with('/')) {
    plain.pop_back();
  }
  const Url url =
      base::with_context([&] { return fmt::format("while reading {}", what); }, [&] { return Url::parse(plain); });
  if (url.scheme() != "http" && url.scheme() != "https") {
    throw Error(ErrorCode::config, fmt::format("{} is '{}', which is neither http nor https", what, url.redacted()));
  }
  return url;
}

Url Registries::default_registry() {
  std::string registry = m_default.empty() ? setting("registry") : m_default;
  if (registry.empty()) {
    registry = m_asked = m_asked.empty() ? ask_client() : m_asked;
  }
  return parse(registry, "the address of the npm registry");
}

Url Registries::registry_of(const std::string& package) {
  const std::lock_guard lock(m_mutex);
  load();
  const auto upstream = m_context.manifest.upstreams.find(k_ecosystem);
  const bool said = upstream != m_context.manifest.upstreams.end() && !upstream->second.url.empty();
  if (package.starts_with('@') && !said) {
    const std::string key = package.substr(0, package.find('/')) + ":registry";
    if (const std::string registry = setting(key); !registry.empty()) {
      return parse(registry, fmt::format("npm's setting {}", key));
    }
  }
  return default_registry();
}

Secret Registries::authorization(const Url& url) {
  const std::lock_guard lock(m_mutex);
  load();
  const auto upstream = m_context.manifest.upstreams.find(k_ecosystem);
  if (upstream != m_context.manifest.upstreams.end()) {
    const model::Upstream& said = upstream->second;
    const bool signs_in = !said.token_env.empty() || !said.username_env.empty();
    if (signs_in && default_registry().origin() == url.origin()) {
      return ecosystem::authorization(said, m_context.environment);
    }
  }
  // An upstream of the host: its credentials are for where it leads, and it leads npm nowhere else.
  if (Access way = access(m_context.manifest, m_context.environment, url);
      !way.authorization.empty() && way.url.origin() == url.origin()) {
    return std::move(way.authorization);
  }
  // From the longest path to the shortest, as npm looks.
  std::string path = url.path();
  while (true) {
    for (const std::string& form : {path, path.ends_with('/') ? path.substr(0, path.size() - 1) : path + "/"}) {
      const std::string prefix = nerf_dart(url, form) + ":";
      if (const std::string token = setting(prefix + "_authToken"); !token.empty()) {
        return Secret("Bearer " + token);
      }
      if (const std::string basic = setting(prefix + "_auth"); !basic.empty()) {
        return Secret("Basic " + basic);
      }
      const std::string user = setting(prefix + "username");
      const auto password = base::base64_decode(setting(prefix + "_password"));
      if (!user.empty() && password && !password->empty()) {
        return Secret("Basic " + base::base64_encode(user + ":" + *password));
      }
    }
    if (path.size() <= 1) {
      return {};
    }
    path = path.substr(0, path.rfind('/', path.size() - 2) + 1);
  }
}

}  // namespace airlock::ecosystem::npm
