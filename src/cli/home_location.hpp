// Which home and which configuration folder a command uses (docs/formats/configuration.md, Where).
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "workflow/home.hpp"

namespace airlock::cli {

struct HomeFlags {
  std::string home;    // --home
  std::string config;  // --config: airlock.yaml, or the folder that holds it
};

struct Surroundings {  // what decides, apart from flags; tests give their own
  std::function<const char*(const char*)> environment;
  bool root = false;  // effective user 0
  std::filesystem::path root_home = "/var/lib/airlock";
  std::filesystem::path root_config = "/etc/airlock";

  static Surroundings of_this_process();
};

// Whether a person named the home, by --home or AIRLOCK_HOME, and so expects it to be there.
bool home_is_named(const HomeFlags& flags, const Surroundings& around);

// --home, else AIRLOCK_HOME, else /var/lib/airlock for root, else XDG_DATA_HOME/airlock, else ~/.local/share/airlock.
// The configuration folder: --config, else /etc/airlock beside root's own home where it exists, else the home; never
// the working directory, a medium or the environment. An /etc/airlock without settings and pinned roots, made for a
// token or certificates, does not hide those of the home. Throws config when no place can be told.
workflow::Home locate_home(const HomeFlags& flags, const Surroundings& around);
std::filesystem::path config_file(const HomeFlags& flags, const workflow::Home& home);

// True when something was made or taken in there: keys, channels or the state database.
bool holds_data(const workflow::Home& home);
// False where there is neither such a folder nor settings or pinned roots for it in a configuration folder elsewhere.
bool home_exists(const workflow::Home& home);
// Where the user may have meant, other than `used`: the places above that hold data.
std::vector<std::filesystem::path> other_homes_with_data(const workflow::Home& used, const Surroundings& around);

}  // namespace airlock::cli
