#include "ecosystem/oci/media_types.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace airlock::ecosystem::oci {

std::string plain_media_type(std::string_view content_type) {
  return base::to_lower(base::trim(content_type.substr(0, content_type.find(';'))));
}

bool is_index_type(std::string_view media_type) {
  return media_type == k_oci_index || media_type == k_docker_list;
}

bool is_manifest_type(std::string_view media_type) {
  return is_index_type(media_type) || media_type == k_oci_manifest || media_type == k_docker_manifest ||
         media_type == k_artifact_manifest;
}

bool is_schema1_type(std::string_view media_type) {
  return media_type == "application/vnd.docker.distribution.manifest.v1+json" ||
         media_type == "application/vnd.docker.distribution.manifest.v1+prettyjws";
}

bool is_nondistributable_type(std::string_view media_type) {
  return media_type.starts_with("application/vnd.docker.image.rootfs.foreign.diff.tar") ||
         media_type.starts_with("application/vnd.oci.image.layer.nondistributable.v1.tar");
}

std::string manifest_accept() {
  return fmt::format("{}, {}, {}, {}, {}", k_oci_index, k_oci_manifest, k_docker_list, k_docker_manifest,
                     k_artifact_manifest);
}

}  // namespace airlock::ecosystem::oci
