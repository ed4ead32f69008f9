// `airlock deploy`: list, show and cancel; users' tokens.
#include "cli/deploy.hpp"

#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "cli/replaceable.hpp"
#include "cli/session.hpp"
#include "cli/table.hpp"
#include "control/wire.hpp"

namespace airlock::cli {

using base::Error;
using base::ErrorCode;
using base::Json;

std::string json_text(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? base::printable(found->get<std::string>(), 1000) : "";
}

std::string stack_path(const std::string& stack, const std::string& organization) {
  const bool is_short = std::count(stack.begin(), stack.end(), '/') == 1;
  try {
    const auto name = control::StackName::parse(is_short ? organization + "/" + stack : stack);
    return fmt::format("/api/stacks/{}/{}/{}/deployments", path_part(name.organization), path_part(name.project),
                       path_part(name.stack));
  } catch (const Error& error) {
    throw Error(ErrorCode::usage, error.message()).with_hint(error.hint());
  }
}

FoundDeployment find_deployment(ServerAccess& server, const std::string& name, const std::string& organization) {
  if (name.find('/') == std::string::npos) {
    const Json json = server.get(fmt::format("/api/orgs/{}/deployments/{}", path_part(organization), path_part(name)));
    const auto stack =
        fmt::format("{}/{}/{}", organization, json_text(json, "projectName"), json_text(json, "stackName"));
    return {fmt::format("{}/{}", stack_path(stack, organization), json_text(json, "id")), json};
  }
  const auto at = name.find('@');
  const auto stack = stack_path(name.substr(0, at), organization);
  std::string version = at == std::string::npos ? "" : name.substr(at + 1);
  if (version.empty()) {
    const Json newest = server.get(stack + "?pageSize=1");
    if (answered(newest, "deployments").empty()) {
      throw Error(ErrorCode::not_found, fmt::format("nothing was deployed to '{}' yet", base::printable(name, 200)));
    }
    version = answered(answered(newest, "deployments").front(), "version").dump();
  }
  const Json json = server.get(fmt::format("{}/version/{}", stack, path_part(version)));
  return {fmt::format("{}/{}", stack, json_text(json, "id")), json};
}

namespace {

constexpr std::size_t k_listed_attempts = 100;

struct DeployFlags {
  ServerFlags server;
  std::string name, status, token, output;
  std::uint64_t page = 1, count = 20;
};

std::string state_of(const Json& deployment) {
  const auto state = json_text(answered(deployment, "airlock"), "state");
  return json_flag(deployment, "paused") && state == "queued" ? "queued (paused)" : state;
}

std::string stack_of(const Json& deployment) {
  return fmt::format("{}/{}", json_text(deployment, "projectName"), json_text(deployment, "stackName"));
}

std::string pool_of(const Json& deployment) {
  const auto pool = deployment.find("agentPool");
  return pool != deployment.end() && pool->is_object() ? json_text(*pool, "name") : "";
}

void list_deployments(Session& session, const DeployFlags& flags) {
  ServerAccess server(session, flags.server);
  const auto path = flags.name.empty() ? fmt::format("/api/orgs/{}/deployments", path_part(flags.server.organization))
                                       : stack_path(flags.name, flags.server.organization);
  const Json answer = server.get(
      fmt::format("{}?pageSize={}&page={}&status={}", path, flags.count, flags.page, path_part(flags.status)));
  Table table({"deployment", "operation", "state", "pool", "by", "created", "id"});
  for (const Json& each : answered(answer, "deployments")) {
    table.add({fmt::format("{}@{}", stack_of(each), answered(each, "version").dump()),
               json_text(each, "pulumiOperation"), state_of(each), pool_of(each), json_text(each, "initiator"),
               json_text(each, "created").substr(0, 19), json_text(each, "id")});
  }
  auto text = table.empty() ? std::string("there is no such deployment\n") : table.text();
  const auto total = base::uint_member(answer, "total", k_server_answer);
  if (flags.page * flags.count < total) {
    text += fmt::format("{} in all; --page {} shows the next\n", total, flags.page + 1);
  }
  session.answer({{"deployments", answered(answer, "deployments")}, {"total", total}}, text);
}

std::string steps_text(const Json& deployment) {
  Table table({"step", "status", "started", "last updated"});
  for (const Json& job : answered(deployment, "jobs")) {
    for (const Json& step : answered(job, "steps")) {
      table.add({json_text(step, "name"), json_text(step, "status"), json_text(step, "started"),
                 json_text(step, "lastUpdated")});
    }
  }
  return table.text();
}

std::string refused_text(const Json& deployment) {
  const Json& refused = answered(answered(deployment, "airlock"), "refused");
  if (refused.empty()) {
    return "";
  }
  Table table({"refused", "protocol", "process", "step", "times"});
  std::size_t shown = 0;
  for (const Json& each : refused) {
    if (++shown > k_listed_attempts) {
      break;
    }
    const auto port = each.find("port");
    const auto target = json_text(each, "target");
    table.add({port != each.end() && port->is_number_unsigned() && *port != 0
                   ? fmt::format("{}:{}", target, port->dump())
                   : target,
               json_text(each, "protocol"), json_text(each, "process"), json_text(each, "stepName"),
               answered(each, "count").dump()});
  }
  auto text = fmt::format("the job tried to reach what it may not:\n{}", table.text());
  if (refused.size() > k_listed_attempts) {
    text += fmt::format("and {} more; see --json\n", refused.size() - k_listed_attempts);
  }
  return text;
}

std::string deployment_text(const Json& deployment) {
  const Json& own = answered(deployment, "airlock");
  std::string text =
      fmt::format("{}@{} {}: {}\n  id       {}\n  pool     {}, runner {}\n  by       {}, {}\n", stack_of(deployment),
                  answered(deployment, "version").dump(), json_text(deployment, "pulumiOperation"),
                  state_of(deployment), json_text(deployment, "id"), pool_of(deployment), json_text(own, "runner"),
                  json_text(deployment, "initiator"), json_text(deployment, "created").substr(0, 19));
  const auto line = [&text](const char* name, const std::string& value) {
    if (!value.empty()) {
      text += fmt::format("  {:<8} {}\n", name, value);
    }
  };
  for (const Json& agent : answered(own, "agents")) {
    line("agent", fmt::format("{} (pid {}) {}", json_text(agent, "hostname"), json_text(agent, "pid"),
                              json_text(agent, "outcome")));
  }
  line("started", json_text(own, "started"));
  line("ended", json_text(own, "ended"));
  line("reason", json_text(own, "reason"));
  line("cancel", json_text(own, "cancel"));
  return text + steps_text(deployment) + refused_text(deployment);
}

void show_deployment(Session& session, const DeployFlags& flags) {
  ServerAccess server(session, flags.server);
  const auto found = find_deployment(server, flags.name, flags.server.organization);
  session.answer({{"deployment", found.json}}, deployment_text(found.json));
}

void cancel_deployment(Session& session, const DeployFlags& flags) {
  ServerAccess server(session, flags.server);
  const auto found = find_deployment(server, flags.name, flags.server.organization);
  server.send("POST", found.path + "/cancel", std::nullopt);
  const Json after = server.get(found.path);
  const auto state = state_of(after);
  session.answer({{"deployment", after}}, state == "running" ? std::string("its agent was asked to stop\n")
                                                             : fmt::format("the deployment is {}\n", state));
}

void create_user_token(Session& session, const DeployFlags& flags) {
  if (!flags.output.empty()) {
    require_replaceable_token(flags.output);
  }
  ServerAccess server(session, flags.server);
  const Json made = server.send("POST", "/api/user/tokens", Json{{"description", flags.name}});
  Json answer = {{"id", answered(made, "id")}, {"name", flags.name}};
  std::string text = fmt::format("token {} for '{}'\n", json_text(made, "id"), flags.name);
  const auto value = base::string_member(made, "tokenValue", "the answer");
  if (flags.output.empty()) {
    answer["token"] = value;
    text += fmt::format("  token  {}\n  It is shown only now; keep it in a file for --token-file.\n", value);
  } else {
    base::write_file_atomic(flags.output, value + "\n", 0600);
    answer["token_file"] = flags.output;
    text += fmt::format("  token  in {}\n", flags.output);
  }
  session.answer(std::move(answer), text);
}

void list_user_tokens(Session& session, const DeployFlags& flags) {
  ServerAccess server(session, flags.server);
  const Json answer = server.get("/api/user/tokens");
  Table table({"token", "name"});
  for (const Json& token : answered(answer, "tokens")) {
    table.add({json_text(token, "id"), json_text(token, "description")});
  }
  session.answer({{"tokens", answered(answer, "tokens")}}, table.text());
}

void revoke_user_token(Session& session, const DeployFlags& flags) {
  ServerAccess server(session, flags.server);
  server.send("DELETE", "/api/user/tokens/" + path_part(flags.token), std::nullopt);
  session.answer({{"id", flags.token}}, fmt::format("token {} is revoked\n", flags.token));
}

using DeployAction = void (*)(Session&, const DeployFlags&);

CLI::App* add_deploy_command(CLI::App& parent, Session& session, const std::shared_ptr<DeployFlags>& flags,
                             const char* name, const char* about, const char* example, DeployAction action) {
  auto* command = parent.add_subcommand(name, about);
  add_server_flags(*command, flags->server);
  command->footer(std::string("Example:\n  ") + example);
  command->callback([&session, flags, action] { action(session, *flags); });
  return command;
}

void add_user_token_commands(CLI::App& deploy, Session& session, const std::shared_ptr<DeployFlags>& flags) {
  auto* token = deploy.add_subcommand("token", "Tokens with which people and scripts elsewhere use this server");
  token->footer("Example:\n  airlock deploy token create alice -o alice.token");
  auto* create = add_deploy_command(*token, session, flags, "create", "Make one; it may do everything that you may",
                                    "airlock deploy token create alice -o alice.token", &create_user_token);
  create->add_option("NAME", flags->name, "Shown as the author of deployments")->required();
  create->add_option("-o,--output", flags->output, "Write it into this file, mode 0600, instead of showing it")
      ->type_name("FILE");
  add_deploy_command(*token, session, flags, "list", "Whose tokens live", "airlock deploy token list",
                     &list_user_tokens);
  auto* revoke = add_deploy_command(*token, session, flags, "revoke", "Stop a token from working, at once",
                                    "airlock deploy token revoke 0123456789abcdef", &revoke_user_token);
  revoke->add_option("TOKEN", flags->token, "Its id, from `deploy token list`")->required();
}

}  // namespace

void add_deploy_commands(CLI::App& app, Session& session) {
  auto flags = std::make_shared<DeployFlags>();
  auto* deploy = app.add_subcommand("deploy", "Queue deployments for agents, follow and stop them");
  deploy->footer("Example:\n  airlock deploy create shop/production update --source ./infra --follow");
  add_deploy_create_command(*deploy, session);

  auto* list = add_deploy_command(*deploy, session, flags, "list", "Deployments, the newest first",
                                  "airlock deploy list shop/production --status failed", &list_deployments);
  list->add_option("STACK", flags->name, "project/stack; without it, of all stacks");
  list->add_option("--status", flags->status, "Only in this state: queued, running, succeeded, failed, cancelled, lost")
      ->type_name("STATE");
  list->add_option("--count", flags->count, "How many")->check(CLI::Range(1, 100))->capture_default_str();
  list->add_option("--page", flags->page, "Which part of the list, from 1")->check(CLI::Range(1, 1'000'000));

  const char* const names = "Its id, STACK@VERSION, or a stack for its newest";
  add_deploy_command(*deploy, session, flags, "show", "What became of a deployment, its steps, what it was refused",
                     "airlock deploy show shop/production@12", &show_deployment)
      ->add_option("DEPLOYMENT", flags->name, names)
      ->required();
  add_deploy_logs_command(*deploy, session);
  add_deploy_command(*deploy, session, flags, "cancel", "Take it out of the queue, or ask its agent to stop",
                     "airlock deploy cancel shop/production@12", &cancel_deployment)
      ->add_option("DEPLOYMENT", flags->name, names)
      ->required();
  add_deploy_settings_commands(*deploy, session);
  add_user_token_commands(*deploy, session, flags);
}

}  // namespace airlock::cli
