#include "control/control_plane.hpp"

#include "control/access.hpp"
#include "control/api.hpp"
#include "control/control_db.hpp"
#include "control/core.hpp"
#include "control/deployments.hpp"
#include "control/dispatcher.hpp"

namespace airlock::control {

struct ControlPlane::Impl {
  explicit Impl(ControlOptions options) : core(std::move(options)) {
    access.ensure_admin_token(admin_token_file(core.options.home));
  }

  Core core;
  Access access{core};
  Dispatcher dispatcher{core, access};
  Deployments deployments{core, dispatcher};
  Api api{core, access, dispatcher, deployments};
};

ControlPlane::ControlPlane(ControlOptions options) : m_impl(std::make_unique<Impl>(std::move(options))) {}

ControlPlane::~ControlPlane() = default;

void ControlPlane::mount(http::Router& router) {
  m_impl->api.mount(router);
}

void ControlPlane::stop_waiting() {
  const std::lock_guard lock(m_impl->core.mutex);
  m_impl->core.stopping = true;
  m_impl->core.ring_for_all();
}

std::filesystem::path admin_token_file(const std::filesystem::path& home) {
  return control_folder(home) / "admin.token";
}

std::filesystem::path server_address_file(const std::filesystem::path& home) {
  return control_folder(home) / "server.json";
}

std::filesystem::path server_lock_file(const std::filesystem::path& home) {
  return control_folder(home) / "lock";
}

}  // namespace airlock::control
