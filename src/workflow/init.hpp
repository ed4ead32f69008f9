// The first manifest, from a few answers.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace airlock::workflow {

struct InitOptions {
  std::filesystem::path manifest;               // where to
  std::string name;                             // the channel
  std::vector<std::string> images;              // references
  std::vector<std::string> tools;               // "NAME@VERSION"
  std::vector<std::string> files;               // URLs or local paths
  std::vector<std::string> packages;            // "ECOSYSTEM:SPEC"
  std::vector<std::filesystem::path> projects;  // working trees, which say themselves what they need
};

// The text of a manifest, checked like one that is read. Throws usage for what is no entry and for an image that is a
// file here, manifest for what the manifest refuses, unsupported for an ecosystem that this airlock has not, and what
// survey_projects() throws.
std::string make_manifest(const InitOptions& options);
// Writes it; never over an existing file (throws conflict).
void write_manifest(const InitOptions& options);

}  // namespace airlock::workflow
