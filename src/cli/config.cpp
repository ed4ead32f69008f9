#include "cli/config.hpp"

#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/duration.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/refusal.hpp"
#include "base/text.hpp"
#include "base/yaml.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_config_limit = 1024 * 1024;  // bytes

constexpr std::array k_settings = {
    SettingInfo{"listen", SettingType::text, "127.0.0.1:8480", "AIRLOCK_LISTEN",
                "address and port on which `airlock serve` answers"},
    SettingInfo{"tls_cert", SettingType::path, "", "AIRLOCK_TLS_CERT",
                "certificate chain of the server, PEM; read again on SIGHUP"},
    SettingInfo{"tls_key", SettingType::path, "", "AIRLOCK_TLS_KEY", "private key of that certificate, PEM"},
    SettingInfo{"base_url", SettingType::text, "", "AIRLOCK_BASE_URL",
                "how clients reach the server, where it cannot be told from the request"},
    SettingInfo{"max_connections", SettingType::number, "1024", "AIRLOCK_MAX_CONNECTIONS",
                "connections that the server holds at once"},
    SettingInfo{"max_connections_per_address", SettingType::number, "256", "AIRLOCK_MAX_CONNECTIONS_PER_ADDRESS",
                "of those, how many one client address may have"},
    SettingInfo{"limit_rate", SettingType::bytes, "0", "AIRLOCK_LIMIT_RATE",
                "bytes a second that `bundle create` takes from the network; 0 for no limit"},
    SettingInfo{"stale_after", SettingType::duration, "45d", "AIRLOCK_STALE_AFTER",
                "age of the newest state of a channel above which `airlock status` calls it stale"},
    SettingInfo{"keep_generations", SettingType::number, "2", "AIRLOCK_KEEP_GENERATIONS",
                "generations of each channel that `store sweep` keeps, the active one included"},
    SettingInfo{"record_fetches", SettingType::duration, "400d", "AIRLOCK_RECORD_FETCHES",
                "how long `airlock serve` remembers which address fetched which file, for `store who`; 0 for not at "
                "all"},
    SettingInfo{"agent_lease", SettingType::duration, "30s", "AIRLOCK_AGENT_LEASE",
                "how long an agent may be silent before `airlock serve` takes its deployment for lost"},
    SettingInfo{"deployment_timeout", SettingType::duration, "6h", "AIRLOCK_DEPLOYMENT_TIMEOUT",
                "how long a deployment may run that names no timeout of its own"},
    SettingInfo{"deployment_log_limit", SettingType::bytes, "64MiB", "AIRLOCK_DEPLOYMENT_LOG_LIMIT",
                "bytes that `airlock serve` keeps of the log of one deployment"},
    SettingInfo{"source_limit", SettingType::bytes, "2GiB", "AIRLOCK_SOURCE_LIMIT",
                "bytes of a folder that `deploy create --source` may upload"},
    SettingInfo{"fips", SettingType::flag, "false", "",
                "use OpenSSL's FIPS provider and nothing else, and no Ed25519 keys; only in the file"},
    SettingInfo{"server_url", SettingType::text, "", "AIRLOCK_SERVER_URL",
                "the server that `pool` and `deploy` talk to; else the one that runs on this home"},
    SettingInfo{"token_file", SettingType::path, "", "AIRLOCK_TOKEN_FILE",
                "file with the user's token for that server; else the one that the server left in this home"},
    SettingInfo{"server_ca", SettingType::path, "", "AIRLOCK_SERVER_CA",
                "authority of that server's certificate, PEM, besides the system's"},
};

std::vector<std::string> setting_names() {
  std::vector<std::string> names;
  for (const auto& info : k_settings) {
    names.emplace_back(info.key);
  }
  return names;
}

const SettingInfo* find_setting(std::string_view key) {
  for (const auto& info : k_settings) {
    if (info.key == key) {
      return &info;
    }
  }
  return nullptr;
}

std::optional<std::uint64_t> plain_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc{} || end != text.data() + text.size() || text.empty()) {
    return std::nullopt;
  }
  return value;
}

