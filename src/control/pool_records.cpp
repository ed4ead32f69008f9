#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "control/records_query.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::string_view k_pool_columns = "id, organization, name, description, created, last_seen, is_default";

template <typename Query>
PoolRecord read_pool(Query& row) {
  PoolRecord pool;
  pool.id = row.text();
  pool.organization = row.text();
  pool.name = row.text();
  pool.description = row.text();
  pool.created = row.time();
  pool.last_seen = row.time_or_null();
  pool.is_default = row.number() != 0;
  return pool;
}

template <typename Query>
TokenRecord read_token(Query& row) {
  TokenRecord token;
  token.id = row.text();
  token.owner = row.text();
  token.hash = row.bytes();
  token.created = row.time();
  token.last_used = row.time_or_null();
  return token;
}

}  // namespace

Records::Records(base::Database database) : m_database(std::move(database)) {}

base::Transaction Records::change() {
  return base::Transaction(m_database);
}

Records::Query Records::query(std::string_view sql) {
  auto found = m_statements.find(sql);
  if (found == m_statements.end()) {
    found = m_statements.emplace(std::string(sql), m_database.prepare(sql)).first;
  }
  return Query(found->second);
}

std::optional<std::string> Records::fact(std::string_view key) {
  Query row = query("SELECT value FROM facts WHERE key=?");
  row.text(key);
  return row.step() ? std::optional(row.text()) : std::nullopt;
}

void Records::set_fact(std::string_view key, std::string_view value) {
  query("REPLACE INTO facts (key, value) VALUES (?,?)").text(key).text(value).run();
}

void Records::add_pool(const PoolRecord& pool) {
  if (find_pool(pool.organization, pool.name)) {
    throw Error(ErrorCode::conflict, fmt::format("there is a pool '{}' already", pool.name));
  }
  query("INSERT INTO pools (id, organization, name, description, created, is_default) VALUES (?,?,?,?,?,?)")
      .text(pool.id)
      .text(pool.organization)
      .text(pool.name)
      .text(pool.description)
      .time(pool.created)
      .number(pool.is_default ? 1 : 0)
      .run();
}

std::vector<PoolRecord> Records::pools(std::string_view organization) {
  std::vector<PoolRecord> result;
  Query row = query(fmt::format("SELECT {} FROM pools WHERE organization=? ORDER BY name", k_pool_columns));
  row.text(organization);
  while (row.step()) {
    result.push_back(read_pool(row));
  }
  return result;
}

std::optional<PoolRecord> Records::pool(std::string_view id) {
  Query row = query(fmt::format("SELECT {} FROM pools WHERE id=?", k_pool_columns));
  row.text(id);
  return row.step() ? std::optional(read_pool(row)) : std::nullopt;
}

std::optional<PoolRecord> Records::find_pool(std::string_view organization, std::string_view id_or_name) {
  Query row = query(
      fmt::format("SELECT {} FROM pools WHERE organization=? AND (id=? OR name=?) ORDER BY id=? DESC", k_pool_columns));
  row.text(organization).text(id_or_name).text(id_or_name).text(id_or_name);
  return row.step() ? std::optional(read_pool(row)) : std::nullopt;
}

void Records::change_pool(const PoolRecord& pool) {
  if (const auto other = find_pool(pool.organization, pool.name); other && other->id != pool.id) {
    throw Error(ErrorCode::conflict, fmt::format("there is a pool '{}' already", pool.name));
  }
  query("UPDATE pools SET name=?, description=?, is_default=? WHERE id=?")
      .text(pool.name)
      .text(pool.description)
      .number(pool.is_default ? 1 : 0)
      .text(pool.id)
      .run();
}

void Records::remove_pool(std::string_view id) {
  query("DELETE FROM pools WHERE id=?").text(id).run();
}

void Records::pool_seen(std::string_view id, base::Time now) {
  query("UPDATE pools SET last_seen=? WHERE id=?").time(now).text(id).run();
}

std::uint64_t Records::open_deployments(std::string_view pool) {
  Query row = query("SELECT count(*) FROM deployments WHERE pool=? AND state IN ('queued', 'offered', 'running')");
  row.text(pool).step();
  return row.number();
}

void Records::add_pool_token(const TokenRecord& token) {
  query("INSERT INTO pool_tokens (id, pool, hash, created) VALUES (?,?,?,?)")
      .text(token.id)
      .text(token.owner)
      .bytes(token.hash)
      .time(token.created)
      .run();
}

std::vector<TokenRecord> Records::pool_tokens(std::string_view pool) {
  std::vector<TokenRecord> result;
  Query row = query("SELECT id, pool, hash, created, last_used FROM pool_tokens WHERE pool=? ORDER BY created, id");
  row.text(pool);
  while (row.step()) {
    result.push_back(read_token(row));
  }
  return result;
}

