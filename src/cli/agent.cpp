// `airlock agent`: takes deployments and runs them where nothing outside can be reached.
#include <unistd.h>

#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "agent/agent.hpp"
#include "agent/agent_check.hpp"
#include "agent/agent_config.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "cli/session.hpp"

namespace airlock::cli {

namespace {

namespace fs = std::filesystem;
using base::Error;
using base::ErrorCode;

constexpr std::size_t k_token_limit = 4096;

struct AgentFlags {
  std::string directory, file, url, token_file, ca;
  int token_fd = -1;
  bool once = false;
  bool force = false;
};

fs::path agent_directory(const Session& session, const AgentFlags& flags) {
  return fs::absolute(flags.directory.empty() ? session.home.root / "agent" : fs::path(flags.directory));
}

std::map<std::string, std::string> own_environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (const auto equals = text.find('='); equals != std::string_view::npos) {
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return variables;
}

agent::AgentConfigSources sources(const Session& session, const AgentFlags& flags) {
  agent::AgentConfigSources result;
  result.directory = agent_directory(session, flags);
  if (!flags.file.empty()) {
    result.file = fs::absolute(flags.file);
  }
  result.environment = own_environment();
  if (flags.token_fd >= 0) {
    std::string text(k_token_limit, '\0');
    const ssize_t got = ::read(flags.token_fd, text.data(), text.size());
    if (got <= 0) {
      throw Error(ErrorCode::usage, fmt::format("no token can be read from descriptor {}", flags.token_fd));
    }
    text.resize(static_cast<std::size_t>(got));
    result.token = base::Secret(std::string(base::trim(text)));
  }
  return result;
}

void configure(Session& session, const AgentFlags& flags) {
  const auto directory = agent_directory(session, flags);
  const auto file = directory / "airlock-agent.yaml";
  const auto url = base::Url::parse(flags.url);
  const auto token = fs::absolute(flags.token_file);
  if (!fs::exists(token)) {
    throw Error(ErrorCode::usage, fmt::format("there is no token file {}", token.string()))
        .with_hint("write the token that `airlock pool token create` showed into it, mode 0600");
  }
  if (fs::exists(file) && !flags.force) {
    throw Error(ErrorCode::conflict, fmt::format("{} is there already", file.string()))
        .with_hint("--force replaces it");
  }
  base::make_directories(directory, 0711);
  const auto text = agent::new_agent_file(url, token, flags.ca.empty() ? fs::path() : fs::absolute(flags.ca));
  base::write_file_atomic(file, text, 0600);
  agent::load_agent_config(sources(session, flags));  // a token that others can read is told now, not later
  session.answer({{"file", file.string()}, {"directory", directory.string()}},
                 fmt::format("wrote {}\n  next  airlock agent check --dir {}\n", file.string(), directory.string()));
}

void tell_warnings(Session& session, const agent::AgentConfig& config) {
  for (const auto& warning : config.warnings) {
    session.reporter->warning(warning);
  }
}

void check(Session& session, const AgentFlags& flags) {
  const auto config = agent::load_agent_config(sources(session, flags));
  tell_warnings(session, config);
  const auto results = agent::check_agent(config, *session.clock);
  base::Json list = base::Json::array();
  std::string text;
  bool good = true;
  for (const auto& each : results) {
    const bool bad = each.verdict == agent::CheckResult::Verdict::bad;
    const char* const verdict = bad ? "bad" : each.verdict == agent::CheckResult::Verdict::weak ? "weak" : "good";
    good = good && !bad;
    list.push_back({{"check", each.what}, {"verdict", verdict}, {"text", each.text}, {"hint", each.hint}});
    text += fmt::format("{:<5} {:<18} {}\n", verdict, each.what, base::printable(each.text, 2000));
    if (!each.hint.empty()) {
      text += fmt::format("{:<25}{}\n", "", each.hint);
    }
  }
  session.answer({{"ok", good}, {"checks", std::move(list)}}, text);
  session.exit_code = good ? 0 : 1;
}

void run(Session& session, const AgentFlags& flags) {
  auto origin = sources(session, flags);
  auto config = agent::load_agent_config(origin);
  config.once = config.once || flags.once;
  tell_warnings(session, config);
  protect_secrets();
  agent::run_agent({std::move(config), std::move(origin), *session.reporter});
  session.answer(base::Json::object(), "");
}

void add_place_flags(CLI::App& command, AgentFlags& flags) {
  command.add_option("--dir", flags.directory, "The agent's own folder (HOME/agent)")->type_name("DIR");
  command.add_option("--agent-config", flags.file, "Its settings, where they lie elsewhere")->type_name("FILE");
  command.add_option("--token-fd", flags.token_fd, "Descriptor from which the pool's token is read")->type_name("N");
}

}  // namespace

void add_agent_commands(CLI::App& app, Session& session) {
  auto* agent = app.add_subcommand("agent", "Take deployments and run them where nothing outside can be reached");
  auto flags = std::make_shared<AgentFlags>();

  auto* configure_command = agent->add_subcommand("configure", "Write the agent's settings");
  configure_command->add_option("--url", flags->url, "Of the control plane")->type_name("URL")->required();
  configure_command->add_option("--token-file", flags->token_file, "File that holds the pool's token")
      ->type_name("FILE")
      ->required();
  configure_command->add_option("--ca", flags->ca, "Authority of the control plane and the mirror, PEM")
      ->type_name("FILE");
  configure_command->add_flag("--force", flags->force, "Replace settings that are there");
  configure_command->add_option("--dir", flags->directory, "The agent's own folder (HOME/agent)")->type_name("DIR");
  configure_command->footer(
      "Example:\n  airlock agent configure --url https://airlock.site.example:8480 --token-file /etc/airlock/token");
  configure_command->callback([&session, flags] { configure(session, *flags); });

  auto* check_command = agent->add_subcommand("check", "Try everything that the agent will need");
  add_place_flags(*check_command, *flags);
  check_command->footer(
      "Example:\n  airlock agent check\n\nThe exit code is 1 when something is missing or would leak.");
  check_command->callback([&session, flags] { check(session, *flags); });

  auto* run_command = agent->add_subcommand("run", "Take deployments until told to stop");
  add_place_flags(*run_command, *flags);
  run_command->add_flag("--once", flags->once, "End after one deployment");
  run_command->footer(
      "Example:\n  airlock agent run\n\nThe first SIGTERM or Ctrl-C lets the running deployment end; the "
      "second interrupts it.");
  run_command->callback([&session, flags] { run(session, *flags); });
  agent->footer("Example:\n  airlock agent run --once");
}

}  // namespace airlock::cli
