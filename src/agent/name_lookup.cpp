#include "agent/name_lookup.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <system_error>
#include <thread>

namespace airlock::agent {

namespace {

constexpr std::size_t k_most_of_process = 256;
std::atomic<std::size_t> running_in_process = 0;

}  // namespace

std::vector<base::IpAddress> resolve_unmapped(const std::string& name) {
  std::vector<base::IpAddress> found = base::addresses_of(name);
  std::ranges::transform(found, found.begin(), &base::IpAddress::unmapped);
  return found;
}

struct NameLookup::Shared {
  explicit Shared(Resolve given) : resolve(std::move(given)) {}

  const Resolve resolve;
  std::mutex mutex;  // over all below, and held while an answer is given
  bool open = true;
  std::size_t running = 0;
};

NameLookup::NameLookup(std::size_t most, Resolve resolve)
    : m_shared(std::make_shared<Shared>(std::move(resolve))), m_most(most) {}

NameLookup::~NameLookup() {
  const std::lock_guard lock(m_shared->mutex);
  m_shared->open = false;
}

bool NameLookup::start(const std::string& name, Answer answer) {
  const std::lock_guard lock(m_shared->mutex);
  if (m_shared->running >= m_most) {
    return false;
  }
  if (++running_in_process > k_most_of_process) {
    --running_in_process;
    return false;
  }
  try {
    std::thread([shared = m_shared, name, answer = std::move(answer)]() mutable {
      const auto addresses = shared->resolve(name);
      {
        const std::lock_guard inner(shared->mutex);
        --shared->running;
        if (shared->open) {
          answer(addresses);
        }
        answer = nullptr;  // what it holds is not touched once the asker may be gone
      }
      --running_in_process;
    }).detach();
  } catch (const std::system_error&) {
    --running_in_process;
    return false;
  }
  ++m_shared->running;
  return true;
}

}  // namespace airlock::agent
