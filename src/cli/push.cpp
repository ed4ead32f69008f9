#include <cstdlib>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/error_output.hpp"
#include "cli/push_output.hpp"
#include "cli/session.hpp"
#include "workflow/push.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;
using Mode = ecosystem::PushContext::Mode;

struct PushFlags {
  std::vector<std::string> destinations, only;
  bool dry_run = false, check = false;
};

void push(Session& session, const PushFlags& flags) {
  if (flags.dry_run && flags.check) {
    throw Error(ErrorCode::usage, "--dry-run and --check exclude each other");
  }
  protect_secrets();
  workflow::PushOptions options;
  options.home = session.home;
  for (const auto& spec : flags.destinations) {
    const auto more = workflow::read_destinations(spec);
    options.destinations.insert(options.destinations.end(), more.begin(), more.end());
  }
  options.only = flags.only;
  options.mode = flags.dry_run ? Mode::dry_run : flags.check ? Mode::check : Mode::push;
  options.environment = [](const char* name) { return std::getenv(name); };
  const auto results = workflow::push_catalog(options, *session.reporter);
  session.exit_code = push_exit_code(results);
  session.answer({{"destinations", push_json(results)}, {"ok", session.exit_code == 0}}, push_text(results));
}

}  // namespace

base::Json push_json(const std::vector<workflow::PushResult>& results) {
  base::Json list = base::Json::array();
  for (const auto& result : results) {
    base::Json failures = base::Json::array();
    for (const auto& failure : result.report.failures) {
      failures.push_back(finding_json(failure));
    }
    list.push_back({{"ecosystem", result.ecosystem},
                    {"url", result.url},
                    {"pushed", result.report.pushed},
                    {"present", result.report.present},
                    {"bytes_sent", result.report.bytes_sent},
                    {"failures", std::move(failures)}});
  }
  return list;
}

std::string push_text(const std::vector<workflow::PushResult>& results) {
  std::string text;
  for (const auto& result : results) {
    text += fmt::format("{} to {}: {} pushed, {} there already, {} failed; {} sent\n", result.ecosystem, result.url,
                        result.report.pushed, result.report.present, result.report.failures.size(),
                        base::format_bytes(result.report.bytes_sent));
    for (const auto& failure : result.report.failures) {
      text += fmt::format("  FAIL  {}: {}\n", base::printable(failure.subject), base::printable(failure.message, 2000));
    }
  }
  return text;
}

int push_exit_code(const std::vector<workflow::PushResult>& results) {
  for (const auto& result : results) {
    if (!result.report.failures.empty()) {
      return 1;
    }
  }
  return 0;
}

void add_push_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("push", "Push what is active here into registries that are already there");
  auto flags = std::make_shared<PushFlags>();
  command
      ->add_option("DESTINATIONS", flags->destinations,
                   "A YAML file (ecosystem: {url, username, password_env, ca_file}), or ECOSYSTEM=URL")
      ->required();
  command->add_option("--only", flags->only, "This ecosystem only; may be repeated")->type_name("ECOSYSTEM");
  command->add_flag("--dry-run", flags->dry_run, "Say what would be pushed, ask nothing of the registry");
  command->add_flag("--check", flags->check, "Compare with what the registry holds, push nothing");
  command->footer("Examples:\n  airlock push oci=https://registry.site.example/mirror\n  airlock push "
                  "destinations.yaml --only oci\n\n"
                  "What is there already is skipped, so running it again finishes what failed. A failure of one "
                  "artifact leaves the\n"
                  "others alone and ends with exit code 1.");
  command->callback([&session, flags] { push(session, *flags); });
}

}  // namespace airlock::cli
