#include "ecosystem/oci/push_plan.hpp"

#include <functional>
#include <set>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "ecosystem/oci/media_types.hpp"
#include "ecosystem/oci/rows.hpp"

namespace airlock::ecosystem::oci {

using base::Digest;
using base::Error;
using base::ErrorCode;
using model::Kind;
using store::CatalogRow;

namespace {

constexpr int k_index_depth = 8;  // indexes within indexes; as deep as a resolver takes them

StoredManifest read_manifest(const CatalogRow& row, const Digest& digest, const store::BlobStore& blobs) {
  const std::optional<base::FileSlice> slice = blobs.open(row.sha256.value_or(Digest()));
  if (row.kind == Kind::withheld) {
    throw Error(ErrorCode::revoked, fmt::format("{} {}", row.path, why_withheld(row)));
  }
  if (!slice) {
    throw Error(ErrorCode::not_found, fmt::format("{} is in the catalog, but its blob is missing", row.path));
  }
  if (slice->length > k_manifest_limit) {
    throw Error(ErrorCode::limit, fmt::format("{} is larger than a manifest may be", row.path));
  }
  base::FileSource source(slice->fd->get(), slice->offset, slice->length, row.path);
  StoredManifest result;
  result.digest = digest;
  result.media_type = row.media_type;
  result.bytes = base::read_all(source, k_manifest_limit);
  result.parsed = parse_manifest(result.bytes, row.media_type, row.path);
  return result;
}

}  // namespace

RepositoryContent read_repository(const store::Catalog& catalog, const store::BlobStore& blobs,
                                  const std::string& repository) {
  RepositoryContent content;
  content.repository = repository;
  for (const CatalogRow& row : catalog.list(k_ecosystem, repository + "@")) {
    const std::optional<RowPath> path = parse_row_path(row.path);
    if (!path || !path->digest || row.kind == Kind::known) {
      continue;
    }
    if (!is_manifest_type(row.media_type)) {
      content.blobs.emplace(*path->digest, row);
      continue;
    }
    try {
      content.manifests.emplace(*path->digest, read_manifest(row, *path->digest, blobs));
    } catch (const Error& error) {
      content.damaged.emplace(*path->digest, error.message());
    }
  }
  for (const CatalogRow& row : catalog.list(k_ecosystem, repository + ":")) {
    const std::optional<RowPath> path = parse_row_path(row.path);
    if (path && !path->tag.empty() && row.sha256) {
      content.tags.emplace(path->tag, *row.sha256);
    }
  }
  for (const CatalogRow& row : catalog.list(k_ecosystem, repository + "/referrers/")) {
    const std::optional<RowPath> path = parse_row_path(row.path);
    if (path && path->subject && path->repository == repository) {
      content.referrers[*path->subject].push_back(*path->referrer);
    }
  }
  return content;
}

std::vector<Digest> RepositoryContent::untagged_roots() const {
  std::set<Digest> inside;
  for (const auto& [digest, manifest] : manifests) {
    for (const Descriptor& child : manifest.parsed.children) {
      inside.insert(child.digest);
    }
    if (manifest.parsed.subject) {
      inside.insert(digest);
    }
  }
  for (const auto& [tag, digest] : tags) {
    inside.insert(digest);
  }
  for (const auto& [subject, list] : referrers) {
    inside.insert(list.begin(), list.end());
  }
  std::vector<Digest> result;
  for (const auto& [digest, manifest] : manifests) {
    if (!inside.contains(digest)) {
      result.push_back(digest);
    }
  }
  return result;
}

std::vector<Digest> RepositoryContent::indexes() const {
  std::vector<Digest> result;
  std::set<Digest> seen;
  // An index that lists itself cannot exist, as its digest would have to be inside it; but a long way down can.
  const std::function<void(const Digest&, int)> add = [&](const Digest& digest, int depth) {
    const auto found = manifests.find(digest);
    if (found == manifests.end() || !found->second.parsed.is_index || !seen.insert(digest).second) {
      return;
    }
    if (depth > k_index_depth) {
      throw Error(ErrorCode::limit, fmt::format("an image index of more than {} levels", k_index_depth));
    }
    for (const Descriptor& child : found->second.parsed.children) {
      add(child.digest, depth + 1);
    }
    result.push_back(digest);
  };
  for (const auto& [digest, manifest] : manifests) {
    add(digest, 0);
  }
  return result;
}

}  // namespace airlock::ecosystem::oci
