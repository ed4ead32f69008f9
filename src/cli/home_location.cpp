#include "cli/home_location.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <system_error>

#include "base/error.hpp"

namespace airlock::cli {

namespace {

namespace fs = std::filesystem;

std::optional<fs::path> from_environment(const Surroundings& around, const char* name) {
  const char* value = around.environment(name);
  if (value == nullptr || *value == '\0') {
    return std::nullopt;
  }
  return fs::path(value);
}

std::optional<fs::path> user_home(const Surroundings& around) {
  if (const auto data = from_environment(around, "XDG_DATA_HOME"); data && data->is_absolute()) {
    return *data / "airlock";
  }
  if (const auto home = from_environment(around, "HOME"); home && home->is_absolute()) {
    return *home / ".local" / "share" / "airlock";
  }
  return std::nullopt;
}

fs::path normal_absolute(const fs::path& path) {
  std::error_code error;
  const auto result = fs::absolute(path, error);
  return (error ? path : result).lexically_normal();
}

bool path_exists(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

bool holds_settings(const fs::path& folder) {
  return path_exists(folder / "roots") || path_exists(folder / "airlock.yaml") || path_exists(folder / "policy.yaml");
}

}  // namespace

Surroundings Surroundings::of_this_process() {
  return {.environment = [](const char* name) { return std::getenv(name); }, .root = geteuid() == 0};
}

bool home_is_named(const HomeFlags& flags, const Surroundings& around) {
  return !flags.home.empty() || from_environment(around, "AIRLOCK_HOME").has_value();
}

workflow::Home locate_home(const HomeFlags& flags, const Surroundings& around) {
  workflow::Home home;
  bool own_place_of_root = false;
  if (!flags.home.empty()) {
    home.root = normal_absolute(flags.home);
  } else if (const auto named = from_environment(around, "AIRLOCK_HOME")) {
    home.root = normal_absolute(*named);
  } else if (around.root) {
    home.root = around.root_home;
    own_place_of_root = true;
  } else if (const auto user = user_home(around)) {
    home.root = *user;
  } else {
    throw base::Error(base::ErrorCode::config, "no place for airlock's data is known: HOME is not set")
        .with_hint("give --home DIR, or set AIRLOCK_HOME");
  }
  own_place_of_root = own_place_of_root || (around.root && home.root == around.root_home);

  if (!flags.config.empty()) {
    const auto given = normal_absolute(flags.config);
    std::error_code error;
    home.config = fs::is_directory(given, error) ? given : given.parent_path();
  } else if (own_place_of_root && path_exists(around.root_config) &&
             (holds_settings(around.root_config) || !holds_settings(home.root))) {
    home.config = around.root_config;
  } else {
    home.config = home.root;
  }
  return home;
}

fs::path config_file(const HomeFlags& flags, const workflow::Home& home) {
  if (!flags.config.empty()) {
    const auto given = normal_absolute(flags.config);
    std::error_code error;
    if (!fs::is_directory(given, error)) {
      return given;
    }
  }
  return home.config / "airlock.yaml";
}

bool holds_data(const workflow::Home& home) {
  return path_exists(home.root / "airlock.db") || path_exists(home.keys()) || path_exists(home.root / "channels");
}

bool home_exists(const workflow::Home& home) {
  return path_exists(home.root) || holds_settings(home.config);
}

std::vector<fs::path> other_homes_with_data(const workflow::Home& used, const Surroundings& around) {
  std::vector<fs::path> candidates;
  if (const auto named = from_environment(around, "AIRLOCK_HOME")) {
    candidates.push_back(normal_absolute(*named));
  }
  candidates.push_back(around.root_home);
  if (const auto user = user_home(around)) {
    candidates.push_back(*user);
  }
  std::vector<fs::path> found;
  for (const auto& candidate : candidates) {
    if (candidate != used.root && holds_data({candidate, candidate}) &&
        std::find(found.begin(), found.end(), candidate) == found.end()) {
      found.push_back(candidate);
    }
  }
  return found;
}

}  // namespace airlock::cli
