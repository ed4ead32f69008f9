// What changed between two states, in the terms of those who have to agree to it.
#include <algorithm>
#include <iterator>
#include <map>

#include "bundle/inspection.hpp"

namespace airlock::bundle {

namespace {

using Artifacts = std::map<std::string, const InspectedArtifact*>;  // by package URL

struct Package {
  Artifacts before, after;
};

// Packages by ecosystem and name without version; what is only known has no content that could matter.
std::map<std::pair<std::string, std::string>, Package> packages_of(const Inspection& before, const Inspection& after) {
  std::map<std::pair<std::string, std::string>, Package> packages;
  for (const InspectedArtifact& artifact : before.artifacts) {
    if (!artifact.known_only) {
      packages[{artifact.ecosystem, artifact.package}].before[artifact.purl] = &artifact;
    }
  }
  for (const InspectedArtifact& artifact : after.artifacts) {
    if (!artifact.known_only) {
      packages[{artifact.ecosystem, artifact.package}].after[artifact.purl] = &artifact;
    }
  }
  return packages;
}

void compare_package(const Package& package, InspectionDiff& diff) {
  InspectionDiff::Update update;
  for (const auto& [purl, artifact] : package.after) {
    const auto before = package.before.find(purl);
    if (before == package.before.end()) {
      if (package.before.empty()) {
        diff.added.push_back(*artifact);
      } else {
        update.added.push_back(artifact->version);
        update.paths.insert(update.paths.end(), artifact->paths.begin(), artifact->paths.end());
      }
    } else if (before->second->content != artifact->content) {
      diff.changed.push_back({.before = *before->second, .after = *artifact});
    } else {
      ++diff.kept;
    }
  }
  for (const auto& [purl, artifact] : package.before) {
    if (package.after.contains(purl)) {
      continue;
    }
    if (package.after.empty()) {
      diff.removed.push_back(*artifact);
    } else {
      update.removed.push_back(artifact->version);
    }
  }
  if (!update.added.empty() || !update.removed.empty()) {
    update.ecosystem = package.after.begin()->second->ecosystem;
    update.name = package.after.begin()->second->name;
    diff.updated.push_back(std::move(update));
  }
}

}  // namespace

InspectionDiff compare(const Inspection& before, const Inspection& after) {
  InspectionDiff diff{.before_channel = before.channel, .before_serial = before.serial};
  for (const auto& [key, package] : packages_of(before, after)) {
    compare_package(package, diff);
  }
  diff.is_previous = after.previous == before.bundle_id;
  return diff;
}

std::map<std::string, InspectionDiff::Counts> InspectionDiff::counts() const {
  std::map<std::string, Counts> counts;
  for (const InspectedArtifact& artifact : added) {
    ++counts[artifact.ecosystem].added;
  }
  for (const InspectedArtifact& artifact : removed) {
    ++counts[artifact.ecosystem].removed;
  }
  for (const Update& update : updated) {
    ++counts[update.ecosystem].updated;
  }
  for (const Change& change : changed) {
    ++counts[change.after.ecosystem].changed;
  }
  return counts;
}

}  // namespace airlock::bundle
