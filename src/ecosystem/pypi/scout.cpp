#include "ecosystem/pypi/scout.hpp"

#include <algorithm>
#include <exception>

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::ecosystem::pypi {

namespace {

constexpr std::size_t k_most_ahead = 2'000;  // requirements that are followed

// What pip would try first.
const Candidate* first_choice(const Project& project, const Requirement& requirement) {
  const auto found = std::find_if(project.candidates.begin(), project.candidates.end(), [&](const Candidate& one) {
    return !one.files.empty() && !one.yanked && requirement.specifiers.contains(one.version, one.text) &&
           (!one.version.is_prerelease() || requirement.specifiers.names_prerelease());
  });
  return found == project.candidates.end() ? nullptr : &*found;
}

}  // namespace

void Scout::look_for(const Requirement& requirement) {
  const std::vector<std::string> extras(requirement.extras.begin(), requirement.extras.end());
  const std::string what =
      fmt::format("{}[{}]{}", requirement.name, base::join(extras, ","), requirement.specifiers.to_string());
  {
    const std::lock_guard lock(m_mutex);
    if (m_stopped || m_seen.size() >= k_most_ahead || !m_seen.insert(what).second) {
      return;
    }
  }
  m_ahead.add([self = shared_from_this(), requirement] { self->follow(requirement); });
}

void Scout::stop() {
  std::unique_lock lock(m_mutex);
  m_stopped = true;
  m_idle.wait(lock, [&] { return m_running == 0; });
}

bool Scout::begin() {
  const std::lock_guard lock(m_mutex);
  m_running += m_stopped ? 0 : 1;
  return !m_stopped;
}

void Scout::end() {
  const std::lock_guard lock(m_mutex);
  --m_running;
  m_idle.notify_all();
}

void Scout::follow(const Requirement& requirement) {
  if (!begin()) {
    return;
  }
  try {
    follow_found(requirement);
  } catch (const std::exception&) {
    // The solver meets it again, and tells.
  }
  end();
}

void Scout::follow_found(const Requirement& requirement) {
  const Candidate* best = first_choice(m_projects.get(requirement.name), requirement);
  // A source archive is fetched whole for its metadata: not on suspicion.
  if (best == nullptr || best->files.front()->name.kind == FileName::Kind::sdist) {
    return;
  }
  const MarkerEnvironment& markers = m_projects.target().markers();
  const auto metadata = m_projects.index().metadata(*best->files.front());
  for (const Requirement& next : metadata->parsed.requirements) {
    const bool wanted = !next.marker || next.marker->holds(markers, "") ||
                        std::any_of(requirement.extras.begin(), requirement.extras.end(),
                                    [&](const std::string& extra) { return next.marker->holds(markers, extra); });
    if (wanted && next.url.empty()) {
      look_for(next);
    }
  }
}

}  // namespace airlock::ecosystem::pypi
