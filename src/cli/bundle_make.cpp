// `bundle lock`, `create` and `compare`: the connected host's side.
#include <cstdlib>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/key_access.hpp"
#include "cli/make_output.hpp"
#include "cli/new_keys.hpp"
#include "cli/session.hpp"
#include "workflow/compare.hpp"
#include "workflow/create.hpp"
#include "workflow/lock_manifests.hpp"
#include "workflow/volume_size.hpp"

extern char** environ;

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

workflow::Environment user_environment() {
  workflow::Environment result;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (const auto equals = text.find('='); equals != std::string_view::npos) {
      result.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return result;
}

// Recipes of tools that the user adds; beside the configuration.
std::filesystem::path recipe_folder(const Session& session) {
  const auto folder = session.home.config / "recipes";
  std::error_code ignored;
  return std::filesystem::is_directory(folder, ignored) ? folder : std::filesystem::path();
}

struct LockFlags {
  std::vector<std::string> manifests, projects, platforms;
  std::string output;
};

void lock(Session& session, const LockFlags& flags) {
  workflow::LockOptions options;
  options.manifests = {flags.manifests.begin(), flags.manifests.end()};
  options.projects = {flags.projects.begin(), flags.projects.end()};
  options.output = flags.output;
  options.platforms = model::parse_platforms(flags.platforms);
  options.recipes = recipe_folder(session);
  options.environment = user_environment();
  const auto report = workflow::lock_manifests(options, *session.reporter);
  session.answer(lock_json(report), lock_text(report));
}

void add_lock(CLI::App& bundle, Session& session) {
  auto* command =
      bundle.add_subcommand("lock", "Resolve a manifest to exact files, and show what changed; fetches no blob");
  auto flags = std::make_shared<LockFlags>();
  command->add_option("-m,--manifest", flags->manifests, "Manifest; may be repeated")->type_name("FILE");
  command->add_option("--project", flags->projects, "Working tree that says itself what it needs; may be repeated")
      ->type_name("DIR");
  command->add_option("-o,--output", flags->output, "The lock; default: the first manifest's path with .lock")
      ->type_name("FILE");
  command->add_option("--platform", flags->platforms, "Default platform, in place of the manifests'; may be repeated")
      ->type_name("OS/ARCH");
  command->footer("Example:\n  airlock bundle lock -m site-a.yaml && git diff site-a.lock");
  command->callback([&session, flags] { lock(session, *flags); });
}

struct CreateFlags {
  std::vector<std::string> manifests, projects, wants, bases, volumes, platforms;
  std::string lock, output, continue_from, volume_size, limit_rate;
  bool add = false, dry_run = false, restart = false, readback = false, no_readback = false;
  PassphraseFlags passphrase;
};

workflow::CreateOptions create_options(const Session& session, const CreateFlags& flags) {
  workflow::CreateOptions options;
  options.manifests = {flags.manifests.begin(), flags.manifests.end()};
  options.projects = {flags.projects.begin(), flags.projects.end()};
  options.wants = {flags.wants.begin(), flags.wants.end()};
  options.bases = {flags.bases.begin(), flags.bases.end()};
  options.volumes = {flags.volumes.begin(), flags.volumes.end()};
  if (!flags.lock.empty()) {
    options.lock = flags.lock;
  }
  if (!flags.continue_from.empty()) {
    options.continue_from = flags.continue_from;
  }
  if (!flags.volume_size.empty()) {
    options.volume_size = workflow::parse_volume_size(flags.volume_size);
  }
  options.output = flags.output;
  options.platforms = model::parse_platforms(flags.platforms);
  options.add = flags.add;
  options.restart = flags.restart;
  options.dry_run = flags.dry_run;
  if (flags.readback && flags.no_readback) {
    throw Error(ErrorCode::usage, "--readback and --no-readback exclude each other");
  }
  options.readback = flags.readback      ? workflow::Readback::always
                     : flags.no_readback ? workflow::Readback::never
                                         : workflow::Readback::removable_only;
  options.rate_limit =
      flags.limit_rate.empty() ? session.config.number("limit_rate") : base::parse_bytes(flags.limit_rate);
  options.recipes = recipe_folder(session);
  options.environment = user_environment();
  return options;
}

// On a terminal, keys are offered where there are none; a script is told the command.
void require_keys(Session& session, const CreateFlags& flags) {
  if (workflow::has_keys(session.home)) {
    return;
  }
  const std::string missing = fmt::format("there are no signing keys in {}", session.home.keys().string());
  if (session.terminal) {
    const auto answer = session.ask(missing + "; make them now? [y/N]", "");
    if (answer == "y" || answer == "Y" || answer == "yes") {
      NewKeysFlags keys;
      keys.passphrase = flags.passphrase;
      session.reporter->say(new_keys_text(make_keys(session, keys), keys));
      return;
    }
  }
  throw Error(ErrorCode::config, missing)
      .with_hint("make them once with `airlock keys init`, then run the same command again");
}

void create(Session& session, const CreateFlags& flags) {
  const auto options = create_options(session, flags);
  std::unique_ptr<workflow::KeyRing> keys;
  const bool asks = !flags.manifests.empty() || !flags.projects.empty() || !flags.wants.empty() || !flags.lock.empty();
  if (!flags.dry_run && asks) {
    require_keys(session, flags);
    keys = open_keys(session, flags.passphrase);
  }
  const auto report = workflow::create_bundle(session.home, options, keys.get(), *session.clock, *session.reporter);
  session.answer(create_json(report), create_text(report));
}

void add_create(CLI::App& bundle, Session& session) {
  auto* command = bundle.add_subcommand("create", "Fetch what a manifest asks for and write one signed bundle");
  auto flags = std::make_shared<CreateFlags>();
  command->add_option("-m,--manifest", flags->manifests, "Manifest; may be repeated")->type_name("FILE");
  command->add_option("--project", flags->projects, "Working tree that says itself what it needs; may be repeated")
      ->type_name("DIR");
  command->add_option("--lock", flags->lock, "Fetch exactly what this lock says, or fail; -m then only says how")
      ->type_name("FILE");
  command->add_option("--wants", flags->wants, "List that was carried back; added to the last state")
      ->type_name("FILE");
  command->add_option("-o,--output", flags->output, "FILE for one bundle, DIR/ for the whole set to carry")
      ->type_name("PATH");
  command->add_option("--base", flags->bases, "What the site has: a bundle, head or receipt; left out. May be repeated")
      ->type_name("FILE");
  command
      ->add_option("--volumes", flags->volumes,
                   "Further folder with approvals of what --base and --continue name; may be repeated")
      ->type_name("DIR");
  command->add_option("--volume-size", flags->volume_size, "Cut into volumes: 4GiB, 4000M, fat32, cd, dvd, bd25")
      ->type_name("N");
  command->add_option("--platform", flags->platforms, "Default platform, in place of the manifests'; may be repeated")
      ->type_name("OS/ARCH");
  command->add_flag("--add", flags->add, "Add to the last state instead of replacing it");
  command->add_option("--continue", flags->continue_from, "Last head of a channel that this home does not know")
      ->type_name("HEAD");
  command->add_option("--limit-rate", flags->limit_rate, "Bytes a second from the network, for example 10MiB")
      ->type_name("N");
  command->add_flag("--dry-run", flags->dry_run, "Resolve and tell the sizes; write nothing");
  command->add_flag("--restart", flags->restart, "Drop what an interrupted run left");
  command->add_flag("--readback", flags->readback, "Read everything back and compare, on any medium");
  command->add_flag("--no-readback", flags->no_readback, "Not even on a removable one");
  add_passphrase_flags(*command, flags->passphrase);
  command->footer("Examples:\n"
                  "  airlock bundle create -m site-a.yaml -o /media/stick/\n"
                  "  airlock bundle create --project ./infra -o /media/stick/\n"
                  "  airlock bundle create --lock site-a.lock -o site-a.airlock\n"
                  "  airlock bundle create -m site-a.yaml --base receipt.json --volume-size dvd -o out/");
  command->callback([&session, flags] { create(session, *flags); });
}

struct CompareFlags {
  std::string a, b;
};

void add_compare(CLI::App& bundle, Session& session) {
  auto* command = bundle.add_subcommand("compare", "Tell whether two makers made the same bundle");
  auto flags = std::make_shared<CompareFlags>();
  command->add_option("A", flags->a, "A bundle or head")->type_name("BUNDLE")->required();
  command->add_option("B", flags->b, "Another one")->type_name("BUNDLE")->required();
  command->footer("Example:\n  airlock bundle compare mine/site-a-7.airlock theirs/site-a-7.airlock");
  command->callback([&session, flags] {
    const auto report = workflow::compare_bundles(flags->a, flags->b);
    session.exit_code = report.same() ? 0 : 1;
    session.answer(compare_json(report), compare_text(report));
  });
}

}  // namespace

void add_bundle_make_commands(CLI::App& bundle, Session& session) {
  add_lock(bundle, session);
  add_create(bundle, session);
  add_compare(bundle, session);
}

}  // namespace airlock::cli
