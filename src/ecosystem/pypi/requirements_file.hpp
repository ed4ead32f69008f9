// requirements.txt, as pip reads it ("Requirements File Format").
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "ecosystem/pypi/requirement.hpp"

namespace airlock::ecosystem::pypi {

// One logical line: continuations joined, comments gone.
struct RequirementLine {
  enum class Kind {
    requirement,  // `text` with its `hashes`
    include,      // -r: `text` is a path
    constraint,   // -c: `text` is a path
    local,        // -e or a path: `text` is a path
    option,       // any other option, `text` whole
  } kind = Kind::requirement;
  std::string text;
  std::set<std::string> hashes;  // "sha256:<hex>"
  int line = 0;                  // from 1
};
// Pure. Throws manifest with file and line on what cannot be carried (URLs, version control) and what cannot be read.
std::vector<RequirementLine> parse_requirement_lines(std::string_view text, const std::string& file);

struct WantedRequirement {
  Requirement requirement;
  std::set<std::string> hashes;
  base::SourcePosition position;
};
struct RequirementsFile {
  std::vector<WantedRequirement> requirements, constraints;
  std::vector<std::filesystem::path> local_projects;  // folders
  bool require_hashes = false;  // it says so, or one requirement has a hash: then pip wants one for each
  bool prereleases = false;     // --pre
  std::vector<std::string> warnings;
};
// Follows -r and -c, each file once. Throws as above, and what reading throws.
RequirementsFile read_requirements(const std::filesystem::path& path);

}  // namespace airlock::ecosystem::pypi
