// airlock.yaml in the configuration folder, and the environment: one table of settings, each with its default, its
// environment name and what it means; `airlock config show` and the documentation come from it. Trust settings are
// not here: they never come from the environment (docs/formats/configuration.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace airlock::cli {

enum class SettingType { text, number, bytes, path, duration, flag };  // flag: true or false

struct SettingInfo {
  std::string_view key;  // "base_url"
  SettingType type;
  std::string_view default_value;  // "" where there is none
  std::string_view environment;    // "AIRLOCK_BASE_URL"; "" for what the environment must not change
  std::string_view help;
};
std::span<const SettingInfo> all_settings();

struct Setting {
  std::string value;
  std::string origin;  // "default", "airlock.yaml:3:1", "AIRLOCK_BASE_URL"
};

class Config {
 public:
  Config();  // the defaults
  // Default < file (where it exists) < environment. Throws config with the position for unknown keys (with a
  // suggestion) and bad values. Relative paths in the file are relative to it.
  static Config load(const std::filesystem::path& file, const std::function<const char*(const char*)>& environment);

  // Each throws internal for a key that is not in the table.
  const Setting& get(std::string_view key) const;
  const std::string& text(std::string_view key) const { return get(key).value; }
  std::filesystem::path path(std::string_view key) const { return get(key).value; }
  std::uint64_t number(std::string_view key) const;  // also bytes, and durations in seconds
  const std::map<std::string, Setting, std::less<>>& all() const { return m_settings; }
  bool flag(std::string_view key) const { return get(key).value == "true"; }
  // A flag beats everything: `flag` where it is not empty, else the setting.
  std::string or_flag(std::string_view key, std::string_view flag) const;

 private:
  std::map<std::string, Setting, std::less<>> m_settings;
};

}  // namespace airlock::cli
