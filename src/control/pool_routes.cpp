// Pools, their tokens, users' tokens (docs/formats/deployments-api.md).
#include <fmt/format.h>

#include "base/error.hpp"
#include "control/api.hpp"
#include "control/api_json.hpp"
#include "control/json_fields.hpp"

namespace airlock::control {

using base::Error;
using base::ErrorCode;
using base::Json;
using http::ServerRequest;
using http::ServerResponse;

namespace {

constexpr std::size_t k_most_pools = 1000;

std::string checked_organization(const ServerRequest& request) {
  const std::string& name = request.parameter("org");
  if (!is_name(name)) {
    throw Error(ErrorCode::malformed, "the organization's name has letters, digits, '-', '_' and '.' only");
  }
  return name;
}

std::string pool_name(const JsonFields& fields) {
  const auto name = fields.text("name", limits::k_name);
  if (!is_name(name)) {
    fields.fail("the name has letters, digits, '-', '_' and '.' only");
  }
  return name;
}

}  // namespace

PoolRecord Api::pool_of(const ServerRequest& request) {
  auto pool = m_core.records.find_pool(checked_organization(request), request.parameter("pool"));
  if (!pool) {
    throw Error(ErrorCode::not_found, "there is no such pool");
  }
  return std::move(*pool);
}

ServerResponse Api::pool_detail(const PoolRecord& pool) {
  const base::Time now = m_core.now();
  m_core.records.forget_agents(pool.id, now);
  const auto agents = m_core.records.agents(pool.id);
  Json json = pool_json(pool, agents, now);
  json["agents"] = Json::array();
  for (const AgentRecord& agent : agents) {
    json["agents"].push_back(agent_json(agent, now));
  }
  Json tokens = Json::array();
  for (const TokenRecord& token : m_core.records.pool_tokens(pool.id)) {
    tokens.push_back(token_json(token));
  }
  json["airlock"] = {{"tokens", std::move(tokens)}, {"openDeployments", m_core.records.open_deployments(pool.id)}};
  return json_response(200, json);
}

void Api::mount_pool_routes(http::Router& router) {
  const std::string pools = "/api/orgs/{org}/agent-pools";
  user_route(router, "GET", pools, [this](const ServerRequest& request, const Caller&) {
    const std::string organization = checked_organization(request);
    const std::lock_guard lock(m_core.mutex);
    Json list = Json::array();
    Json json = Json::object();
    for (const PoolRecord& pool : m_core.records.pools(organization)) {
      Json entry = pool_json(pool, m_core.records.agents(pool.id), m_core.now());
      if (const auto latest = m_core.records.latest_of_pool(pool.id)) {
        entry["lastDeployment"] = {{"id", latest->id}, {"version", latest->version}, {"status", api_status(*latest)}};
      }
      if (pool.is_default) {
        json["defaultAgentPoolID"] = pool.id;
      }
      list.push_back(std::move(entry));
    }
    json["agentPools"] = std::move(list);
    return json_response(200, json);
  });
  user_route(router, "POST", pools, [this](const ServerRequest& request, const Caller&) {
    const std::string organization = checked_organization(request);
    const Json body = body_json(request);
    const JsonFields fields(body, "a pool");
    PoolRecord pool{
        make_short_id(), organization, pool_name(fields), fields.text_or("description", 1000, ""), m_core.now(),
        std::nullopt,    false};
    {
      const std::lock_guard lock(m_core.mutex);
      base::Transaction transaction = m_core.records.change();
      const auto others = m_core.records.pools(organization);
      if (others.size() >= k_most_pools) {
        throw Error(ErrorCode::conflict, fmt::format("the organization has {} pools already", k_most_pools));
      }
      pool.is_default = others.empty();
      m_core.records.add_pool(pool);
      transaction.commit();
    }
    const NewToken token = m_access.add_pool_token(pool.id);
    return json_response(200,
                         {{"id", pool.id}, {"tokenValue", token.value.reveal()}, {"airlock", {{"tokenId", token.id}}}});
  });
  const std::string one = pools + "/{pool}";
  user_route(router, "GET", one, [this](const ServerRequest& request, const Caller&) {
    const std::lock_guard lock(m_core.mutex);
    return pool_detail(pool_of(request));
  });
  user_route(router, "PATCH", one, [this](const ServerRequest& request, const Caller&) {
    const Json body = body_json(request);
    const JsonFields fields(body, "a pool");
    const std::lock_guard lock(m_core.mutex);
    base::Transaction transaction = m_core.records.change();
    PoolRecord pool = pool_of(request);
    pool.name = fields.has("name") ? pool_name(fields) : pool.name;
    pool.description = fields.text_or("description", 1000, pool.description);
    m_core.records.change_pool(pool);
    transaction.commit();
    return json_response(200, {{"name", pool.name}, {"description", pool.description}});
  });
  user_route(router, "DELETE", one, [this](const ServerRequest& request, const Caller&) {
    const std::lock_guard lock(m_core.mutex);
    base::Transaction transaction = m_core.records.change();
    const PoolRecord pool = pool_of(request);
    const auto open = m_core.records.open_deployments(pool.id);
    if (open > 0 && request.query_value("force") != "true") {
      throw Error(ErrorCode::malformed, fmt::format("the pool has {} deployments that have not ended", open))
          .with_hint("cancel them, or delete the pool with force=true");
    }
    m_dispatcher.end_all_of_pool(pool.id);
    m_core.records.remove_pool(pool.id);
    transaction.commit();
    m_core.ring_for_work();
    return no_content();
  });
  user_route(router, "POST", one + "/tokens", [this](const ServerRequest& request, const Caller&) {
    std::string id;
    {
      const std::lock_guard lock(m_core.mutex);
      id = pool_of(request).id;
    }
    const NewToken token = m_access.add_pool_token(id);
    return json_response(200, {{"id", token.id}, {"tokenValue", token.value.reveal()}});
  });
  user_route(router, "GET", one + "/tokens", [this](const ServerRequest& request, const Caller&) {
    const std::lock_guard lock(m_core.mutex);
    Json tokens = Json::array();
    for (const TokenRecord& token : m_core.records.pool_tokens(pool_of(request).id)) {
      tokens.push_back(token_json(token));
    }
    return json_response(200, {{"tokens", std::move(tokens)}});
  });
  user_route(router, "DELETE", one + "/tokens/{token}", [this](const ServerRequest& request, const Caller&) {
    std::string id;
    {
      const std::lock_guard lock(m_core.mutex);
      id = pool_of(request).id;
    }
    if (!m_access.revoke_pool_token(id, request.parameter("token"))) {
      throw Error(ErrorCode::not_found, "the pool has no such token");
    }
    return no_content();
  });
}

void Api::mount_token_routes(http::Router& router) {
  const std::string tokens = "/api/user/tokens";
  user_route(router, "GET", tokens, [this](const ServerRequest&, const Caller&) {
    const std::lock_guard lock(m_core.mutex);
    Json list = Json::array();
    for (const TokenRecord& token : m_core.records.user_tokens()) {
      Json entry = token_json(token);
      entry["description"] = token.owner;
      list.push_back(std::move(entry));
    }
    return json_response(200, {{"tokens", std::move(list)}});
  });
  user_route(router, "POST", tokens, [this](const ServerRequest& request, const Caller&) {
    const Json body = body_json(request);
    const NewToken token = m_access.add_user_token(JsonFields(body, "a token").text("description", limits::k_name));
    return json_response(200, {{"id", token.id}, {"tokenValue", token.value.reveal()}});
  });
  user_route(router, "DELETE", tokens + "/{token}", [this](const ServerRequest& request, const Caller&) {
    const std::lock_guard lock(m_core.mutex);
    if (!m_core.records.remove_user_token(request.parameter("token"))) {
      throw Error(ErrorCode::not_found, "there is no such token");
    }
    return no_content();
  });
}

}  // namespace airlock::control
