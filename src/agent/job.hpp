// One deployment, from its claim to its completion.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "agent/agent_config.hpp"
#include "agent/control_client.hpp"
#include "agent/spool.hpp"

namespace airlock::agent {

// Asked for by anyone, heeded by the job: INT to what runs, then TERM, then the end of all of it.
class StopSwitch {
 public:
  enum class Why { none, cancelled, timeout, disowned, shutdown, disk };
  // The first reason stays.
  void stop(Why why, const std::string& reason);
  Why why() const;
  std::string reason() const;
  bool asked() const { return why() != Why::none; }

 private:
  mutable std::mutex m_mutex;
  Why m_why = Why::none;
  std::string m_reason;
};

struct JobContext {
  const AgentConfig& config;
  ControlClient& control;
  http::Client& http;  // for the mirror
  std::map<std::string, std::string> host_environment;
};

// Runs the job, writes everything it has to say to `spool`, and ends with its completion there. Never throws: what goes
// wrong is the job's failure.
void run_job(const JobContext& context, const control::Claim& claim, Spool& spool, StopSwitch& stop);

}  // namespace airlock::agent
