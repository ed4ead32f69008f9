#include "ecosystem/oci/referrers_index.hpp"

#include "base/json.hpp"
#include "ecosystem/oci/media_types.hpp"

namespace airlock::ecosystem::oci {

Descriptor referrer_descriptor(const Manifest& manifest, const base::Digest& digest, std::uint64_t size) {
  Descriptor result;
  result.media_type = manifest.media_type;
  result.digest = digest;
  result.size = size;
  result.artifact_type = manifest.artifact_type;
  result.annotations = manifest.annotations;
  return result;
}

std::string referrers_index(const std::vector<Descriptor>& entries) {
  base::Json list = base::Json::array();
  for (const Descriptor& entry : entries) {
    base::Json item = {{"mediaType", entry.media_type}, {"digest", entry.digest.to_string()}, {"size", entry.size}};
    if (!entry.artifact_type.empty()) {
      item["artifactType"] = entry.artifact_type;
    }
    if (!entry.annotations.empty()) {
      item["annotations"] = entry.annotations;
    }
    list.push_back(std::move(item));
  }
  return base::Json{{"schemaVersion", 2}, {"mediaType", k_oci_index}, {"manifests", std::move(list)}}.dump();
}

}  // namespace airlock::ecosystem::oci
