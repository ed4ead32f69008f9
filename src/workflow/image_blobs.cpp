#include "workflow/image_blobs.hpp"

#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"

namespace airlock::workflow {

namespace {

using base::Digest;
using base::Error;
using base::ErrorCode;
using base::Json;

constexpr int k_index_depth = 8;  // indexes within indexes

// Each digest once, in order.
class ManifestWalk {
 public:
  explicit ManifestWalk(const ManifestTexts& texts) : m_texts(texts) {}

  void add(const Digest& digest, int depth) {
    if (!m_seen.insert(digest).second) {
      return;
    }
    if (depth > k_index_depth) {
      throw Error(ErrorCode::limit, fmt::format("an image index of more than {} levels", k_index_depth));
    }
    m_found.blobs.push_back(digest);
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
    if (const auto layers = json.find("layers"); layers != json.end() && layers->is_array()) {
      for (const auto& layer : *layers) {
        add_blob(layer);
      }
    }
  }

  ImageBlobs take() { return std::move(m_found); }

 private:
  void add_children(const Json& children, int depth) {
    for (const auto& child : children) {
      const auto digest = Digest::parse(base::string_member(child, "digest", "an image index"));
      // A platform that was not chosen is listed by the index and is not in the bundle.
      if (m_texts.is_here(digest)) {
        add(digest, depth + 1);
      } else {
        m_found.left_out.push_back(digest.to_string());
      }
    }
  }

  void add_blob(const Json& descriptor) {
    const auto digest = Digest::parse(base::string_member(descriptor, "digest", "an image manifest"));
    if (digest.algorithm() == base::HashAlgorithm::sha256 && m_seen.insert(digest).second) {
      m_found.blobs.push_back(digest);
    }
  }

  const ManifestTexts& m_texts;
  std::set<Digest> m_seen;
  ImageBlobs m_found;
};

}  // namespace

ImageBlobs list_image_blobs(const Digest& top, const ManifestTexts& texts) {
  ManifestWalk walk(texts);
  walk.add(top, 0);
  return walk.take();
}

}  // namespace airlock::workflow
