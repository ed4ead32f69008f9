// Images for tests: manifests made by hand, known by their real digests.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "ecosystem/oci/media_types.hpp"

namespace airlock::ecosystem::oci {

using base::Json;

inline std::string digest_text(std::string_view content) {
  return base::sha256(content).to_string();
}

inline std::string digest_hex(std::string_view content) {
  return base::sha256(content).hex();
}

inline Json descriptor(std::string_view media_type, std::string_view content) {
  return {{"mediaType", media_type}, {"digest", digest_text(content)}, {"size", content.size()}};
}

inline Json platform(std::string_view os, std::string_view architecture) {
  return {{"os", os}, {"architecture", architecture}};
}

inline constexpr std::string_view k_layer_type = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr std::string_view k_config_type = "application/vnd.oci.image.config.v1+json";

// An image manifest of one layer.
inline Json image(std::string_view config, std::string_view layer) {
  return {{"schemaVersion", 2},
          {"mediaType", k_oci_manifest},
          {"config", descriptor(k_config_type, config)},
          {"layers", {descriptor(k_layer_type, layer)}}};
}

inline Json index_of(const std::vector<Json>& children) {
  return {{"schemaVersion", 2}, {"mediaType", k_oci_index}, {"manifests", children}};
}

// What refers to `subject`: a signature, an SBOM.
inline Json artifact(std::string_view type, std::string_view subject, std::string_view content) {
  Json result = image("{}", content);
  result["artifactType"] = type;
  result["subject"] = descriptor(k_oci_manifest, subject);
  result["annotations"] = {{"made-by", "test"}};
  return result;
}

// An image for two platforms, with everything that is in it, by digest.
struct TwoPlatforms {
  std::string amd64_config = R"({"architecture":"amd64"})", arm64_config = R"({"architecture":"arm64"})";
  std::string amd64_layer = "amd64 layer", arm64_layer = "arm64 layer";
  std::string amd64 = image(amd64_config, amd64_layer).dump();
  std::string arm64 = image(arm64_config, arm64_layer).dump();
  std::string index = make_index();

  std::string make_index() const {
    Json first = descriptor(k_oci_manifest, amd64);
    first["platform"] = platform("linux", "amd64");
    Json second = descriptor(k_oci_manifest, arm64);
    second["platform"] = platform("linux", "arm64");
    second["platform"]["variant"] = "v8";
    return index_of({first, second}).dump();
  }
};

}  // namespace airlock::ecosystem::oci
