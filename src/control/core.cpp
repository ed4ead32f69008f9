#include "control/core.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/lock_holder.hpp"
#include "control/control_db.hpp"
#include "control/control_plane.hpp"

namespace airlock::control {

namespace {

void make_folder(const std::filesystem::path& home) {
  base::make_directories(home, 0700);
  base::make_directories(control_folder(home), 0700);
}

base::FileLock only_server(const std::filesystem::path& home) {
  make_folder(home);
  try {
    base::FileLock lock = base::lock_past_askers(server_lock_file(home));
    std::error_code ignored;  // where it cannot be removed, it cannot be written anew either, and that is told
    std::filesystem::remove(server_address_file(home), ignored);
    return lock;
  } catch (const base::Error& error) {
    if (error.code() != base::ErrorCode::busy) {
      throw;
    }
    throw base::Error(base::ErrorCode::busy, "another `airlock serve` runs on the home " + home.string())
        .with_hint("stop it, or give this one --mirror-only");
  }
}

}  // namespace

Core::Core(ControlOptions given)
    : options(std::move(given)), lock(only_server(options.home)),
      clock(options.clock == nullptr ? system_clock : *options.clock), records(open_control_db(options.home)),
      vault(control_folder(options.home) / "secrets.key"), logs(control_folder(options.home) / "logs", options.logs),
      sources(control_folder(options.home) / "sources") {
  sources.remove_leftovers();
  // Another key would show only when an agent needs a secret, at night.
  const std::string key = vault.key_id();
  if (const auto known = records.fact("secrets-key"); known && *known != key) {
    throw base::Error(base::ErrorCode::config, "the secrets in control.db were closed with another secrets.key")
        .with_hint("restore HOME/control/secrets.key that belongs to this database");
  } else if (!known) {
    records.set_fact("secrets-key", key);
  }
}

void Core::ring_for_work() {
  ++work_count;
  work.notify_all();
}

void Core::ring_for_deployment(std::uint64_t number) {
  ring_for_log(number);
  if (const auto found = bells.find(number); found != bells.end()) {
    if (const auto bell = found->second.lock()) {
      bell->changed.notify_all();
    }
  }
}

void Core::ring_for_log(std::uint64_t number) {
  if (const auto found = bells.find(number); found != bells.end()) {
    if (const auto bell = found->second.lock()) {
      ++bell->count;
      bell->log.notify_all();
    }
  }
}

void Core::ring_for_all() {
  ring_for_work();
  for (const auto& [number, bell] : bells) {
    ring_for_deployment(number);
  }
}

std::shared_ptr<Bell> Core::bell(std::uint64_t number) {
  // Whoever lets go of a bell may do so without the lock, so those that nobody holds are taken away here.
  std::erase_if(bells, [](const auto& each) { return each.second.expired(); });
  auto& known = bells[number];
  auto bell = known.lock();
  if (!bell) {
    bell = std::make_shared<Bell>();
    known = bell;
  }
  return bell;
}

void Core::note(const std::function<void()>& write) {
  try {
    write();
    notes_fail = false;
  } catch (const base::Error& error) {
    if (!notes_fail && options.error_log) {
      options.error_log(fmt::format("when agents and tokens were last seen is not noted: {}", error.message()));
    }
    notes_fail = true;
  }
}

}  // namespace airlock::control
