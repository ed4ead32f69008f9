// Chooses versions as pip would: for one Python on one platform, the newest that fit together. Goes back to the choice
// that made a conflict, not to the last one (conflict-directed backjumping), so that a way is found wherever there is
// one, within a limit of work.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "ecosystem/pypi/projects.hpp"
#include "ecosystem/task_group.hpp"

namespace airlock::ecosystem::pypi {

struct RootRequirement {
  Requirement requirement;
  std::set<std::string> hashes;  // "sha256:<hex>"; files that are allowed
  std::string because;           // "requirements.txt:3", for messages
};

struct Question {
  std::vector<RootRequirement> requirements;
  std::vector<RootRequirement> constraints;  // count only for what is needed anyway
  bool require_hashes = false;               // each project needs hashes, as pip's --require-hashes
  bool prereleases = false;                  // as pip's --pre
};

struct Chosen {
  std::string name;
  Version version;
  // The files to carry: with hashes all that match and run here, else the one that pip takes.
  std::vector<const IndexFile*> files;
  std::shared_ptr<const FileMetadata> metadata;  // of the first
  std::shared_ptr<const Page> page;              // keeps `files` alive
};

// In order of name. Throws not_found where a project, or every fitting version of it, is missing, conflict where
// requirements exclude each other; both name the chain that asked and why what there is was refused. `ahead` runs what
// is fetched before it is needed.
std::vector<Chosen> solve(Projects& projects, const Question& question, TaskGroup& ahead);

}  // namespace airlock::ecosystem::pypi
