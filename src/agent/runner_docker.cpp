#include "agent/runner.hpp"
#include "base/error.hpp"
namespace airlock::agent {
std::unique_ptr<Runner> make_docker_runner(const RunnerRequest&) {
  throw base::Error(base::ErrorCode::unsupported, "no docker yet");
}
void remove_stale_containers(const AgentConfig&) {}
}  // namespace airlock::agent
