// Commands that answer from what is built in: what a code means, what is supported, which settings there are.
#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/session.hpp"
#include "cli/table.hpp"
#include "ecosystem/ecosystem.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

base::Json code_json(const base::ErrorCodeInfo& info) {
  return {{"code", info.name}, {"exit_code", info.exit_code}, {"meaning", info.meaning}};
}

void explain(Session& session, const std::string& name) {
  if (name.empty()) {
    Table table({"code", "exit", "meaning"});
    base::Json list = base::Json::array();
    for (const auto& info : base::all_error_codes()) {
      table.add({std::string(info.name), fmt::format("{}", info.exit_code), std::string(info.meaning)});
      list.push_back(code_json(info));
    }
    session.answer({{"codes", std::move(list)}}, table.text());
    return;
  }
  const auto info = base::find_error_code(name);
  if (!info) {
    std::vector<std::string> names;
    for (const auto& each : base::all_error_codes()) {
      names.emplace_back(each.name);
    }
    auto error = Error(ErrorCode::usage, fmt::format("there is no error code '{}'", base::printable(name, 60)));
    if (const auto near = base::nearest(name, names)) {
      error.with_hint(fmt::format("did you mean '{}'?", *near));
    } else {
      error.with_hint("`airlock explain` lists them all; a digest is explained by `airlock bundle explain`");
    }
    throw error;
  }
  session.answer(code_json(*info), fmt::format("{} (exit code {})\n{}\n", info->name, info->exit_code, info->meaning));
}

void list_ecosystems(Session& session) {
  Table table({"ecosystem", "manifest keys", "served at", "resolve", "serve", "push", "client settings"});
  base::Json list = base::Json::array();
  const auto mark = [](bool there) -> std::string { return there ? "yes" : "-"; };
  for (const auto* each : ecosystem::all_ecosystems()) {
    std::vector<std::string> keys;
    for (const auto& section : each->sections) {
      keys.push_back(section.key);
    }
    const bool resolves = static_cast<bool>(each->make_resolver);
    const bool serves = static_cast<bool>(each->mount);
    const bool pushes = static_cast<bool>(each->push);
    const bool configures = static_cast<bool>(each->client_config);
    table.add({each->id, base::join(keys, ", "), serves ? each->url_prefix : "-", mark(resolves), mark(serves),
               mark(pushes), mark(configures)});
    list.push_back({{"id", each->id},
                    {"manifest_keys", keys},
                    {"url_prefix", each->url_prefix},
                    {"resolve", resolves},
                    {"serve", serves},
                    {"push", pushes},
                    {"client_config", configures}});
  }
  session.answer({{"ecosystems", std::move(list)}}, table.text());
}

void show_config(Session& session) {
  Table table({"setting", "value", "from", "environment", "meaning"});
  base::Json list = base::Json::array();
  for (const auto& info : all_settings()) {
    const auto& setting = session.config.get(info.key);
    table.add({std::string(info.key), setting.value.empty() ? "-" : base::printable(setting.value, 80), setting.origin,
               std::string(info.environment), std::string(info.help)});
    list.push_back({{"key", info.key},
                    {"value", setting.value},
                    {"origin", setting.origin},
                    {"default", info.default_value},
                    {"environment", info.environment},
                    {"help", info.help}});
  }
  session.answer(
      {{"home", session.home.root.string()}, {"config", session.home.config.string()}, {"settings", std::move(list)}},
      fmt::format("home    {}\nconfig  {}\n\n{}", session.home.root.string(), session.home.config.string(),
                  table.text()));
}

}  // namespace

void add_reference_commands(CLI::App& app, Session& session) {
  auto* explain_command = app.add_subcommand("explain", "What an error code means and what to do about it");
  auto name = std::make_shared<std::string>();
  explain_command->add_option("CODE", *name, "As --json and `bundle verify` print it; without one, all of them");
  explain_command->footer("Example:\n  airlock explain base-missing");
  explain_command->callback([&session, name] { explain(session, *name); });

  auto* ecosystems = app.add_subcommand("ecosystem", "What airlock can carry");
  auto* list = ecosystems->add_subcommand("list", "The support matrix, from the code");
  list->footer("Example:\n  airlock ecosystem list --json");
  list->callback([&session] { list_ecosystems(session); });
  ecosystems->footer("Example:\n  airlock ecosystem list");

  auto* config = app.add_subcommand("config", "Settings of this installation");
  auto* show = config->add_subcommand("show", "Each setting, its value and where that came from");
  show->footer("Example:\n  AIRLOCK_LISTEN=0.0.0.0:8480 airlock config show");
  show->callback([&session] { show_config(session); });
  config->footer("Example:\n  airlock config show");

  auto* version = app.add_subcommand("version", "Print the version");
  version->footer("Example:\n  airlock version --json");
  version->callback([&session] { session.answer({{"version", AIRLOCK_VERSION}}, "airlock " AIRLOCK_VERSION "\n"); });
}

}  // namespace airlock::cli
