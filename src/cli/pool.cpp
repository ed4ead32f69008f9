// `airlock pool`: groups of agents and their tokens.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "base/text.hpp"
#include "cli/replaceable.hpp"
#include "cli/server_access.hpp"
#include "cli/session.hpp"
#include "cli/table.hpp"

namespace airlock::cli {

namespace {

using base::Json;

struct PoolFlags {
  ServerFlags server;
  std::string name, description, token, output;
  bool force = false;
};

std::string pools_path(const PoolFlags& flags) {
  return fmt::format("/api/orgs/{}/agent-pools", path_part(flags.server.organization));
}

std::string pool_path(const PoolFlags& flags) {
  return fmt::format("{}/{}", pools_path(flags), path_part(flags.name));
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? base::printable(found->get<std::string>(), 200) : "";
}

// Unix seconds; "" for never.
std::string time_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned() || *found == 0) {
    return "";
  }
  return base::to_rfc3339(base::Time(std::chrono::seconds(found->get<std::int64_t>())));
}

// The one time that a token is seen: in the answer, or in a file that only this user reads.
void answer_token(Session& session, const PoolFlags& flags, Json answer, const std::string& about) {
  const auto value = base::string_member(answer, "token", "the answer");
  if (flags.output.empty()) {
    session.answer(std::move(answer),
                   fmt::format("{}\n  token  {}\n  It is shown only now. Give it to agents in a file: "
                               "`airlock agent configure --token-file F`.\n",
                               about, value));
    return;
  }
  base::write_file_atomic(flags.output, value + "\n", 0600);
  answer.erase("token");
  answer["token_file"] = flags.output;
  session.answer(std::move(answer), fmt::format("{}\n  token  in {}\n", about, flags.output));
}

void require_place_for_token(const PoolFlags& flags) {
  if (!flags.output.empty()) {
    require_replaceable_token(flags.output);
  }
}

void create_pool(Session& session, const PoolFlags& flags) {
  require_place_for_token(flags);
  ServerAccess server(session, flags.server);
  const Json made =
      server.send("POST", pools_path(flags), Json{{"name", flags.name}, {"description", flags.description}});
  Json answer = {{"id", answered(made, "id")}, {"name", flags.name}, {"token", answered(made, "tokenValue")}};
  answer["token_id"] = answered(answered(made, "airlock"), "tokenId");
  answer_token(session, flags, std::move(answer), fmt::format("pool '{}' ({})", flags.name, text_of(made, "id")));
}

void list_pools(Session& session, const PoolFlags& flags) {
  ServerAccess server(session, flags.server);
  const Json answer = server.get(pools_path(flags));
  Table table({"pool", "id", "status", "last seen", "default", "description"});
  for (const Json& pool : answered(answer, "agentPools")) {
    table.add({text_of(pool, "name"), text_of(pool, "id"), text_of(pool, "status"), time_of(pool, "lastSeen"),
               json_flag(pool, "isDefault") ? "yes" : "", text_of(pool, "description")});
  }
  session.answer({{"pools", answered(answer, "agentPools")}},
                 table.empty() ? "there is no pool yet; `airlock pool create NAME` makes one\n" : table.text());
}

Table token_table(const Json& tokens) {
  Table table({"token", "made", "last used"});
  for (const Json& token : tokens) {
    table.add({text_of(token, "id"), time_of(token, "created"), time_of(token, "lastUsed")});
  }
  return table;
}

void show_pool(Session& session, const PoolFlags& flags) {
  ServerAccess server(session, flags.server);
  const Json pool = server.get(pool_path(flags));
  Table agents({"agent", "pid", "address", "platform", "version", "status", "last seen", "runs"});
  for (const Json& agent : answered(pool, "agents")) {
    agents.add({text_of(agent, "hostname"), text_of(agent, "pid"), text_of(agent, "ip"), text_of(agent, "platform"),
                text_of(agent, "version"), text_of(agent, "status"), time_of(agent, "lastSeen"),
                text_of(answered(agent, "airlock"), "deployment")});
  }
  std::string text =
      fmt::format("pool '{}' ({}), {}; {} deployments have not ended\n", text_of(pool, "name"), text_of(pool, "id"),
                  text_of(pool, "status"), answered(answered(pool, "airlock"), "openDeployments").dump());
  text += agents.empty() ? "no agent was seen lately\n" : agents.text();
  text += token_table(answered(answered(pool, "airlock"), "tokens")).text();
  session.answer({{"pool", pool}}, text);
}

