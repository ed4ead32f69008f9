// `bundle verify` and `bundle import`, and their short forms.
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/digest_argument.hpp"
#include "cli/error_output.hpp"
#include "cli/push_output.hpp"
#include "cli/session.hpp"
#include "cli/take_output.hpp"
#include "workflow/import.hpp"
#include "workflow/import_watch.hpp"
#include "workflow/push.hpp"
#include "workflow/salvage.hpp"
#include "workflow/verify.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

constexpr std::size_t k_message_limit = 2000;  // bytes

struct VerifyFlags {
  std::string bundle;
  std::vector<std::string> volumes;
  std::string root;
  unsigned threads = 0;
};

void verify(Session& session, const VerifyFlags& flags) {
  workflow::VerifyOptions options;
  options.bundle = flags.bundle;
  options.volumes = {flags.volumes.begin(), flags.volumes.end()};
  if (!flags.root.empty()) {
    options.root = flags.root;
  }
  options.home = session.home;
  options.wall = session.clock->now();
  options.built = session.built;
  options.threads = flags.threads;
  const auto report = workflow::verify_bundle(options, *session.reporter);
  session.exit_code = report.exit_code();
  session.answer(verify_json(report), verify_text(report));
}

void add_verify(CLI::App& parent, Session& session, const std::string& footer) {
  auto* command = parent.add_subcommand("verify", "Prove a bundle: all signatures, digests and sizes; writes nothing");
  auto flags = std::make_shared<VerifyFlags>();
  command->add_option("BUNDLE", flags->bundle, "A bundle, its head, any volume of it, or a folder")->required();
  command->add_option("--volumes", flags->volumes, "Further folder with volumes; may be repeated")->type_name("DIR");
  command->add_option("--root", flags->root, "Root to prove against; without it the pinned one, else this home's own")
      ->type_name("FILE");
  command->add_option("--threads", flags->threads, "Threads that hash; 0: one a core")->type_name("N");
  command->footer(footer);
  command->callback([&session, flags] { verify(session, *flags); });
}

struct ImportFlags {
  std::vector<std::string> bundles, volumes, withhold, release, push;
  std::string reason, ticket, watch;
  bool hold = false, accept_expired = false, rescan = false, salvage = false;
};

std::set<base::Digest> digests(const std::vector<std::string>& texts, std::string_view flag) {
  std::set<base::Digest> set;
  for (const auto& text : texts) {
    set.insert(digest_argument(text, flag));
  }
  return set;
}

workflow::ImportOptions import_options(const Session& session, const ImportFlags& flags) {
  workflow::ImportOptions options;
  options.home = session.home;
  options.bundles = {flags.bundles.begin(), flags.bundles.end()};
  options.volumes = {flags.volumes.begin(), flags.volumes.end()};
  options.activation = flags.hold ? workflow::Activation::hold : workflow::Activation::at_once;
  options.withhold = digests(flags.withhold, "--withhold");
  options.release = digests(flags.release, "--release");
  options.expiry = flags.accept_expired ? trust::Expiry::accept : trust::Expiry::enforce;
  options.reason = flags.reason;
  options.ticket = flags.ticket;
  options.rescan = flags.rescan;
  options.built = session.built;
  return options;
}

std::vector<workflow::PushResult> push(Session& session, const std::vector<workflow::Destination>& destinations) {
  protect_secrets();
  return workflow::push_catalog({.home = session.home,
                                 .destinations = destinations,
                                 .environment = [](const char* name) { return std::getenv(name); }},
                                *session.reporter);
}

// After an import of a watched folder. Registries that are down keep no further bundle from coming in; the next import,
// or the next start, pushes what they lack.
void push_taken(Session& session, const std::vector<workflow::Destination>& destinations, base::Json& json) {
  try {
    const auto pushed = push(session, destinations);
    json["push"] = push_json(pushed);
    const auto text = push_text(pushed);
    for (const auto& line : base::split(base::trim(text), '\n')) {
      if (push_exit_code(pushed) == 0) {
        session.reporter->say(line);
      } else {
        session.reporter->warning(line);
      }
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) {
      throw;
    }
    json["push_error"] = error_json(error)["error"];
    session.reporter->warning(fmt::format("what was taken in was not pushed: {}; `airlock push` does it",
                                          base::printable(error.message(), k_message_limit)));
  }
}

void watch(Session& session, const ImportFlags& flags, const workflow::ImportOptions& options,
           const std::vector<workflow::Destination>& destinations) {
  if (!flags.bundles.empty()) {
    throw Error(ErrorCode::usage, "--watch takes what arrives in its folder; name no bundle beside it");
  }
  if (flags.accept_expired || !flags.withhold.empty() || !flags.release.empty()) {
    throw Error(ErrorCode::usage, "--accept-expired, --withhold and --release are decisions about one bundle, and "
                                  "--watch takes any that arrives")
        .with_hint("import that bundle by itself: airlock import BUNDLE; a watched folder passes over what is here");
  }
  session.lines = true;
  workflow::WatchEvents events;
  events.taken = [&](const workflow::ImportReport& report) {
    auto json = import_json(report);
    if (!destinations.empty()) {
      push_taken(session, destinations, json);
    }
    if (session.json) {
      session.answer(std::move(json), "");
    }
  };
  events.refused = [&](const std::filesystem::path& head, const Error& error) {
    if (session.json) {
      auto json = error_json(error);
      json["bundle"] = head.string();
      session.answer(std::move(json), "");
    }
  };
  workflow::watch_folder(flags.watch, options, events, *session.clock, *session.reporter);
}

