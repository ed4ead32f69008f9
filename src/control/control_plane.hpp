// The control plane inside the server: pools, tokens, deployments and their queue, live logs, and the HTTP API over
// them (docs/formats/deployments-api.md). One object a home; its database is written by this process alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "base/clock.hpp"
#include "control/log_store.hpp"
#include "http/server.hpp"

namespace airlock::control {

struct ControlOptions {
  std::filesystem::path home;
  // An agent renews within `lease`; a job is lost when `lease` and `lease_grace` have gone by without a word. An offer
  // that nobody takes up within `offer` goes back into the queue. All by monotonic time.
  std::chrono::seconds lease{30};
  std::chrono::milliseconds lease_grace{10'000};
  std::chrono::seconds offer{10};
  std::chrono::milliseconds cancel_grace{300'000};  // for a job that was asked to stop; then it counts as stopped
  std::chrono::seconds default_timeout{6 * 3600};   // of a deployment that names none
  std::uint64_t source_limit = 2ULL * 1024 * 1024 * 1024;  // bytes of an uploaded folder
  std::uint64_t most_agents = 1000;                        // of one pool, among those seen of late
  LogLimits logs;
  const base::Clock* clock = nullptr;                    // outlives this; null: the system's
  std::function<void(std::string_view line)> error_log;  // from several threads; may be empty
};

class ControlPlane {
 public:
  // Opens or makes HOME/control, and the token of the local user in it (`admin_token_file`). Throws io, config.
  explicit ControlPlane(ControlOptions options);
  ~ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  void mount(http::Router& router);  // below /api/
  void stop_waiting();               // every held answer is given now, and none is held any more

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

// Where the server leaves a user's token for commands on the same home, mode 0600.
std::filesystem::path admin_token_file(const std::filesystem::path& home);
// Where a server tells commands on the same home how it is reached: while its lock, a base::FileLock, is held. Taking
// the lock removes the file of a server that was killed.
std::filesystem::path server_address_file(const std::filesystem::path& home);
std::filesystem::path server_lock_file(const std::filesystem::path& home);

}  // namespace airlock::control
