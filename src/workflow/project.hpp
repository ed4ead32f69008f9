// `--project DIR`: what a working tree needs, read from the files that its own tools use (docs/formats/manifest.md,
// Projects and wants).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/reporter.hpp"
#include "ecosystem/ecosystem.hpp"

namespace airlock::workflow {

struct FoundInProject {
  std::filesystem::path folder;  // absolute
  std::string ecosystem;
  ecosystem::ProjectFinding finding;
};

// Looks through the trees, in order of path. Folders that tools fill (node_modules, virtual environments, .terraform),
// hidden ones, linked ones and those deeper than 12 levels are passed over. Throws usage for what is no folder,
// not_found where nothing was found in one of the trees, limit beyond 100,000 folders.
std::vector<FoundInProject> survey_projects(const std::vector<std::filesystem::path>& folders);

// Says to `reporter` what was found where.
void tell(const std::vector<FoundInProject>& found, base::Reporter& reporter);

// The findings as a manifest without a name.
std::string manifest_text(const std::vector<FoundInProject>& found);

// A channel's name from a folder's: lower case, other characters as "-". Throws usage where nothing usable is left.
std::string channel_name(const std::filesystem::path& folder);

}  // namespace airlock::workflow
