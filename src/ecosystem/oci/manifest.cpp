#include "ecosystem/oci/manifest.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "ecosystem/oci/media_types.hpp"
#include "ecosystem/oci/reference.hpp"

namespace airlock::ecosystem::oci {

using base::Error;
using base::ErrorCode;
using base::Json;

namespace {

constexpr std::size_t k_list_limit = 100'000;
constexpr base::JsonLimits k_manifest_json{.bytes = k_manifest_limit, .depth = 32, .members = 100'000};

Error malformed_manifest(std::string_view name, std::string_view cause) {
  return Error(ErrorCode::malformed, fmt::format("{}: {}", name, cause));
}

// null counts as absent: several builders write it for empty members.
const Json* optional_member(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::map<std::string, std::string> read_annotations(const Json& object, std::string_view name) {
  std::map<std::string, std::string> result;
  if (const Json* annotations = optional_member(object, "annotations")) {
    if (!annotations->is_object()) {
      throw malformed_manifest(name, "'annotations' is no object");
    }
    for (const auto& [key, value] : annotations->items()) {
      if (!value.is_string()) {
        throw malformed_manifest(name, fmt::format("annotation '{}' is no string", base::printable(key)));
      }
      result.emplace(key, value.get<std::string>());
    }
  }
  return result;
}

std::string text_or_empty(const Json& object, const char* key, std::string_view name) {
  const Json* value = optional_member(object, key);
  if (value != nullptr && !value->is_string()) {
    throw malformed_manifest(name, fmt::format("'{}' is no string", key));
  }
  return value == nullptr ? "" : value->get<std::string>();
}

base::Digest read_digest(const Json& object, std::string_view name) {
  const std::string text = base::string_member(object, "digest", name);
  const std::optional<base::Digest> digest = parse_content_digest(text);
  if (!digest) {
    throw malformed_manifest(name, fmt::format("'{}' is no sha256 or sha512 digest", base::printable(text)));
  }
  return *digest;
}

// image-spec 1.1, Content Descriptors, "Embedded Content": the data must be what digest and size say.
std::string read_data(const Json& data, const Descriptor& descriptor, std::string_view name) {
  std::optional<std::string> content;
  if (data.is_string()) {
    content = base::base64_decode(data.get<std::string>());
  }
  if (!content) {
    throw malformed_manifest(name, "'data' of a descriptor is no base64 text");
  }
  base::Hasher hasher(descriptor.digest.algorithm());
  hasher.update(*content);
  if (content->size() != descriptor.size || hasher.finish() != descriptor.digest) {
    throw malformed_manifest(name,
                             fmt::format("the data inside the descriptor of {} is not what its digest and size say",
                                         descriptor.digest.to_string()));
  }
  return *content;
}

// These stand in rows and in messages, so nothing but a plain word passes.
std::string read_word(const Json& object, const char* key, std::string_view name) {
  std::string word = text_or_empty(object, key, name);
  const bool plain = word.size() <= 64 && std::all_of(word.begin(), word.end(), [](char c) {
                       return base::is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
                     });
  if (!plain) {
    throw malformed_manifest(name, fmt::format("'{}' of a platform is no plain word", key));
  }
  return word;
}

model::Platform read_platform(const Json& object, std::string_view name) {
  if (!object.is_object()) {
    throw malformed_manifest(name, "'platform' is no object");
  }
  return {read_word(object, "os", name), read_word(object, "architecture", name), read_word(object, "variant", name)};
}

std::string read_media_type(const Json& object, std::string_view name) {
  std::string type = base::string_member(object, "mediaType", name);
  const bool plain = !type.empty() && type.size() <= 255 &&
                     std::all_of(type.begin(), type.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!plain) {
    throw malformed_manifest(name, fmt::format("'{}' is no media type", base::printable(type)));
  }
  return type;
}

Descriptor read_descriptor(const Json& object, std::string_view name) {
  if (!object.is_object()) {
    throw malformed_manifest(name, "a descriptor is no object");
  }
  Descriptor result;
  result.media_type = read_media_type(object, name);
  result.digest = read_digest(object, name);
  result.size = base::uint_member(object, "size", name);
  if (const Json* platform = optional_member(object, "platform")) {
    result.platform = read_platform(*platform, name);
  }
  result.artifact_type = text_or_empty(object, "artifactType", name);
  result.annotations = read_annotations(object, name);
  if (const Json* urls = optional_member(object, "urls")) {
    for (const Json& url : *urls) {
      if (!urls->is_array() || !url.is_string()) {
        throw malformed_manifest(name, "'urls' of a descriptor is no list of strings");
      }
      result.urls.push_back(url.get<std::string>());
    }
  }
  if (const Json* data = optional_member(object, "data")) {
    result.data = read_data(*data, result, name);
  }
  return result;
}

std::vector<Descriptor> read_descriptors(const Json& object, const char* key, std::size_t limit,
                                         std::string_view name) {
  std::vector<Descriptor> result;
  const Json* list = optional_member(object, key);
  if (list == nullptr) {
    return result;
  }
  if (!list->is_array()) {
    throw malformed_manifest(name, fmt::format("'{}' is no list", key));
  }
  if (list->size() > limit) {
    throw Error(ErrorCode::limit, fmt::format("{}: '{}' has {} entries, more than {}", name, key, list->size(), limit));
  }
  for (const Json& item : *list) {
    result.push_back(read_descriptor(item, name));
  }
  return result;
}

Error schema1(std::string_view name) {
  return Error(ErrorCode::unsupported, fmt::format("{} is in Docker's manifest format of 2015 (schema 1)", name))
      .with_hint("that format pins nothing that can be carried safely; pull and push it once with a current docker, "
                 "podman or skopeo to convert it, and use the new digest");
}

// image-spec 1.1, Image Manifest: the type that the sender states, the one inside, and the shape must agree,
// since a text that is an image to one reader and an index to another could carry what nobody looked at
// (CVE-2021-41190).
std::string decide_media_type(const Json& object, std::string_view content_type, std::string_view name) {
  const std::string sent = plain_media_type(content_type);
  const std::string inside = text_or_empty(object, "mediaType", name);
  if (is_schema1_type(sent) || is_schema1_type(inside) ||
      (object.contains("schemaVersion") && object["schemaVersion"] == 1)) {
    throw schema1(name);
  }
  if (is_manifest_type(sent) && !inside.empty() && inside != sent) {
    throw malformed_manifest(
        name, fmt::format("it was sent as '{}' but says that it is '{}'", sent, base::printable(inside)));
  }
  const bool list_shape = optional_member(object, "manifests") != nullptr;
  const bool image_shape = optional_member(object, "config") != nullptr || optional_member(object, "layers") != nullptr;
  const bool artifact_shape = optional_member(object, "blobs") != nullptr;
  if (list_shape && (image_shape || artifact_shape)) {
    throw malformed_manifest(name,
                             "it has the members of an image and of an index, so that readers may disagree on it");
  }
  std::string result = is_manifest_type(sent) ? sent : inside;
  if (result.empty()) {
    result = list_shape ? k_oci_index : k_oci_manifest;
  }
  if (!is_manifest_type(result)) {
    throw Error(ErrorCode::unsupported,
                fmt::format("{} has the type '{}', which is no image manifest", name, base::printable(result)));
  }
  if (is_index_type(result) != list_shape && (list_shape || image_shape || artifact_shape)) {
    throw malformed_manifest(name, fmt::format("its members are not those of '{}'", result));
  }
  return result;
}

}  // namespace

Manifest parse_manifest(std::string_view text, std::string_view content_type, std::string_view name) {
  const Json object = base::parse_json(text, name, k_manifest_json);
  if (!object.is_object()) {
    throw malformed_manifest(name, "it is no JSON object");
  }
  Manifest result;
  result.media_type = decide_media_type(object, content_type, name);
  result.is_index = is_index_type(result.media_type);
  if (result.media_type != k_artifact_manifest && base::uint_member(object, "schemaVersion", name) != 2) {
    throw malformed_manifest(name, "its schemaVersion is not 2");
  }
  result.artifact_type = text_or_empty(object, "artifactType", name);
  result.annotations = read_annotations(object, name);
  if (const Json* subject = optional_member(object, "subject")) {
    result.subject = read_descriptor(*subject, name);
  }
  if (result.is_index) {
    result.children = read_descriptors(object, "manifests", k_descriptor_limit, name);
  } else if (result.media_type == k_artifact_manifest) {
    result.layers = read_descriptors(object, "blobs", k_descriptor_limit, name);
  } else {
    result.config = read_descriptor(base::member(object, "config", name), name);
    result.layers = read_descriptors(object, "layers", k_descriptor_limit, name);
    if (result.artifact_type.empty()) {
      result.artifact_type = result.config->media_type;
    }
  }
  return result;
}

std::vector<Descriptor> parse_descriptor_list(std::string_view text, std::string_view name) {
  const Json object = base::parse_json(text, name, {.values = 20 * k_list_limit});
  if (!object.is_object()) {
    throw malformed_manifest(name, "it is no JSON object");
  }
  return read_descriptors(object, "manifests", k_list_limit, name);
}

}  // namespace airlock::ecosystem::oci
