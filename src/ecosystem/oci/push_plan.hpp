// What of the catalog is to be pushed, repository by repository, and in which order.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "ecosystem/oci/manifest.hpp"
#include "store/blob_store.hpp"
#include "store/catalog.hpp"

namespace airlock::ecosystem::oci {

struct StoredManifest {
  base::Digest digest;  // as it is referred to
  std::string media_type;
  std::string bytes;
  Manifest parsed;
};

// One repository's rows, read whole: manifests are at most 4 MiB each and held one repository at a time.
struct RepositoryContent {
  std::string repository;                           // "HOST/REPO"
  std::map<base::Digest, store::CatalogRow> blobs;  // configs and layers that are here
  std::map<base::Digest, StoredManifest> manifests;
  std::map<base::Digest, std::string> damaged;                  // manifests that could not be read: why
  std::map<std::string, base::Digest> tags;                     // to the digest of a manifest
  std::map<base::Digest, std::vector<base::Digest>> referrers;  // by subject

  // Manifests that no index lists, no tag names and no subject has: images that are known by digest only.
  std::vector<base::Digest> untagged_roots() const;
  // All indexes, each after the indexes that it lists.
  std::vector<base::Digest> indexes() const;
};

RepositoryContent read_repository(const store::Catalog& catalog, const store::BlobStore& blobs,
                                  const std::string& repository);

}  // namespace airlock::ecosystem::oci
