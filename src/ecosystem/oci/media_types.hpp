// The media types that airlock acts on (image-spec 1.1, Media Types; Docker image manifest version 2,
// schema 2).
#pragma once

#include <string>
#include <string_view>

namespace airlock::ecosystem::oci {

inline constexpr std::string_view k_oci_manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view k_oci_index = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view k_docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view k_docker_list = "application/vnd.docker.distribution.manifest.list.v2+json";
// Of image-spec 1.1 release candidates; registries still hold some.
inline constexpr std::string_view k_artifact_manifest = "application/vnd.oci.artifact.manifest.v1+json";

// "type/subtype" of a Content-Type, in lower case, without parameters.
std::string plain_media_type(std::string_view content_type);
bool is_index_type(std::string_view media_type);
bool is_manifest_type(std::string_view media_type);  // an index too
bool is_schema1_type(std::string_view media_type);   // Docker's first format, which is not carried
// Layers that their owner forbids to pass on; registries accept manifests whose such layers they do not hold.
bool is_nondistributable_type(std::string_view media_type);
// Value of Accept for every manifest that airlock reads.
std::string manifest_accept();

}  // namespace airlock::ecosystem::oci
