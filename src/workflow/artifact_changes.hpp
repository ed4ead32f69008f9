// What is new, in the words of a person: artifacts and their versions, not files.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/file_row.hpp"

namespace airlock::workflow {

// The artifacts of one state, gathered row by row.
class ArtifactList {
 public:
  void add(const model::FileRow& row);
  // By name (the purl without its version), the versions that are there.
  const std::map<std::string, std::set<std::string>>& by_name() const { return m_versions; }
  // Mutable names that belong to no artifact, and what they point at.
  const std::map<std::string, std::string>& tags() const { return m_tags; }

 private:
  std::map<std::string, std::set<std::string>> m_versions;
  std::map<std::string, std::string> m_tags;
};

struct ArtifactChange {
  std::string name;                 // "pkg:npm/left-pad", or a tag: "docker.io/library/debian:12"
  std::vector<std::string> before;  // versions or digest; empty: added
  std::vector<std::string> after;   // empty: removed
};

struct ArtifactChanges {
  std::vector<ArtifactChange> added, changed, removed;
  std::uint64_t kept = 0;  // names without a change
  bool empty() const { return added.empty() && changed.empty() && removed.empty(); }
};

ArtifactChanges compare(const ArtifactList& before, const ArtifactList& after);

}  // namespace airlock::workflow
