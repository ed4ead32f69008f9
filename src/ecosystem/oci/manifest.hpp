// Reading image manifests and indexes: pure, strict, bounded. Bytes are never rewritten; what is read here
// only says what else belongs to an image (image-spec 1.1, Image Manifest and Image Index; Docker schema 2).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "model/platform.hpp"

namespace airlock::ecosystem::oci {

inline constexpr std::size_t k_manifest_limit = 4 * 1024 * 1024;  // bytes; what registries accept
inline constexpr std::size_t k_descriptor_limit = 1000;           // children or layers of one manifest

// image-spec 1.1, Content Descriptors.
struct Descriptor {
  std::string media_type;
  base::Digest digest;                      // sha256 or sha512
  std::uint64_t size = 0;                   // bytes
  std::optional<model::Platform> platform;  // of an index's child
  std::string artifact_type;
  std::map<std::string, std::string> annotations;
  std::vector<std::string> urls;    // where else the content may be had
  std::optional<std::string> data;  // the content itself, decoded; proven to match digest and size
};

struct Manifest {
  std::string media_type;  // as sent, else as the shape says
  bool is_index = false;
  std::vector<Descriptor> children;   // of an index
  std::optional<Descriptor> config;   // of an image
  std::vector<Descriptor> layers;     // of an image; the blobs of an artifact manifest
  std::optional<Descriptor> subject;  // what this is a signature, an SBOM, … of
  // distribution-spec 1.1, "Listing Referrers": its own artifactType, else the type of its config; empty for
  // an index that names none.
  std::string artifact_type;
  std::map<std::string, std::string> annotations;
};

// `content_type` is what the bytes were sent or stored as; a generic one ("application/json", empty) lets
// mediaType and the shape decide. Throws malformed, limit, and unsupported for Docker schema 1. `name` stands
// in messages.
Manifest parse_manifest(std::string_view text, std::string_view content_type, std::string_view name);

// What a list of descriptors without a meaning of their own says: index.json of a layout, an answer of the
// referrers API. Like an index, but with up to 100,000 entries.
std::vector<Descriptor> parse_descriptor_list(std::string_view text, std::string_view name);

}  // namespace airlock::ecosystem::oci