// What an import does beyond taking blobs in.
bool asks_for_import(const ImportFlags& flags) {
  return flags.hold || flags.accept_expired || flags.rescan || !flags.watch.empty() || !flags.push.empty() ||
         !flags.withhold.empty() || !flags.release.empty();
}

void salvage(Session& session, const ImportFlags& flags) {
  if (asks_for_import(flags)) {
    throw Error(ErrorCode::usage,
                "--salvage takes no --push, --hold, --withhold, --release, --accept-expired, --rescan or --watch: it "
                "changes nothing but the blobs that are missing or damaged here");
  }
  if (flags.bundles.empty() && flags.volumes.empty()) {
    throw Error(ErrorCode::usage, "--salvage needs a bundle, a volume or a folder to take from; any age will do")
        .with_hint("airlock bundle import --salvage /media/old/");
  }
  workflow::SalvageOptions options;
  options.home = session.home;
  options.bundles = {flags.bundles.begin(), flags.bundles.end()};
  options.bundles.insert(options.bundles.end(), flags.volumes.begin(), flags.volumes.end());
  options.remark = {flags.reason, flags.ticket};
  const auto report = workflow::salvage_blobs(options, *session.clock, *session.reporter);
  session.exit_code = report.exit_code();
  session.answer(salvage_json(report), salvage_text(report));
}

void import(Session& session, const ImportFlags& flags) {
  if (flags.salvage) {
    salvage(session, flags);
    return;
  }
  auto options = import_options(session, flags);
  std::vector<workflow::Destination> destinations;
  for (const auto& spec : flags.push) {
    // Read before the import, so that a mistake in them does not show only after an hour.
    const auto more = workflow::read_destinations(spec);
    destinations.insert(destinations.end(), more.begin(), more.end());
  }
  if (!flags.watch.empty()) {
    watch(session, flags, options, destinations);
    return;
  }
  if (flags.bundles.empty()) {
    throw Error(ErrorCode::usage, "import needs a bundle, or --watch DIR").with_hint("airlock import /media/stick/");
  }
  options.taken_before_refusal = [&session](const workflow::ImportReport& taken) {
    session.done = {import_json(taken), import_text(taken)};
  };
  const auto report = workflow::import_bundles(options, *session.clock, *session.reporter);
  auto json = import_json(report);
  auto text = import_text(report);
  if (!destinations.empty()) {
    session.done = {json, text};
    const auto pushed = push(session, destinations);
    json["push"] = push_json(pushed);
    text += push_text(pushed);
    session.exit_code = push_exit_code(pushed);
  }
  session.answer(std::move(json), text);
}

void add_import(CLI::App& parent, Session& session, const std::string& footer) {
  auto* command = parent.add_subcommand(
      "import", "Prove bundles and take them in, each as one step; run it again after any interruption");
  auto flags = std::make_shared<ImportFlags>();
  command->add_option("BUNDLE", flags->bundles, "Bundles, heads, volumes or folders, in any order");
  command->add_option("--volumes", flags->volumes, "Further folder with volumes; may be repeated")->type_name("DIR");
  command
      ->add_option("--push", flags->push,
                   "Push what was taken in afterwards, with --watch after each: a file, or ECOSYSTEM=URL")
      ->type_name("DESTINATIONS");
  command->add_flag("--hold", flags->hold, "Take it in, but serve it only after `airlock store activate`");
  command->add_option("--withhold", flags->withhold, "Do not take or serve this blob; stays so until --release")
      ->type_name("DIGEST");
  command->add_option("--release", flags->release, "Want a blob again that was withheld")->type_name("DIGEST");
  command->add_flag("--accept-expired", flags->accept_expired,
                    "Accept an expired timestamp or snapshot, this once; never an expired root");
  command->add_flag("--rescan", flags->rescan, "Ask the site's scanner also about files that it was asked before");
  command->add_option("--reason", flags->reason, "Why; kept in the audit log")->type_name("TEXT");
  command->add_option("--ticket", flags->ticket, "Of your own records; kept in the audit log")->type_name("ID");
  command->add_option("--watch", flags->watch, "Take every bundle that becomes complete in this folder, until stopped")
      ->type_name("DIR");
  command->add_flag("--salvage", flags->salvage,
                    "Take from bundles or volumes of any age only the blobs that this store lost or finds damaged");
  command->footer(footer);
  command->callback([&session, flags] { import(session, *flags); });
}

}  // namespace

void add_bundle_take_commands(CLI::App& app, CLI::App& bundle, Session& session) {
  add_verify(bundle, session, "Example:\n  airlock bundle verify /media/stick/ --root root.json");
  add_import(bundle, session,
             "Examples:\n  airlock bundle import /media/stick/ --ticket CHG-4711\n"
             "  airlock bundle import --salvage /media/old/");
  add_verify(app, session, "Example:\n  airlock verify site-a-7.airlock\n\nThe same as `airlock bundle verify`.");
  add_import(app, session,
             "Example:\n  airlock import /media/stick1/ /media/stick2/\n\nThe same as `airlock bundle import`.");
}

}  // namespace airlock::cli
