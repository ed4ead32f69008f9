#include "workflow/artifact_changes.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/error.hpp"
#include "model/purl.hpp"

namespace airlock::workflow {

namespace {

using Versions = std::set<std::string>;

constexpr std::size_t k_shown_digest = 19;  // characters: "sha256:" and the first twelve of the value

void note(const std::string& name, const Versions& before, const Versions& after, ArtifactChanges& changes) {
  if (before == after) {
    ++changes.kept;
    return;
  }
  ArtifactChange change{.name = name};
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(change.before));
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(), std::back_inserter(change.after));
  auto& list = before.empty() ? changes.added : after.empty() ? changes.removed : changes.changed;
  list.push_back(std::move(change));
}

template <typename Value, typename AsVersions>
void compare_maps(const std::map<std::string, Value>& before, const std::map<std::string, Value>& after,
                  const AsVersions& as_versions, ArtifactChanges& changes) {
  auto left = before.begin();
  auto right = after.begin();
  while (left != before.end() || right != after.end()) {
    if (right == after.end() || (left != before.end() && left->first < right->first)) {
      note(left->first, as_versions(left->second), {}, changes);
      ++left;
    } else if (left == before.end() || right->first < left->first) {
      note(right->first, {}, as_versions(right->second), changes);
      ++right;
    } else {
      note(left->first, as_versions(left->second), as_versions(right->second), changes);
      ++left;
      ++right;
    }
  }
}

}  // namespace

void ArtifactList::add(const model::FileRow& row) {
  if (row.kind == model::Kind::tag && row.artifact.empty()) {
    m_tags[row.path] = row.sha256 ? row.sha256->to_string() : "";
    return;
  }
  if (row.artifact.empty() || row.kind == model::Kind::known) {
    return;
  }
  try {
    auto purl = model::Purl::parse(row.artifact);
    auto version = std::exchange(purl.version, "");
    if (version.empty() && row.sha256) {
      version = row.sha256->to_string().substr(0, k_shown_digest);  // a file without a version changes by content
    }
    m_versions[purl.to_string()].insert(std::move(version));
  } catch (const base::Error&) {
    m_versions[row.artifact].insert("");
  }
}

ArtifactChanges compare(const ArtifactList& before, const ArtifactList& after) {
  ArtifactChanges changes;
  compare_maps(
      before.by_name(), after.by_name(), [](const Versions& versions) { return versions; }, changes);
  compare_maps(
      before.tags(), after.tags(), [](const std::string& digest) { return Versions{digest}; }, changes);
  return changes;
}

}  // namespace airlock::workflow
