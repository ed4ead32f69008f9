// The command line as CLI11 knows it: global flags, every command, and what is suggested for a word that is none.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/error.hpp"
#include "cli/home_location.hpp"
#include "cli/session.hpp"

namespace airlock::cli {

struct GlobalFlags {
  HomeFlags home;
  bool json = false, quiet = false, verbose = false, no_progress = false, version = false;
  std::string color = "auto";
};

// Thrown by the command `help`, as CLI11 throws CallForHelp for the flag.
struct HelpRequest {
  std::string text;
};

// All commands below a new app. `flags` and `session` must outlive it.
std::unique_ptr<CLI::App> make_app(GlobalFlags& flags, Session& session);
// The command that `app` parsed last: "bundle verify" is two deep.
CLI::App* deepest_command(CLI::App& app);
std::string command_path(const CLI::App& command);  // "airlock bundle verify"
std::string help_text(const CLI::App& command);

// What CLI11 refused, as an error with a suggestion where a word or flag was nearly right.
base::Error usage_error(const CLI::ParseError& error, CLI::App& app);

}  // namespace airlock::cli