void delete_pool(Session& session, const PoolFlags& flags) {
  ServerAccess server(session, flags.server);
  server.send("DELETE", pool_path(flags) + (flags.force ? "?force=true" : ""), std::nullopt);
  session.answer({{"name", flags.name}}, fmt::format("pool '{}' is gone, and its tokens with it\n", flags.name));
}

void create_token(Session& session, const PoolFlags& flags) {
  require_place_for_token(flags);
  ServerAccess server(session, flags.server);
  const Json made = server.send("POST", pool_path(flags) + "/tokens", Json::object());
  answer_token(session, flags,
               {{"id", answered(made, "id")}, {"pool", flags.name}, {"token", answered(made, "tokenValue")}},
               fmt::format("token {} of pool '{}'", text_of(made, "id"), flags.name));
}

void list_tokens(Session& session, const PoolFlags& flags) {
  ServerAccess server(session, flags.server);
  const Json answer = server.get(pool_path(flags) + "/tokens");
  const Table table = token_table(answered(answer, "tokens"));
  session.answer({{"tokens", answered(answer, "tokens")}},
                 table.empty() ? "the pool has no token: its agents are locked out\n" : table.text());
}

void revoke_token(Session& session, const PoolFlags& flags) {
  ServerAccess server(session, flags.server);
  server.send("DELETE", fmt::format("{}/tokens/{}", pool_path(flags), path_part(flags.token)), std::nullopt);
  session.answer({{"id", flags.token}, {"pool", flags.name}},
                 fmt::format("token {} is revoked: agents that use it get no more work; a job under way is finished\n",
                             flags.token));
}

using Action = void (*)(Session&, const PoolFlags&);

CLI::App* add_command(CLI::App& parent, Session& session, const std::shared_ptr<PoolFlags>& flags, const char* name,
                      const char* about, const char* example, Action action) {
  auto* command = parent.add_subcommand(name, about);
  add_server_flags(*command, flags->server);
  command->footer(std::string("Example:\n  ") + example);
  command->callback([&session, flags, action] { action(session, *flags); });
  return command;
}

void add_name(CLI::App* command, const std::shared_ptr<PoolFlags>& flags) {
  command->add_option("POOL", flags->name, "Its name or id")->required();
}

void add_token_file(CLI::App* command, const std::shared_ptr<PoolFlags>& flags) {
  command->add_option("-o,--output", flags->output, "Write the token into this file, mode 0600, instead of showing it")
      ->type_name("FILE");
}

}  // namespace

void add_pool_commands(CLI::App& app, Session& session) {
  auto flags = std::make_shared<PoolFlags>();
  auto* pool = app.add_subcommand("pool", "Groups of agents, and the tokens with which they ask for work");
  pool->footer("Example:\n  airlock pool create production -o production.token");

  auto* create = add_command(*pool, session, flags, "create", "Make a pool and its first token",
                             "airlock pool create production -o production.token", &create_pool);
  create->add_option("POOL", flags->name, "Letters, digits, '-', '_' and '.'")->required();
  create->add_option("--description", flags->description, "For people")->type_name("TEXT");
  add_token_file(create, flags);
  add_command(*pool, session, flags, "list", "All pools, and whether an agent of theirs is online", "airlock pool list",
              &list_pools);
  add_name(add_command(*pool, session, flags, "show", "Agents and tokens of a pool", "airlock pool show production",
                       &show_pool),
           flags);
  auto* remove = add_command(*pool, session, flags, "delete", "Delete a pool; its tokens stop working at once",
                             "airlock pool delete old --force", &delete_pool);
  add_name(remove, flags);
  remove->add_flag("--force", flags->force, "Cancel what has not ended yet");

  auto* token = pool->add_subcommand("token", "Two tokens may live at once, so that one is replaced without a pause");
  token->footer("Example:\n  airlock pool token create production -o new.token");
  auto* make = add_command(*token, session, flags, "create", "Make a second token",
                           "airlock pool token create production -o new.token", &create_token);
  add_name(make, flags);
  add_token_file(make, flags);
  add_name(add_command(*token, session, flags, "list", "Live tokens and when each was used last",
                       "airlock pool token list production", &list_tokens),
           flags);
  auto* revoke = add_command(*token, session, flags, "revoke", "Stop a token from working, at once",
                             "airlock pool token revoke production 0123456789abcdef", &revoke_token);
  add_name(revoke, flags);
  revoke->add_option("TOKEN", flags->token, "The token's id, from `pool token list`")->required();
}

}  // namespace airlock::cli
