#include "bundle/inspected_artifacts.hpp"

#include <algorithm>
#include <tuple>

#include "base/error.hpp"
#include "base/text.hpp"
#include "model/purl.hpp"

namespace airlock::bundle {

using model::FileRow;
using model::Kind;

namespace {

// Scheme and host; local input has only a name.
std::string origin_of(const FileRow& row) {
  const std::size_t authority = row.origin.find("://");
  return authority == std::string::npos ? row.origin : row.origin.substr(0, row.origin.find('/', authority + 3));
}

std::string short_version(const std::string& version) {
  constexpr std::string_view prefix = "sha256:";
  return version.starts_with(prefix) ? version.substr(0, prefix.size() + 12) : version;
}

// Names for people, and a key that two versions of one package share.
void name_artifact(InspectedArtifact& artifact, const FileRow& row) {
  artifact.ecosystem = row.ecosystem;
  artifact.purl = row.artifact.empty() ? row.ecosystem + ":" + row.path : row.artifact;
  artifact.name = row.path;
  artifact.package = artifact.purl;
  try {
    model::Purl purl = model::Purl::parse(row.artifact);
    artifact.name = purl.namespace_.empty() ? purl.name : purl.namespace_ + "/" + purl.name;
    artifact.version = short_version(purl.version);
    if (const auto repository = purl.qualifiers.find("repository_url"); repository != purl.qualifiers.end()) {
      artifact.name = purl.type == "oci" ? repository->second : artifact.name;
    }
    if (const auto tag = purl.qualifiers.find("tag"); tag != purl.qualifiers.end()) {
      artifact.version = tag->second + " " + artifact.version;
      purl.qualifiers.erase(tag);
    }
    purl.version.clear();
    artifact.package = purl.to_string();
  } catch (const base::Error&) {
    return;  // what cannot be read stands as it is
  }
}

}  // namespace

ArtifactCollector::Entry& ArtifactCollector::entry_for(const FileRow& row) {
  const std::string key = row.artifact.empty() ? row.ecosystem + ":" + row.path : row.ecosystem + "|" + row.artifact;
  const auto [found, is_new] = m_entries.try_emplace(key);
  if (is_new) {
    name_artifact(found->second.artifact, row);
  }
  return found->second;
}

void ArtifactCollector::add(const FileRow& row) {
  const model::Belonging belonging = m_belongs ? m_belongs(row) : model::Belonging::beside;
  if (row.kind == Kind::layout && row.ecosystem == "oci" && belonging != model::Belonging::no) {
    return;  // made by airlock for other tools; nobody has to approve it
  }
  Entry& entry = entry_for(row);
  InspectedArtifact& artifact = entry.artifact;
  if (!row.platform.empty()) {
    entry.platforms.insert(row.platform);
  }
  if (!row.origin.empty()) {
    entry.origins.insert(origin_of(row));
  }
  InspectedEcosystem& ecosystem = m_inspection.ecosystems[row.ecosystem];
  if (row.kind == Kind::known) {
    ++ecosystem.known;
    entry.has_known = true;
    return;
  }
  entry.has_content = true;
  if (belonging != model::Belonging::named) {
    artifact.paths.push_back(row.path);
  }
  entry.content.update(row.path + "\n" + row.sha256->hex() + "\n");
  artifact.verified = std::min(artifact.verified, row.verified);
  if (row.kind == Kind::file) {
    entry.has_file = true;
    entry.files_verified = std::min(entry.files_verified, row.verified);
    ++m_inspection.files_by_verified[row.verified];
  }
  ++ecosystem.files;
  if (m_blobs[row.ecosystem].insert(*row.sha256).second) {
    ecosystem.bytes += *row.length;
  }
  if (row.kind != Kind::tag) {  // a tag is a second name for what is counted already
    ++artifact.files;
    artifact.bytes += *row.length;
  }
}

void ArtifactCollector::finish() {
  for (auto& [key, entry] : m_entries) {
    InspectedArtifact& artifact = entry.artifact;
    artifact.platforms.assign(entry.platforms.begin(), entry.platforms.end());
    artifact.origins.assign(entry.origins.begin(), entry.origins.end());
    // Metadata says what a file must be, and nothing vouches for it in turn; it is no content either.
    artifact.known_only = !entry.has_content || (entry.has_known && !entry.has_file);
    if (entry.has_file) {
      artifact.verified = entry.files_verified;
    }
    artifact.content = entry.content.finish().hex();
    if (artifact.known_only) {
      artifact.verified = model::Verified::none;
    } else {
      ++m_inspection.ecosystems[artifact.ecosystem].artifacts;
    }
    m_inspection.artifacts.push_back(std::move(artifact));
  }
  m_entries.clear();
  std::ranges::sort(m_inspection.artifacts, {}, [](const InspectedArtifact& artifact) {
    return std::tie(artifact.ecosystem, artifact.name, artifact.version, artifact.purl);
  });
}

}  // namespace airlock::bundle
