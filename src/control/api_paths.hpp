// The paths between an agent and the control plane (docs/formats/deployments-api.md), so that both ends spell them
// once.
#pragma once

#include <string>
#include <string_view>

namespace airlock::control {

// Pool token: `Authorization: token <pool token>`.
inline constexpr std::string_view k_poll_path = "/api/deployments/poll";

// Job token, as `Authorization: token <job token>`: of one deployment, each below /api/deployments/{id}/.
inline constexpr std::string_view k_lease = "lease";        // POST: LeaseAnswer
inline constexpr std::string_view k_steps = "steps";        // POST StepReports
inline constexpr std::string_view k_logs = "logs";          // POST LogAppend: AppendAnswer
inline constexpr std::string_view k_refused = "refused";    // POST RefusedAppend: AppendAnswer
inline constexpr std::string_view k_complete = "complete";  // POST Completion
inline constexpr std::string_view k_status = "status";      // GET: a JSON string, one of the six statuses
inline constexpr std::string_view k_source = "source";      // GET: the uploaded folder, tar.gz

inline std::string deployment_path(std::string_view id, std::string_view what) {
  return "/api/deployments/" + std::string(id) + "/" + std::string(what);
}

}  // namespace airlock::control
