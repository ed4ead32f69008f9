#include "workflow/image_blobs.hpp"

#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "bundle/oci_index.hpp"

namespace airlock::workflow {

namespace {

using base::Digest;
using base::Error;
using base::ErrorCode;
using base::Json;

constexpr int k_index_depth = 8;  // indexes within indexes

// What an index lists under another type is content of its own (image-spec 1.1, Image Index), and may be no JSON.
bool may_be_manifest(std::string_view media_type) {
  const auto plain = base::to_lower(base::trim(media_type.substr(0, media_type.find(';'))));
  return plain.empty() || plain == bundle::k_oci_index_type || plain == bundle::k_oci_manifest_type ||
         plain == bundle::k_oci_artifact_type || plain == bundle::k_docker_list_type ||
         plain == bundle::k_docker_manifest_type;
}

// Each digest once, in order.
class ManifestWalk {
 public:
  explicit ManifestWalk(const ManifestTexts& texts) : m_texts(texts) {}

  void add(const Digest& digest, int depth) {
    if (!m_read.insert(digest).second) {
      return;
    }
    if (depth > k_index_depth) {
      throw Error(ErrorCode::limit, fmt::format("an image index of more than {} levels", k_index_depth));
    }
    list(digest);
    const auto json = base::parse_json(m_texts.read(digest), digest.to_string());
    if (const auto children = json.find("manifests"); children != json.end() && children->is_array()) {
      // One reader would unpack these layers, another those of the children (CVE-2021-41190).
      if (json.contains("layers") || json.contains("config")) {
        throw Error(ErrorCode::malformed, fmt::format("{} is an index and a manifest at once", digest.to_string()));
      }
      add_children(*children, depth);
      return;
    }
    if (const auto config = json.find("config"); config != json.end()) {
      add_blob(*config);
    }
    for (const char* const key : {"layers", "blobs"}) {  // of an image, of an artifact (image-spec 1.1-rc)
      if (const auto blobs = json.find(key); blobs != json.end() && blobs->is_array()) {
        for (const auto& blob : *blobs) {
          add_blob(blob);
        }
      }
    }
  }

  ImageBlobs take() { return std::move(m_found); }

 private:
  void add_children(const Json& children, int depth) {
    for (const auto& child : children) {
      const auto digest = Digest::parse(base::string_member(child, "digest", "an image index"));
      // A platform that was not chosen is listed by the index and is not in the bundle.
      if (!m_texts.is_here(digest)) {
        m_found.left_out.push_back(digest.to_string());
      } else if (may_be_manifest(base::string_member_or(child, "mediaType", "", "an image index"))) {
        add(digest, depth + 1);
      } else {
        list(digest);
      }
    }
  }

  void add_blob(const Json& descriptor) {
    const auto digest = Digest::parse(base::string_member(descriptor, "digest", "an image manifest"));
    if (digest.algorithm() == base::HashAlgorithm::sha256) {
      list(digest);
    }
  }

  void list(const Digest& digest) {
    if (m_listed.insert(digest).second) {
      m_found.blobs.push_back(digest);
    }
  }

  const ManifestTexts& m_texts;
  std::set<Digest> m_read;
  std::set<Digest> m_listed;  // some manifest may call one of `m_read` a layer
  ImageBlobs m_found;
};

}  // namespace

ImageBlobs list_image_blobs(const Digest& top, const ManifestTexts& texts) {
  ManifestWalk walk(texts);
  walk.add(top, 0);
  return walk.take();
}

}  // namespace airlock::workflow
