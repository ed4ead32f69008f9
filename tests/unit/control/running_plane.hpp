// A control plane behind a real HTTP server on loopback, and the two sorts of clients that it has.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/files.hpp"
#include "base/json.hpp"
#include "control/control_plane.hpp"
#include "control/wire.hpp"
#include "http/client.hpp"
#include "http/server.hpp"

namespace airlock::control {

struct Answer {
  int status = 0;
  std::string body;
  base::Json json() const;
};

class RunningPlane {
 public:
  // Leases and offers that end in no test; `change` may set shorter ones, for a test that waits for their end.
  explicit RunningPlane(const std::function<void(ControlOptions&)>& change = {});
  ~RunningPlane();

  void restart();  // stops politely and starts on the same home; deadlines begin anew
  std::string url() const;
  const base::fs::path& home() const { return m_home.path(); }
  std::string admin_token() const;

  Answer send(const std::string& method, const std::string& path, const std::string& token,
              const std::string& body = "");
  Answer user(const std::string& method, const std::string& path, const base::Json& body = nullptr);
  // Makes a pool and gives its first token.
  std::string make_pool(const std::string& name = "p");
  // Queues one and gives its id.
  std::string deploy(const std::string& stack = "shop/prod", const std::string& operation = "update",
                     base::Json more = base::Json::object());
  std::string state(const std::string& id);

 private:
  void start();

  base::TempDir m_home;
  ControlOptions m_options;
  std::unique_ptr<ControlPlane> m_plane;
  std::unique_ptr<http::Server> m_server;
  std::uint16_t m_port = 0;
  http::Client m_client;
};

// What an agent does, call by call.
class TestAgent {
 public:
  TestAgent(RunningPlane& plane, std::string pool_token, const std::string& name = "agent-1");

  Answer poll_raw(int wait = 0);
  std::optional<Claim> poll(int wait = 0);  // fails the test on anything but 200 and 204
  Answer job(const std::string& what, const std::string& body = "{}", const std::string& query = "");
  Answer begin() { return job("lease"); }
  Answer log(std::uint64_t step, std::uint64_t offset, const std::vector<std::string>& lines);
  Answer step(std::uint64_t number, const std::string& name, StepStatus status);
  Answer complete(JobResult result, const std::string& message = "");
  Claim claim;  // of the last poll that gave one
  AgentIdentity identity;

 private:
  RunningPlane& m_plane;
  std::string m_token;
};

UnixMillis some_moment();

}  // namespace airlock::control
