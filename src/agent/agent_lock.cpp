#include "agent/agent_lock.hpp"

#include <chrono>
#include <thread>

#include "base/error.hpp"

namespace airlock::agent {

namespace {

constexpr std::chrono::seconds k_lock_patience{5};
constexpr std::chrono::milliseconds k_lock_pause{50};

}  // namespace

base::FileLock lock_agent_directory(const std::filesystem::path& directory) {
  base::make_directories(directory, 0711);
  const auto end = std::chrono::steady_clock::now() + k_lock_patience;
  while (true) {
    try {
      return base::FileLock(directory / "agent.lock");
    } catch (base::Error& error) {
      if (error.code() != base::ErrorCode::busy) {
        throw;
      }
      if (std::chrono::steady_clock::now() > end) {
        throw error.with_hint("another agent runs here; give each a directory of its own with --dir");
      }
    }
    std::this_thread::sleep_for(k_lock_pause);
  }
}

}  // namespace airlock::agent
