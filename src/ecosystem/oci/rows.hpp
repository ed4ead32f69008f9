// The rows that lock and catalog carry for images (docs/ecosystems/oci.md, Paths in lock and catalog): how paths
// are spelled and read, and what stands in each member.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "ecosystem/oci/manifest.hpp"
#include "ecosystem/oci/reference.hpp"
#include "ecosystem/oci/source.hpp"
#include "model/file_row.hpp"

namespace airlock::ecosystem::oci {

inline constexpr std::string_view k_ecosystem = "oci";

// "HOST/REPO" with the host as a path component; what every path of a repository begins with.
std::string repository_path(const Reference& reference);

// A row's path, taken apart. Exactly one of tag, digest and (subject, referrer) is there.
struct RowPath {
  std::string repository;               // "HOST/REPO", host as a path component
  std::string tag;                      // "HOST/REPO:TAG"
  std::optional<base::Digest> digest;   // "HOST/REPO@ALGORITHM:HEX"
  std::optional<base::Digest> subject;  // "HOST/REPO/referrers/SUBJECT/REFERRER"
  std::optional<base::Digest> referrer;

  std::string to_string() const;
};
std::optional<RowPath> parse_row_path(std::string_view path);  // nullopt: not one of ours

std::string tag_path(std::string_view repository, std::string_view tag);
std::string digest_path(std::string_view repository, const base::Digest& digest);
std::string referrer_path(std::string_view repository, const base::Digest& subject, const base::Digest& referrer);

// "pkg:oci/NAME@sha256:HEX?repository_url=HOST/REPO&tag=TAG" (purl-spec, oci); without a tag where there is
// none.
std::string image_purl(const Reference& reference, const base::Digest& digest, std::string_view tag);

// What rows of one image share.
struct RowContext {
  std::string repository;  // "HOST/REPO", host as a path component
  std::string artifact;    // purl
  std::string platform;    // empty where there is none
};
model::FileRow manifest_row(const RowContext& context, const FetchedManifest& manifest, std::string_view media_type,
                            const Source& source);
model::FileRow tag_row(const RowContext& context, std::string_view tag, const FetchedManifest& manifest,
                       std::string_view media_type, const Source& source);
model::FileRow referrer_row(const RowContext& context, const base::Digest& subject, const FetchedManifest& manifest,
                            std::string_view media_type, const Source& source);
model::FileRow blob_row(const RowContext& context, const Descriptor& blob, const Source& source);
// A child of a platform that was not chosen, or a layer that may not be passed on.
model::FileRow known_row(const RowContext& context, const Descriptor& descriptor, std::string_view origin);

}  // namespace airlock::ecosystem::oci
