// index.json of an OCI image layout (OCI image specification 1.0, Image Layout), derived from the rows of a state.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "model/file_row.hpp"

namespace airlock::bundle {

inline constexpr std::string_view k_oci_index_type = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view k_oci_manifest_type = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view k_oci_artifact_type = "application/vnd.oci.artifact.manifest.v1+json";
inline constexpr std::string_view k_docker_manifest_type = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view k_docker_list_type = "application/vnd.docker.distribution.manifest.list.v2+json";

struct OciDescriptor {
  std::string media_type;
  base::Digest digest;
  std::uint64_t size = 0;  // bytes
  std::string platform;    // "linux/arm/v7"; empty where it has none
};

// Tools refuse Docker's media types at the top of an OCI layout; an OCI index that lists the same manifests they take.
// The text of such an index: a blob of its own, with a row of kind `layout` (layout_row_path).
std::string layout_only_index(const std::vector<OciDescriptor>& children);
// The same from what stands in the registry: a Docker manifest becomes the only child, a manifest list gives its
// children. nullopt for every other media type, which needs no such index. Throws malformed.
std::optional<std::string> layout_only_index_of(std::string_view media_type, std::string_view manifest);
// The path of the row for the index of `reference` (the path of a tag, or of a manifest by digest): no tag looks so.
std::string layout_row_path(std::string_view reference);

// Collects what index.json needs, row by row.
class OciIndexBuilder {
 public:
  explicit OciIndexBuilder(std::function<bool(const base::Digest&)> present) : m_present(std::move(present)) {}

  void add(const model::FileRow& row);  // of ecosystem "oci", in order
  // An image is complete when every blob of its repository is present: which layers belong to which image, the rows do
  // not say.
  std::string text() const;

 private:
  struct Image {
    std::string media_type;
    base::Digest digest;
    std::uint64_t size = 0;
  };

  std::function<bool(const base::Digest&)> m_present;
  std::map<std::string, Image> m_tags;       // by path
  std::map<std::string, Image> m_by_digest;  // manifests that their package URL names, by path
  std::map<std::string, Image> m_layouts;    // by path
  std::map<std::string, bool> m_complete;    // by repository
};

}  // namespace airlock::bundle
