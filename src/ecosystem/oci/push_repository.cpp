#include "ecosystem/oci/push_repository.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "ecosystem/oci/media_types.hpp"
#include "ecosystem/oci/referrers_index.hpp"
#include "ecosystem/oci/registry_errors.hpp"
#include "ecosystem/oci/rows.hpp"
#include "ecosystem/oci/served_name.hpp"
#include "ecosystem/oci/tags.hpp"
#include "ecosystem/task_group.hpp"

namespace airlock::ecosystem::oci {

using base::Digest;
using base::Error;
using base::ErrorCode;
using Mode = PushContext::Mode;

namespace {

constexpr std::size_t k_threads = 4;  // of one repository; the client holds back where a host gets too much

std::string platform_suffix(const Descriptor& child) {
  std::string text = child.platform->to_string();
  std::replace(text.begin(), text.end(), '/', '-');
  return text;
}

bool is_failed(ErrorCode code) {
  return code != ErrorCode::interrupted;
}

}  // namespace

void RepositoryPush::fail(const std::string& subject, const Outcome& outcome) {
  m_report.failures.push_back({base::Severity::error, outcome.code, subject, outcome.reason});
}

void RepositoryPush::count(const std::string& subject, const Outcome& outcome) {
  switch (outcome.state) {
  case State::present:
    ++m_report.present;
    break;
  case State::pushed:
    ++m_report.pushed;
    m_context.reporter.say(m_context.mode == Mode::push ? "pushed " + subject : "would push " + subject);
    break;
  case State::failed:
    fail(subject, outcome);
    break;
  }
}

void RepositoryPush::look_for_manifests() {
  TaskGroup tasks(k_threads);
  for (const auto& [digest, manifest] : m_content.manifests) {
    tasks.add([&, wanted = digest] {
      if (m_target.manifest_digest(m_content.repository, wanted.to_string()) != wanted) {
        const std::lock_guard lock(m_mutex);
        m_absent.insert(wanted);
      }
    });
  }
  tasks.wait();
}

RepositoryPush::Outcome RepositoryPush::move_blob(const Digest& digest, const store::CatalogRow& row) {
  try {
    if (m_context.mode != Mode::push) {
      const bool there = m_target.has_blob(m_content.repository, digest);
      return there ? Outcome{} : Outcome{State::pushed, ErrorCode::not_found, ""};
    }
    if (row.kind == model::Kind::withheld) {
      return {State::failed, ErrorCode::revoked, fmt::format("{} {}", digest.to_string(), why_withheld(row))};
    }
    std::optional<base::FileSlice> slice;
    if (row.sha256) {
      slice = m_context.blobs.open(*row.sha256);
    }
    if (!slice) {
      return {State::failed, ErrorCode::not_found, fmt::format("{} is not in the store", digest.to_string())};
    }
    const bool sent = m_target.ensure_blob(m_content.repository, digest, *slice) != RegistryTarget::Blob::present;
    return {sent ? State::pushed : State::present, ErrorCode::upstream, ""};
  } catch (const Error& error) {
    if (!is_failed(error.code())) {
      throw;
    }
    return {State::failed, error.code(), error.message()};
  }
}

// Of manifests that are missing only: a registry that has a manifest has what it refers to. `--check` looks
// at all.
void RepositoryPush::move_blobs() {
  std::set<Digest> wanted;
  for (const auto& [digest, manifest] : m_content.manifests) {
    if (m_context.mode != Mode::check && !m_absent.contains(digest)) {
      continue;
    }
    if (manifest.parsed.config) {
      wanted.insert(manifest.parsed.config->digest);
    }
    for (const Descriptor& part : manifest.parsed.layers) {
      wanted.insert(part.digest);
    }
    for (const Descriptor& child : manifest.parsed.children) {
      wanted.insert(child.digest);  // those that are manifests are not in `blobs`
    }
  }
  TaskGroup tasks(k_threads);
  for (const Digest& digest : wanted) {
    if (const auto row = m_content.blobs.find(digest); row != m_content.blobs.end()) {
      tasks.add([this, row] {
        const Outcome outcome = move_blob(row->first, row->second);
        const std::lock_guard lock(m_mutex);
        m_blobs[row->first] = outcome;
      });
    }
  }
  tasks.wait();
}

// Failed when something that the manifest needs is not in the target; what was never carried is for the
// target to judge, since layers that may not be passed on, and children of other platforms, can be absent.
RepositoryPush::Outcome RepositoryPush::missing_part(const StoredManifest& manifest) const {
  std::vector<Digest> parts;
  if (manifest.parsed.config) {
    parts.push_back(manifest.parsed.config->digest);
  }
  for (const Descriptor& layer : manifest.parsed.layers) {
    parts.push_back(layer.digest);
  }
  for (const Descriptor& child : manifest.parsed.children) {
    parts.push_back(child.digest);
  }
  const std::lock_guard lock(m_mutex);
  for (const Digest& part : parts) {
    for (const auto* outcomes : {&m_blobs, &m_manifests}) {
      if (const auto found = outcomes->find(part); found != outcomes->end()) {
        if (found->second.state == State::failed) {
          return found->second;
        }
        if (m_context.mode == Mode::check && found->second.state == State::pushed) {
          return {State::failed, ErrorCode::not_found, fmt::format("{} is missing there", part.to_string())};
        }
      }
    }
    if (const auto damaged = m_content.damaged.find(part); damaged != m_content.damaged.end()) {
      return {State::failed, ErrorCode::not_found, damaged->second};
    }
  }
  return {};
}

RepositoryPush::Outcome RepositoryPush::put(const StoredManifest& manifest, const std::string& reference) {
  if (m_context.mode != Mode::push) {
    return {State::pushed, ErrorCode::not_found, "it is not there"};
  }
  try {
    const http::Response response =
        m_target.put_manifest(m_content.repository, reference, manifest.media_type, manifest.bytes);
    if (response.status >= 200 && response.status < 300) {
      return {State::pushed, ErrorCode::upstream, ""};
    }
    const bool names_parts = has_error_code(response, "MANIFEST_BLOB_UNKNOWN") ||
                             has_error_code(response, "MANIFEST_UNKNOWN") || has_error_code(response, "BLOB_UNKNOWN") ||
                             has_error_code(response, "MANIFEST_INVALID");
    if (manifest.parsed.is_index && names_parts) {
      const std::lock_guard lock(m_mutex);
      m_sparse_refused.insert(manifest.digest);
    }
    const Error error = unexpected_answer(response, "the manifest was not taken");
    return {State::failed, error.code(), error.message()};
  } catch (const Error& error) {
    if (!is_failed(error.code())) {
      throw;
    }
    return {State::failed, error.code(), error.message()};
  }
}

RepositoryPush::Outcome RepositoryPush::move_manifest(const StoredManifest& manifest) {
  Outcome outcome = missing_part(manifest);
  if (outcome.state == State::failed || !m_absent.contains(manifest.digest)) {
    return outcome;
  }
  if (m_context.mode == Mode::check) {
    return {State::failed, ErrorCode::not_found, fmt::format("{} is missing there", manifest.digest.to_string())};
  }
  return put(manifest, manifest.digest.to_string());
}

// Images at once, then indexes one after the other, children first.
void RepositoryPush::move_manifests() {
  TaskGroup tasks(k_threads);
  for (const auto& [digest, manifest] : m_content.manifests) {
    if (!manifest.parsed.is_index) {
      tasks.add([this, &image = manifest] {
        Outcome outcome = move_manifest(image);
        const std::lock_guard lock(m_mutex);
        m_manifests[image.digest] = std::move(outcome);
      });
    }
  }
  tasks.wait();
  for (const Digest& digest : m_content.indexes()) {
    m_manifests[digest] = move_manifest(m_content.manifests.at(digest));
  }
}

RepositoryPush::Outcome RepositoryPush::move_tag(const std::string& tag, const Digest& digest) {
  if (const auto damaged = m_content.damaged.find(digest); damaged != m_content.damaged.end()) {
    return {State::failed, ErrorCode::not_found, damaged->second};
  }
  const auto manifest = m_content.manifests.find(digest);
  if (manifest == m_content.manifests.end()) {
    return {State::failed, ErrorCode::not_found, fmt::format("{} is not in the catalog", digest.to_string())};
  }
  const Outcome& content = m_manifests.at(digest);
  if (content.state == State::failed) {
    return content;
  }
  try {
    const std::optional<Digest> there = m_target.manifest_digest(m_content.repository, tag);
    if (there == digest) {
      return content;
    }
    if (m_context.mode == Mode::check) {
      return {State::failed, ErrorCode::not_found,
              there ? fmt::format("the tag is {} there, not {}", there->to_string(), digest.to_string())
                    : "the tag is missing there"};
    }
    return put(manifest->second, tag);
  } catch (const Error& error) {
    if (!is_failed(error.code())) {
      throw;
    }
    return {State::failed, error.code(), error.message()};
  }
}

// An index whose children of other platforms were not carried is refused by registries that look for all of
// them (distribution does unless told otherwise). The children that are here are then tagged each, so that
// they can be used.
void RepositoryPush::explain_sparse_index(const StoredManifest& index, const std::string& tag) {
  std::vector<std::string> tagged;
  std::size_t absent = 0;
  for (const Descriptor& child : index.parsed.children) {
    const auto here = m_content.manifests.find(child.digest);
    absent += here == m_content.manifests.end() ? 1U : 0U;
    if (here == m_content.manifests.end() || !child.platform || child.platform->os.empty() ||
        child.platform->os == "unknown" || tag.empty()) {
      continue;
    }
    const std::string name = tag + "-" + platform_suffix(child);
    if (is_tag(name) && (m_target.manifest_digest(m_content.repository, name) == child.digest ||
                         put(here->second, name).state == State::pushed)) {
      tagged.push_back(name);
    }
  }
  const std::string name =
      upstream_name(m_content.repository) + (tag.empty() ? "@" + index.digest.to_string() : ":" + tag);
  std::string message = fmt::format("the registry does not take this multi-platform index without the {} of "
                                    "its children that were not carried",
                                    absent);
  message += tagged.empty() ? "" : "; its platforms are there as " + base::join(tagged, ", ");
  message += "; bundle all platforms of this image, or let the registry accept such an index (distribution 3: "
             "validation.manifests.indexes.platforms: none)";
  m_report.failures.push_back({base::Severity::error, ErrorCode::unsupported, name, message});
}

// "Referrers Tag Schema": a registry without the API finds signatures only by a list under a made-up tag.
void RepositoryPush::list_referrers_of(const Digest& subject, const std::vector<Digest>& referrers) {
  if (m_target.client().referrers(m_target.name_of(m_content.repository), subject)) {
    return;
  }
  const std::string tag = referrers_tag(subject);
  std::vector<Descriptor> entries;
  if (const auto there = m_target.client().manifest(m_target.name_of(m_content.repository), tag)) {
    entries = parse_manifest(there->bytes, there->media_type, tag).children;
  }
  const std::size_t before = entries.size();
  for (const Digest& referrer : referrers) {
    const auto manifest = m_content.manifests.find(referrer);
    const bool listed =
        std::any_of(entries.begin(), entries.end(), [&](const Descriptor& entry) { return entry.digest == referrer; });
    if (manifest != m_content.manifests.end() && !listed && m_manifests.at(referrer).state != State::failed) {
      entries.push_back(referrer_descriptor(manifest->second.parsed, referrer, manifest->second.bytes.size()));
    }
  }
  if (entries.size() == before) {
    return;
  }
  const std::string name = upstream_name(m_content.repository) + ":" + tag;
  if (m_context.mode == Mode::check) {
    fail(name, {State::failed, ErrorCode::not_found, "signatures are missing from this list of referrers"});
  } else if (m_context.mode == Mode::push) {
    const StoredManifest index{Digest(), std::string(k_oci_index), referrers_index(entries), {}};
    if (const Outcome outcome = put(index, tag); outcome.state == State::failed) {
      fail(name, outcome);
    }
  }
}

void RepositoryPush::list_referrers() {
  for (const auto& [subject, referrers] : m_content.referrers) {
    try {
      list_referrers_of(subject, referrers);
    } catch (const Error& error) {
      if (!is_failed(error.code())) {
        throw;
      }
      fail(upstream_name(m_content.repository) + "@" + subject.to_string(),
           {State::failed, error.code(), "its list of referrers could not be brought up to date: " + error.message()});
    }
  }
}

void RepositoryPush::move_tags() {
  std::map<std::string, Outcome> outcomes;
  TaskGroup tasks(k_threads);
  for (const auto& [tag, digest] : m_content.tags) {
    tasks.add([&, wanted = digest, name = tag] {
      Outcome outcome = move_tag(name, wanted);
      const std::lock_guard lock(m_mutex);
      outcomes[name] = std::move(outcome);
    });
  }
  tasks.wait();
  for (const auto& [tag, digest] : m_content.tags) {
    report(tag, digest, outcomes.at(tag));
  }
}

void RepositoryPush::report(const std::string& tag, const Digest& digest, const Outcome& outcome) {
  m_told.insert(digest);
  if (outcome.state == State::failed && m_sparse_refused.contains(digest)) {
    explain_sparse_index(m_content.manifests.at(digest), tag);
  } else if (outcome.state == State::failed || !is_referrers_tag(tag)) {
    const std::string name = upstream_name(m_content.repository);
    count(name + (tag.empty() ? "@" + digest.to_string() : ":" + tag), outcome);
  }
}

RepositoryReport RepositoryPush::run() {
  look_for_manifests();
  move_blobs();
  move_manifests();
  move_tags();
  for (const Digest& digest : m_content.untagged_roots()) {
    report("", digest, m_manifests.at(digest));
  }
  // What no tag and no index answers for: signatures.
  for (const auto& [digest, manifest] : m_content.manifests) {
    for (const Descriptor& child : manifest.parsed.children) {
      m_told.insert(child.digest);
    }
  }
  for (const auto& [digest, outcome] : m_manifests) {
    if (outcome.state == State::failed && !m_told.contains(digest)) {
      report("", digest, outcome);
    }
  }
  list_referrers();
  return m_report;
}

}  // namespace airlock::ecosystem::oci
