// The one server process of the isolated side: every ecosystem over the active catalog, health, metrics,
// client configuration, the control plane. It only reads the catalog and the blobs; what clients missed goes to
// mirror.db.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "control/control_plane.hpp"
#include "ecosystem/ecosystem.hpp"
#include "http/server.hpp"
#include "mirror/fetches.hpp"

namespace airlock::mirror {

struct MirrorOptions {
  std::filesystem::path home;
  http::ServerOptions server;            // its on_access and on_error are called too
  std::filesystem::path ca_certificate;  // PEM for clients, served as /setup/ca.pem; empty where none is needed
  // Each is given one line without its end, from several threads. Empty: not logged.
  std::function<void(std::string_view line)> access_log;
  std::function<void(std::string_view line)> error_log;
  // Pools, agents and deployments below /api/; none without. Its home, clock and log are the mirror's.
  std::optional<control::ControlOptions> control;
  FetchLimits fetches;  // who fetched what; nothing is recorded unless it says for how long
  // Routes of others on the same server (console), mounted last.
  std::function<void(http::Router&, const ecosystem::MirrorContext&)> mount_more;
  const base::Clock* clock = nullptr;  // outlives the mirror; null: the system's
};

class Mirror {
 public:
  explicit Mirror(MirrorOptions options);  // binds; throws io, config (bad certificate)
  ~Mirror();
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  std::uint16_t port() const;
  void start();
  void stop();                // ends politely, writes what is pending; idempotent
  void reload_certificate();  // keeps the old one, and throws, when the new is bad
  void flush_records();       // wants and fetches, for tests and for those who read them next

 private:
  struct Impl;
  std::unique_ptr<Impl> m_impl;
};

}  // namespace airlock::mirror
