#include "ecosystem/npm/documents.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "ecosystem/npm/names.hpp"
#include "ecosystem/npm/semver.hpp"
#include "ecosystem/npm/version_document.hpp"

namespace airlock::ecosystem::npm {

using base::Error;
using base::ErrorCode;
using base::Json;
using model::Kind;
using store::CatalogRow;

namespace {

constexpr std::size_t k_row_limit = 300'000;  // of one package
constexpr std::size_t k_object_limit = std::size_t{4} * 1024 * 1024;
constexpr std::size_t k_cache_limit = std::size_t{32} * 1024 * 1024;

Json read_object(const store::BlobStore& blobs, const CatalogRow& row) {
  const auto slice = blobs.open(*row.sha256);
  if (!slice || slice->length > k_object_limit) {
    throw Error(ErrorCode::io, fmt::format("the store lacks blob {}, which the catalog names for '{}'",
                                           row.sha256->to_string(), row.path))
        .with_hint("run `airlock store check`, then import the bundle again");
  }
  base::FileSource source(slice->fd->get(), slice->offset, slice->length, row.path);
  return base::parse_json(base::read_all(source, k_object_limit), row.path);
}

// What "latest" is where upstream's own is not here: the highest release, else the highest.
std::string newest(const Presence& presence) {
  std::optional<SemVer> best;
  std::string name;
  for (const auto& [text, version] : presence.versions) {
    const auto one = SemVer::parse(text);
    if (one && (!best || std::pair(!one->is_prerelease(), *one) > std::pair(!best->is_prerelease(), *best))) {
      best = one;
      name = text;
    }
  }
  return name;
}

}  // namespace

Presence find_package(const store::Catalog& catalog, const std::string& package) {
  Presence presence;
  const std::string prefix = package + "/";
  const std::string notes = notes_path(package, "");
  std::map<std::string, std::string> tags;
  for (CatalogRow& row : catalog.list(k_ecosystem, prefix, "", k_row_limit)) {
    if (!row.sha256 || row.kind == Kind::withheld) {
      continue;
    }
    const std::string rest = row.path.substr(prefix.size());
    if (row.path.starts_with(notes)) {
      presence.versions[row.path.substr(notes.size())].notes = std::move(row);
    } else if (rest.find('/') != std::string::npos) {
      continue;  // a tarball
    } else if (row.kind == Kind::meta && is_version(rest)) {
      presence.versions[rest].object = std::move(row);
    } else if (row.kind == Kind::tag) {
      if (const auto target = parse_purl(row.artifact); target && target->name == package) {
        tags.emplace(rest, target->version);
      }
    }
  }
  std::erase_if(presence.versions, [](const auto& one) { return !one.second.object; });
  for (auto& [tag, version] : tags) {
    if (presence.versions.contains(version)) {
      presence.dist_tags.emplace(tag, version);
    }
  }
  if (!presence.versions.empty() && !presence.dist_tags.contains("latest")) {
    presence.dist_tags.emplace("latest", newest(presence));
  }
  return presence;
}

Json version_of(const store::BlobStore& blobs, const Presence::Version& version, std::string_view base) {
  const Json notes = version.notes ? read_object(blobs, *version.notes) : Json();
  return served_version(read_object(blobs, *version.object), notes, base);
}

std::string package_document(const store::BlobStore& blobs, const Presence& presence, const std::string& package,
                             Form form, std::string_view base) {
  Json versions = Json::object();
  Json times = Json::object();
  std::string first;
  std::string last;
  for (const auto& [name, version] : presence.versions) {
    Json object = version_of(blobs, version, base);
    const Json notes = version.notes ? read_object(blobs, *version.notes) : Json();
    if (notes.is_object() && notes.contains("time") && notes["time"].is_string()) {
      const std::string time = notes["time"].get<std::string>();
      first = first.empty() ? time : std::min(first, time);
      last = std::max(last, time);
      times[name] = time;
    }
    versions[name] = form == Form::full ? std::move(object) : abbreviated_version(object);
  }
  Json document = {{"name", package}, {"dist-tags", presence.dist_tags}, {"versions", std::move(versions)}};
  if (form == Form::abbreviated) {
    if (!last.empty()) {
      document["modified"] = last;
    }
  } else {
    document["_id"] = package;
    if (!last.empty()) {
      times["created"] = first;
      times["modified"] = last;
      document["time"] = std::move(times);
    }
  }
  return base::to_line(document);
}

std::shared_ptr<const BuiltDocument> DocumentCache::find(const Key& key) {
  const std::lock_guard lock(m_mutex);
  const auto found = m_entries.find(key);
  if (found == m_entries.end()) {
    return nullptr;
  }
  m_order.splice(m_order.begin(), m_order, found->second.place);
  return found->second.document;
}

void DocumentCache::put(const Key& key, std::shared_ptr<const BuiltDocument> document) {
  const std::lock_guard lock(m_mutex);
  if (document->text.size() > k_cache_limit / 4 || m_entries.contains(key)) {
    return;
  }
  m_bytes += document->text.size();
  m_order.push_front(key);
  m_entries.emplace(key, Entry{.document = std::move(document), .place = m_order.begin()});
  while (m_bytes > k_cache_limit) {
    const auto oldest = m_entries.find(m_order.back());
    m_bytes -= oldest->second.document->text.size();
    m_entries.erase(oldest);
    m_order.pop_back();
  }
}

}  // namespace airlock::ecosystem::npm