std::optional<TokenRecord> Records::pool_token(std::string_view id) {
  Query row = query("SELECT id, pool, hash, created, last_used FROM pool_tokens WHERE id=?");
  row.text(id);
  return row.step() ? std::optional(read_token(row)) : std::nullopt;
}

void Records::pool_token_used(std::string_view id, base::Time now) {
  query("UPDATE pool_tokens SET last_used=? WHERE id=?").time(now).text(id).run();
}

bool Records::remove_pool_token(std::string_view pool, std::string_view id) {
  query("DELETE FROM pool_tokens WHERE pool=? AND id=?").text(pool).text(id).run();
  return m_database.changes() > 0;
}

void Records::add_user_token(const TokenRecord& token) {
  query("INSERT INTO user_tokens (id, name, hash, created) VALUES (?,?,?,?)")
      .text(token.id)
      .text(token.owner)
      .bytes(token.hash)
      .time(token.created)
      .run();
}

std::vector<TokenRecord> Records::user_tokens() {
  std::vector<TokenRecord> result;
  Query row = query("SELECT id, name, hash, created, last_used FROM user_tokens ORDER BY created, id");
  while (row.step()) {
    result.push_back(read_token(row));
  }
  return result;
}

std::optional<TokenRecord> Records::user_token(std::string_view id) {
  Query row = query("SELECT id, name, hash, created, last_used FROM user_tokens WHERE id=?");
  row.text(id);
  return row.step() ? std::optional(read_token(row)) : std::nullopt;
}

void Records::user_token_used(std::string_view id, base::Time now) {
  query("UPDATE user_tokens SET last_used=? WHERE id=?").time(now).text(id).run();
}

bool Records::remove_user_token(std::string_view id) {
  query("DELETE FROM user_tokens WHERE id=?").text(id).run();
  return m_database.changes() > 0;
}

void Records::agent_seen(std::string_view pool, const AgentIdentity& agent, std::string_view ip, base::Time now) {
  std::vector<std::string> runners;
  for (const auto runner : agent.runners) {
    runners.emplace_back(to_string(runner));
  }
  query("INSERT INTO agents (pool, instance, hostname, ip, pid, platform, version, runners, first_seen, last_seen) "
        "VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (pool, instance) DO UPDATE SET hostname=excluded.hostname, "
        "ip=excluded.ip, pid=excluded.pid, platform=excluded.platform, version=excluded.version, "
        "runners=excluded.runners, last_seen=excluded.last_seen")
      .text(pool)
      .text(agent.instance)
      .text(agent.hostname)
      .text(ip)
      .text(agent.pid)
      .text(agent.platform)
      .text(agent.version)
      .text(base::join(runners, ","))
      .time(now)
      .time(now)
      .run();
}

void Records::agent_alive(std::string_view pool, std::string_view instance, base::Time now) {
  query("UPDATE agents SET last_seen=? WHERE pool=? AND instance=?").time(now).text(pool).text(instance).run();
}

std::vector<AgentRecord> Records::agents(std::string_view pool) {
  std::vector<AgentRecord> result;
  Query row = query("SELECT instance, hostname, ip, pid, platform, version, runners, first_seen, last_seen, "
                    "(SELECT d.id FROM deployments d JOIN attempts a ON a.deployment=d.number AND a.attempt=d.attempt "
                    "WHERE d.state IN ('offered', 'running') AND d.pool=agents.pool AND a.instance=agents.instance) "
                    "FROM agents WHERE pool=? ORDER BY hostname, first_seen, instance");
  row.text(pool);
  while (row.step()) {
    AgentRecord agent;
    agent.instance = row.text();
    agent.hostname = row.text();
    agent.ip = row.text();
    agent.pid = row.text();
    agent.platform = row.text();
    agent.version = row.text();
    agent.runners = row.text();
    agent.first_seen = row.time();
    agent.last_seen = row.time();
    agent.deployment = row.text_or_null();
    result.push_back(std::move(agent));
  }
  return result;
}

bool Records::has_agent(std::string_view pool, std::string_view instance) {
  Query row = query("SELECT 1 FROM agents WHERE pool=? AND instance=?");
  row.text(pool).text(instance);
  return row.step();
}

std::uint64_t Records::count_agents(std::string_view pool) {
  Query row = query("SELECT count(*) FROM agents WHERE pool=?");
  row.text(pool).step();
  return row.number();
}

void Records::forget_agents(std::string_view pool, base::Time now) {
  query("DELETE FROM agents WHERE pool=? AND last_seen<?").text(pool).time(now - k_forget_agents_after).run();
}

}  // namespace airlock::control
