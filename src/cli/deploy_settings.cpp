// `airlock deploy settings`: what every deployment of a stack begins with.
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "cli/deploy.hpp"
#include "cli/session.hpp"
#include "control/json_fields.hpp"

namespace airlock::cli {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr std::size_t k_settings_limit = 1024 * 1024;  // bytes

struct SettingsFlags {
  ServerFlags server;
  std::string stack, file = "-";
  bool merge = false;
};

std::string settings_path(const SettingsFlags& flags) {
  return stack_path(flags.stack, flags.server.organization) + "/settings";
}

class StdinSource : public base::ByteSource {
 public:
  std::size_t read(std::span<std::byte> buffer) override { return std::fread(buffer.data(), 1, buffer.size(), stdin); }
};

Json read_document(const SettingsFlags& flags) {
  if (flags.file != "-") {
    return control::parse_private_json(base::read_file(flags.file, k_settings_limit), flags.file);
  }
  StdinSource source;
  return control::parse_private_json(base::read_all(source, k_settings_limit), "stdin");
}

void get_settings(Session& session, const SettingsFlags& flags) {
  ServerAccess server(session, flags.server);
  const auto settings = server.find(settings_path(flags));
  if (!settings) {
    throw Error(ErrorCode::not_found, fmt::format("the stack '{}' has no settings", base::printable(flags.stack, 200)))
        .with_hint("`airlock deploy settings set STACK FILE` gives it some");
  }
  session.answer({{"settings", *settings}}, settings->dump(2) + "\n");
}

void set_settings(Session& session, const SettingsFlags& flags) {
  ServerAccess server(session, flags.server);
  const Json after = server.send(flags.merge ? "POST" : "PUT", settings_path(flags), read_document(flags));
  session.answer({{"settings", after}}, "the settings are kept; secrets in them are encrypted\n");
}

void delete_settings(Session& session, const SettingsFlags& flags) {
  ServerAccess server(session, flags.server);
  server.send("DELETE", settings_path(flags), std::nullopt);
  session.answer({{"stack", flags.stack}}, "the stack has no settings any more\n");
}

}  // namespace

void add_deploy_settings_commands(CLI::App& deploy, Session& session) {
  auto flags = std::make_shared<SettingsFlags>();
  auto* settings = deploy.add_subcommand("settings", "What every deployment of a stack begins with");
  settings->footer("Example:\n  airlock deploy settings set shop/production settings.json");
  const auto add = [&](const char* name, const char* about, const char* example, auto action) {
    auto* command = settings->add_subcommand(name, about);
    add_server_flags(*command, flags->server);
    command->add_option("STACK", flags->stack, "project/stack, or organization/project/stack")->required();
    command->footer(std::string("Example:\n  ") + example);
    command->callback([&session, flags, action] { action(session, *flags); });
    return command;
  };
  add("get", "Show them; secrets stay encrypted", "airlock deploy settings get shop/production", &get_settings);
  auto* set = add("set", "Replace them by a JSON document",
                  "airlock deploy settings set shop/production settings.json\n"
                  "  echo '{\"agentPoolID\":\"production\"}' | airlock deploy settings set shop/production --merge",
                  &set_settings);
  set->add_option("FILE", flags->file, "'-' or nothing: stdin. A secret is written {\"secret\": \"…\"}");
  set->add_flag("--merge", flags->merge, "Change only what the document names; null deletes");
  add("delete", "Take them away", "airlock deploy settings delete shop/production", &delete_settings);
}

}  // namespace airlock::cli
