// Runs ahead of the solver: fetches what the newest fitting versions ask for, and what those ask for. It only warms
// caches: what fails here fails again where it matters.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "ecosystem/pypi/projects.hpp"
#include "ecosystem/task_group.hpp"

namespace airlock::ecosystem::pypi {

class Scout : public std::enable_shared_from_this<Scout> {
 public:
  // Both outlive the last stop().
  Scout(Projects& projects, TaskGroup& ahead) : m_projects(projects), m_ahead(ahead) {}

  void look_for(const Requirement& requirement);
  // Waits for what runs; afterwards nothing is looked at any more.
  void stop();

 private:
  void follow(const Requirement& requirement);
  void follow_found(const Requirement& requirement);
  bool begin();
  void end();

  Projects& m_projects;
  TaskGroup& m_ahead;
  std::mutex m_mutex;
  std::condition_variable m_idle;
  std::set<std::string> m_seen;
  std::size_t m_running = 0;
  bool m_stopped = false;
};

}  // namespace airlock::ecosystem::pypi
