// `airlock init`: the first manifest and the keys, from flags or a few questions.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/new_keys.hpp"
#include "cli/session.hpp"
#include "workflow/init.hpp"
#include "workflow/keys.hpp"
#include "workflow/project.hpp"

namespace airlock::cli {

namespace {

using base::Error;
using base::ErrorCode;

struct InitFlags {
  workflow::InitOptions manifest;
  std::string path;
  std::vector<std::string> projects;
  NewKeysFlags keys;
};

std::vector<std::string> ask_list(Session& session, std::string_view question, std::string_view flag) {
  std::vector<std::string> list;
  for (const auto& part : base::split(session.ask(question, flag), ',')) {
    if (const auto trimmed = base::trim(part); !trimmed.empty()) {
      list.emplace_back(trimmed);
    }
  }
  return list;
}

void ask_for_rest(Session& session, workflow::InitOptions& options) {
  if (options.name.empty() && !options.projects.empty()) {
    options.name = workflow::channel_name(options.projects.front());
  }
  if (options.name.empty()) {
    options.name = session.ask("Name of the channel (a-z, 0-9 and -), for example site-a:", "--name N");
  }
  if (options.images.empty() && options.tools.empty() && options.files.empty() && options.packages.empty() &&
      options.projects.empty()) {
    options.images = ask_list(session, "Container images, with commas between (may be none):", "--image REF");
    options.tools =
        ask_list(session, "CLI tools as NAME@VERSION, with commas between (may be none):", "--tool NAME@VERSION");
    options.files = ask_list(session, "Files as URLs or paths, with commas between (may be none):", "--file URL");
  }
}

void init(Session& session, InitFlags& flags) {
  flags.manifest.projects = {flags.projects.begin(), flags.projects.end()};
  ask_for_rest(session, flags.manifest);
  if (flags.path.empty()) {
    flags.path = flags.manifest.name + ".yaml";
  }
  flags.manifest.manifest = flags.path;
  if (std::error_code ignored; std::filesystem::exists(flags.path, ignored)) {
    throw Error(ErrorCode::conflict, fmt::format("{} exists already", flags.path))
        .with_hint("add to it with an editor, or name another file with --manifest");
  }
  workflow::tell(workflow::survey_projects(flags.manifest.projects), *session.reporter);
  workflow::make_manifest(flags.manifest);  // every mistake is told before keys are made
  std::string text;
  std::string fingerprint;
  std::string root;
  bool made = false;
  if (workflow::has_keys(session.home)) {
    const auto keys = workflow::show_keys(session.home);
    fingerprint = keys.fingerprint;
    root = (session.home.keys() / fmt::format("{}.root.json", keys.root_version)).string();
    text = fmt::format("the home has keys already; fingerprint:\n  {}\n", base::group_digits(fingerprint));
  } else {
    flags.keys.name = flags.manifest.name;
    const auto report = make_keys(session, flags.keys);
    fingerprint = report.fingerprint;
    root = report.root.string();
    text = new_keys_text(report, flags.keys);
    made = true;
  }
  workflow::write_manifest(flags.manifest);
  text = fmt::format("wrote {}\n{}next: airlock bundle create -m {} -o DIR/\n", flags.path, text, flags.path);
  session.answer({{"manifest", std::filesystem::absolute(flags.path).string()},
                  {"name", flags.manifest.name},
                  {"keys_made", made},
                  {"fingerprint", fingerprint},
                  {"root", root}},
                 text);
}

}  // namespace

void add_init_command(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("init", "Write a first manifest, and make keys if there are none");
  auto flags = std::make_shared<InitFlags>();
  command->add_option("--name", flags->manifest.name, "Name of the channel")->type_name("NAME");
  command->add_option("--image", flags->manifest.images, "Image to carry; may be repeated")->type_name("REF");
  command->add_option("--tool", flags->manifest.tools, "CLI tool to carry; may be repeated")->type_name("NAME@VERSION");
  command->add_option("--file", flags->manifest.files, "File to carry; may be repeated")->type_name("URL");
  command->add_option("--package", flags->manifest.packages, "Package to carry; may be repeated")
      ->type_name("ECOSYSTEM:SPEC");
  command->add_option("--project", flags->projects, "Working tree that says itself what it needs; may be repeated")
      ->type_name("DIR");
  command->add_option("--manifest", flags->path, "The manifest to write; NAME.yaml when not given")->type_name("FILE");
  add_new_keys_flags(*command, flags->keys);
  command->footer("Examples:\n"
                  "  airlock init\n"
                  "  airlock init --project ./infra\n"
                  "  airlock init --name site-a --image docker.io/library/debian:12 --tool opentofu@1.12.6");
  command->callback([&session, flags] { init(session, *flags); });
}

}  // namespace airlock::cli
