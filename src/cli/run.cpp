#include "cli/run.hpp"

#include <filesystem>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/build_date.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/error_output.hpp"
#include "cli/session.hpp"
#include "cli/terminal_reporter.hpp"
#include "trust/fips.hpp"
#include "workflow/restore.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

bool is_terminal(std::FILE* stream) {
  const int descriptor = fileno(stream);
  return descriptor >= 0 && isatty(descriptor) == 1;
}

bool set(const char* value) {
  return value != nullptr && *value != '\0';
}

bool wants_color(const std::string& when, std::FILE* stream) {
  if (when != "auto") {
    return when == "always";
  }
  const char* term = std::getenv("TERM");
  return is_terminal(stream) && !set(std::getenv("NO_COLOR")) && set(term) && std::string_view(term) != "dumb";
}

std::unique_ptr<base::Reporter> reporter_for(const GlobalFlags& flags, const Session& session) {
  ReporterOptions options;
  options.stream = session.err;
  options.quiet = flags.quiet;
  options.verbose = flags.verbose;
  options.color = session.color;
  if (flags.no_progress || flags.quiet) {
    options.progress = ReporterOptions::Progress::none;
  } else if (is_terminal(session.err)) {
    options.progress = ReporterOptions::Progress::bars;
  }
  return make_terminal_reporter(options);
}

// Commands that only print what is built in: a mistake in the configuration must not keep a person from reading what
// it means.
bool needs_home(CLI::App& app) {
  const auto commands = app.get_subcommands();
  constexpr std::string_view k_without[] = {"explain", "ecosystem", "help", "version"};
  return !commands.empty() && std::none_of(std::begin(k_without), std::end(k_without),
                                           [&](std::string_view name) { return commands.front()->get_name() == name; });
}

// Commands that only look at what a home holds. Those that say where keys are wanted are not among them.
bool only_looks(CLI::App& app) {
  const auto commands = app.get_subcommands();
  const std::string name = commands.front()->get_name();
  const auto below = commands.front()->get_subcommands();
  const std::string verb = below.empty() ? "" : below.front()->get_name();
  if (name == "store" || name == "trust") {
    constexpr std::string_view k_verbs[] = {"list", "diff", "check", "receipt", "who", "scans", "show", "policy"};
    return std::find(std::begin(k_verbs), std::end(k_verbs), verb) != std::end(k_verbs);
  }
  return name == "status" || name == "audit" || name == "wants";
}

// A home that was misspelt is no empty one, of which all would be well.
void refuse_missing_home(const Session& session, const GlobalFlags& flags, const Surroundings& around, CLI::App& app) {
  if (!only_looks(app) || !home_is_named(flags.home, around) || home_exists(session.home)) {
    return;
  }
  const auto others = other_homes_with_data(session.home, around);
  throw Error(ErrorCode::not_found, fmt::format("there is no home in {}", session.home.root.string()))
      .with_hint(others.empty()
                     ? "check --home and AIRLOCK_HOME; a new home begins with `airlock init` on a connected "
                       "host, with `airlock trust init root.json` on an isolated one"
                     : fmt::format("{} holds data: --home {}", others.front().string(), others.front().string()));
}

void tell_of_other_homes(Session& session, const Surroundings& around) {
  if (holds_data(session.home)) {
    return;
  }
  for (const auto& other : other_homes_with_data(session.home, around)) {
    session.reporter->say(fmt::format("using the home {}, which is empty; {} holds data (--home {})",
                                      session.home.root.string(), other.string(), other.string()));
  }
}

// Half of it would be of before, half of after.
void refuse_unfinished_restore(const Session& session, CLI::App& app) {
  if (app.get_subcommands().front()->get_name() != "restore" && workflow::restore_is_unfinished(session.home.root)) {
    throw Error(ErrorCode::busy, fmt::format("a restore of {} was interrupted", session.home.root.string()))
        .with_hint("run the same `airlock restore` again; it goes on where it ended");
  }
}

void prepare(Session& session, const GlobalFlags& flags, CLI::App& app) {
  session.json = flags.json;
  session.quiet = flags.quiet;
  session.verbose = flags.verbose;
  session.color = wants_color(flags.color, session.err);
  session.terminal = is_terminal(stdin) && is_terminal(session.err);
  session.reporter = reporter_for(flags, session);
  if (!needs_home(app)) {
    return;
  }
  const auto around = Surroundings::of_this_process();
  session.home = locate_home(flags.home, around);
  refuse_unfinished_restore(session, app);
  refuse_missing_home(session, flags, around, app);
  session.config = Config::load(config_file(flags.home, session.home), around.environment);
  if (session.config.flag("fips")) {
    trust::require_fips();
  }
  tell_of_other_homes(session, around);
}

void print_version(Session& session) {
  session.answer({{"version", AIRLOCK_VERSION}}, "airlock " AIRLOCK_VERSION "\n");
}

void print_help(Session& session, const std::string& text) {
  session.answer({{"help", text}}, text);
}

int fail(Session& session, const Error& error) {
  // Bars end where they are; the error follows below them.
  session.reporter.reset();
  if (!session.answered || (session.lines && session.json)) {
    try {
      auto json = session.done.json;
      json.update(error_json(error));
      session.answer(std::move(json), session.done.text);
    } catch (const Error&) {
      // stdout is gone; the exit code still tells.
    }
  }
  const auto text = error_text(error, session.color ? Color::on : Color::off);
  std::fwrite(text.data(), 1, text.size(), session.err);
  std::fflush(session.err);
  return base::error_code_info(error.code()).exit_code;
}

}  // namespace

int run(const std::vector<std::string>& arguments, const Streams& streams) {
  Session session;
  session.out = streams.out;
  session.err = streams.err;
  session.clock = std::make_unique<base::SystemClock>();
  session.built = base::build_date();
  // Also where the command line itself is wrong, a script gets its JSON object.
  const auto flags_end = std::find(arguments.begin(), arguments.end(), "--");
  session.json = std::find(arguments.begin(), flags_end, "--json") != flags_end;
  session.color = wants_color("auto", session.err);

  GlobalFlags flags;
  try {
    const auto app = make_app(flags, session);
    app->parse_complete_callback([&] { prepare(session, flags, *app); });
    try {
      // CLI11 takes them from the back.
      std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
      if (std::find(arguments.begin(), flags_end, "--version") != flags_end) {
        print_version(session);
        return 0;
      }
      app->parse(std::move(reversed));
    } catch (const CLI::CallForHelp&) {
      print_help(session, help_text(*deepest_command(*app)));
      return 0;
    } catch (const HelpRequest& request) {
      print_help(session, request.text);
      return 0;
    } catch (const CLI::ParseError& error) {
      throw usage_error(error, *app);
    }
    if (session.json && !session.answered && !session.lines) {
      session.answer(base::Json::object(), "");
    }
    return session.exit_code;
  } catch (const Error& error) {
    return fail(session, error);
  } catch (const std::bad_alloc&) {
    return fail(session, Error(ErrorCode::limit, "out of memory").with_hint("see the memory limit of this process"));
  } catch (const std::filesystem::filesystem_error& error) {
    return fail(session, base::system_error(error.code().value(),
                                            fmt::format("cannot use '{}'", base::printable(error.path1().string()))));
  } catch (const std::exception& error) {
    return fail(session,
                Error(ErrorCode::internal, error.what()).with_hint("please report this with the command line"));
  }
}

}  // namespace airlock::cli
