// The index seen from one Python on one platform: which versions of a project could be installed there, and why the
// others could not. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ecosystem/pypi/index.hpp"
#include "ecosystem/pypi/target.hpp"

namespace airlock::ecosystem::pypi {

struct Candidate {
  Version version;
  std::string text;                     // the version as spelt
  std::vector<const IndexFile*> files;  // usable here, in pip's order of preference
  bool yanked = false;                  // all usable files are
  std::string why_not;                  // where `files` is empty
};

struct Project {
  std::shared_ptr<const Page> page;   // nullptr: no index has it
  std::vector<Candidate> candidates;  // newest first, unusable ones among them
};

enum class SourceArchives { refuse, allow };

class Projects {
 public:
  Projects(Index& index, const Target& target, SourceArchives source_archives)
      : m_index(index), m_target(target), m_source_archives(source_archives) {}

  const Project& get(const std::string& name);
  const Target& target() const { return m_target; }
  Index& index() { return m_index; }

 private:
  Project make(const std::string& name);

  Index& m_index;
  const Target& m_target;
  const SourceArchives m_source_archives;
  std::mutex m_mutex;
  std::map<std::string, std::shared_ptr<Lazy<Project>>> m_projects;
};

}  // namespace airlock::ecosystem::pypi