std::uint64_t to_number(const SettingInfo& info, std::string_view value) {
  if (info.type == SettingType::bytes) {
    return base::parse_bytes(value);
  }
  if (info.type == SettingType::duration) {
    return static_cast<std::uint64_t>(base::parse_duration(value).count());
  }
  if (const auto number = plain_number(value)) {
    return *number;
  }
  throw Error(ErrorCode::config, fmt::format("'{}' is not a whole number", base::printable(value, 60)));
}

// The value as it is kept; throws config naming the setting when it cannot be used.
std::string checked(const SettingInfo& info, std::string value, const std::filesystem::path& folder) {
  switch (info.type) {
  case SettingType::text:
    return value;
  case SettingType::path: {
    const std::filesystem::path path(value);
    return value.empty() || path.is_absolute() || folder.empty() ? value : (folder / path).string();
  }
  case SettingType::flag:
    if (value != "true" && value != "false") {
      throw Error(ErrorCode::config,
                  fmt::format("setting '{}': '{}' is neither true nor false", info.key, base::printable(value, 60)));
    }
    return value;
  case SettingType::number:
  case SettingType::bytes:
  case SettingType::duration:
    try {
      to_number(info, value);
    } catch (const Error& error) {
      throw Error(ErrorCode::config, fmt::format("setting '{}': {}", info.key, error.message()));
    }
    return value;
  }
  return value;
}

void apply_file(const base::YamlNode& root, const std::filesystem::path& folder,
                std::map<std::string, Setting, std::less<>>& settings) {
  if (root.is_null()) {
    return;
  }
  if (!root.is_mapping()) {
    throw Error(ErrorCode::config, "a configuration file is a list of settings, 'key: value' on a line each")
        .at(root.position());
  }
  const auto names = setting_names();
  for (const auto& [key, value] : root.members()) {
    const auto* info = key.is_scalar() ? find_setting(key.scalar()) : nullptr;
    if (info == nullptr) {
      const std::string name = key.is_scalar() ? key.scalar() : "";
      auto error = Error(ErrorCode::config, fmt::format("unknown setting '{}'", base::printable(name, 60)));
      if (const auto near = base::nearest(name, names)) {
        error.with_hint(fmt::format("did you mean '{}'?", *near));
      } else {
        error.with_hint("`airlock config show` lists every setting");
      }
      throw error.at(key.position());
    }
    if (!value.is_scalar()) {
      throw Error(ErrorCode::config, fmt::format("setting '{}' takes one value", info->key)).at(value.position());
    }
    try {
      settings[std::string(info->key)] = {checked(*info, value.scalar(), folder), value.position().to_string()};
    } catch (Error& error) {
      error.at(value.position());
      throw;
    }
  }
}

}  // namespace

std::span<const SettingInfo> all_settings() {
  return k_settings;
}

Config::Config() {
  for (const auto& info : k_settings) {
    m_settings[std::string(info.key)] = {std::string(info.default_value), "default"};
  }
}

Config Config::load(const std::filesystem::path& file, const std::function<const char*(const char*)>& environment) {
  Config config;
  if (const auto text = base::read_file_if_exists(file, k_config_limit)) {
    std::optional<base::YamlNode> root;
    try {
      root = base::parse_yaml(*text, file.string());
    } catch (const Error& error) {
      // The reader serves manifests first and names them; here the mistake is in the configuration.
      throw base::with_code(error, ErrorCode::config);
    }
    apply_file(*root, file.parent_path(), config.m_settings);
  }
  for (const auto& info : k_settings) {
    const std::string name(info.environment);
    if (name.empty()) {
      continue;
    }
    if (const char* value = environment(name.c_str()); value != nullptr && *value != '\0') {
      try {
        config.m_settings[std::string(info.key)] = {checked(info, value, {}), name};
      } catch (Error& error) {
        error.with_context(fmt::format("while reading the environment variable {}", name));
        throw;
      }
    }
  }
  return config;
}

const Setting& Config::get(std::string_view key) const {
  const auto found = m_settings.find(key);
  if (found == m_settings.end()) {
    throw Error(ErrorCode::internal, fmt::format("there is no setting '{}'", key));
  }
  return found->second;
}

std::uint64_t Config::number(std::string_view key) const {
  const auto& value = get(key).value;
  return to_number(*find_setting(key), value);
}

std::string Config::or_flag(std::string_view key, std::string_view flag) const {
  return flag.empty() ? get(key).value : std::string(flag);
}

}  // namespace airlock::cli
