// The API's objects (docs/formats/deployments-api.md), with what airlock adds in members named "airlock".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "control/deployments.hpp"

namespace airlock::control {

// One of the public six: not-started, accepted, running, succeeded, failed, skipped.
std::string_view api_status(const DeploymentRecord& deployment);
std::string_view api_status(DeploymentState state);

base::Json deployment_json(const DeploymentDetail& detail);        // GET …/{id}
base::Json deployment_entry_json(const DeploymentDetail& detail);  // of a list
base::Json stream_json(const LogStream& stream);
base::Json page_json(const LogPage& page);

base::Json pool_json(const PoolRecord& pool, const std::vector<AgentRecord>& agents, base::Time now);
base::Json agent_json(const AgentRecord& agent, base::Time now);
base::Json token_json(const TokenRecord& token);  // never its value
bool is_online(const AgentRecord& agent, base::Time now);

std::string dump_json(const base::Json& json);  // bytes that are no UTF-8 replaced

}  // namespace airlock::control
