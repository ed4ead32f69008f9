#include "cli/commands.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::string_view k_global_group = "Everywhere";

void add_global_flags(CLI::App& app, GlobalFlags& flags) {
  const std::string group(k_global_group);
  app.add_option("--home", flags.home.home, "Where airlock keeps keys, trust and blobs")
      ->type_name("DIR")
      ->group(group);
  app.add_option("--config", flags.home.config, "airlock.yaml, or the folder that holds it and the pinned roots")
      ->type_name("FILE")
      ->group(group);
  app.add_flag("--json", flags.json, "Answer with one JSON object on stdout")->group(group);
  app.add_flag("-q,--quiet", flags.quiet, "Only results, warnings and errors")->group(group);
  app.add_flag("-v,--verbose", flags.verbose, "Tell more on the way")->group(group);
  app.add_flag("--no-progress", flags.no_progress, "No progress bars or lines")->group(group);
  app.add_option("--color", flags.color, "auto, always or never")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->group(group);
  app.add_flag("--version", flags.version, "Print the version and stop")->group(group);
}

// A flag takes one value and is repeated for more, so that what follows it is never taken for a second one;
// and a word that names a command elsewhere is an argument where no command can stand.
void settle_rules(CLI::App& app) {
  for (auto* option : app.get_options([](const CLI::Option* each) { return each->nonpositional(); })) {
    option->allow_extra_args(false);
  }
  const auto below = app.get_subcommands([](CLI::App*) { return true; });
  if (below.empty()) {
    return;
  }
  if (app.get_require_subcommand_max() == 0) {  // not chosen by the command itself
    app.require_subcommand(1);
  }
  for (auto* command : below) {
    settle_rules(*command);
  }
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
    for (const auto& name : option->get_snames()) {
      names.push_back("-" + name);
    }
  }
  return names;
}

std::vector<std::string> command_names(CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands([](CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::string lower_first(std::string text) {
  // "--root: 1 required" and names in capitals stay as they are.
  if (text.size() > 1 && std::isupper(static_cast<unsigned char>(text[0])) != 0 &&
      std::islower(static_cast<unsigned char>(text[1])) != 0) {
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  }
  while (!text.empty() && (text.back() == '.' || text.back() == '\n')) {
    text.pop_back();
  }
  return text;
}

void add_help_command(CLI::App& app) {
  auto* command = app.add_subcommand("help", "What a command does, its flags and an example");
  auto words = std::make_shared<std::vector<std::string>>();
  command->add_option("COMMAND", *words, "The command, for example: bundle verify");
  command->footer("Example:\n  airlock help bundle import");
  command->callback([&app, words] {
    CLI::App* found = &app;
    for (const auto& word : *words) {
      const auto matches = found->get_subcommands([&word](CLI::App* each) { return each->get_name() == word; });
      if (matches.empty()) {
        auto error = Error(ErrorCode::usage,
                           fmt::format("'{}' has no command '{}'", command_path(*found), base::printable(word, 60)));
        if (const auto near = base::nearest(word, command_names(*found))) {
          error.with_hint(fmt::format("did you mean '{}'?", *near));
        }
        throw error;
      }
      found = matches.front();
    }
    throw HelpRequest{help_text(*found)};
  });
}

}  // namespace

std::unique_ptr<CLI::App> make_app(GlobalFlags& flags, Session& session) {
  auto app =
      std::make_unique<CLI::App>("Carries images, tools, packages and files across an air gap, signed.", "airlock");
  app->fallthrough();
  app->get_formatter()->column_width(34);
  add_global_flags(*app, flags);

  add_init_command(*app, session);
  add_keys_commands(*app, session);
  auto* bundle = app->add_subcommand("bundle", "Make, look into, prove and take in bundles");
  add_bundle_make_commands(*bundle, session);
  add_bundle_approve_commands(*bundle, session);
  add_bundle_ship_commands(*bundle, session);
  add_bundle_revoke_command(*bundle, session);
  add_bundle_site_approve_command(*bundle, session);
  add_bundle_look_commands(*bundle, session);
  add_bundle_take_commands(*app, *bundle, session);
  bundle->footer("Example:\n  airlock bundle create -m site-a.yaml -o /media/stick/");
  add_trust_commands(*app, session);
  add_store_commands(*app, session);
  add_backup_commands(*app, session);
  add_block_commands(*app, session);
  add_push_command(*app, session);
  add_serve_command(*app, session);
  add_pool_commands(*app, session);
  add_deploy_commands(*app, session);
  add_client_commands(*app, session);
  add_tls_command(*app, session);
  add_agent_commands(*app, session);
  add_reference_commands(*app, session);
  add_help_command(*app);

  // After the commands: a footer is inherited by whatever is added below.
  app->footer("Connected host:  airlock init, airlock bundle create -m site-a.yaml -o DIR/\n"
              "Isolated host:   airlock trust init root.json, airlock import DIR/, airlock serve\n"
              "`airlock help COMMAND` explains each; flags may stand before or after the command.");
  settle_rules(*app);
  return app;
}

CLI::App* deepest_command(CLI::App& app) {
  CLI::App* command = &app;
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().back();
  }
  return command;
}

std::string command_path(const CLI::App& command) {
  return command.get_parent() == nullptr ? command.get_name()
                                         : command_path(*command.get_parent()) + " " + command.get_name();
}

// App::help() would follow the commands that were parsed, and print the help of `help` itself.
std::string help_text(const CLI::App& command) {
  return command.get_formatter()->make_help(&command, command_path(command), CLI::AppFormatMode::Normal);
}

base::Error usage_error(const CLI::ParseError& error, CLI::App& app) {
  auto* command = deepest_command(app);
  const auto path = command_path(*command);
  const auto extras = app.remaining(true);
  // CLI11 first misses a command and only then looks at the word that was meant as one.
  if (!extras.empty() && (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ||
                          dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)) {
    const auto& word = extras.front();
    const auto shown = base::printable(word, 80);
    if (word.starts_with("-")) {
      const auto name = word.substr(0, word.find('='));
      auto candidates = option_names(*command);
      const auto global = option_names(app);
      candidates.insert(candidates.end(), global.begin(), global.end());
      auto result = Error(ErrorCode::usage, fmt::format("'{}' has no flag '{}'", path, base::printable(name, 80)));
      if (const auto near = base::nearest(name, candidates)) {
        return std::move(result).with_hint(fmt::format("did you mean '{}'?", *near));
      }
      return std::move(result).with_hint(fmt::format("`{} --help` lists its flags", path));
    }
    const auto below = command_names(*command);
    if (below.empty()) {
      return Error(ErrorCode::usage, fmt::format("'{}' does not take the argument '{}'", path, shown))
          .with_hint(fmt::format("`{} --help` shows what it takes", path));
    }
    auto result = Error(ErrorCode::usage, fmt::format("'{}' has no command '{}'", path, shown));
    if (const auto near = base::nearest(word, below)) {
      return std::move(result).with_hint(fmt::format("did you mean '{} {}'?", path, *near));
    }
    return std::move(result).with_hint(fmt::format("`{} --help` lists the commands", path));
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && !command_names(*command).empty()) {
    return Error(ErrorCode::usage,
                 fmt::format("'{}' needs a command: {}", path, base::join(command_names(*command), ", ")))
        .with_hint(fmt::format("`{} --help` says what each does", path));
  }
  return Error(ErrorCode::usage, lower_first(error.what()))
      .with_hint(fmt::format("`{} --help` shows what it takes", path));
}

}  // namespace airlock::cli
