// Which blobs belong to an image, from the texts of its manifests alone.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/digest.hpp"

namespace airlock::workflow {

// The manifests at hand.
struct ManifestTexts {
  std::function<bool(const base::Digest&)> is_here;
  std::function<std::string(const base::Digest&)> read;  // bytes that the digest was compared with; throws
};

struct ImageBlobs {
  std::vector<base::Digest> blobs;    // by SHA-256, each once: a manifest before what it names, in its order
  std::vector<std::string> left_out;  // what indexes list and is not here: platforms that were not chosen
};

// Everything that hangs below the manifest or index `top`. Throws malformed, limit (an index of more than 8 levels),
// and what `texts.read` throws.
ImageBlobs list_image_blobs(const base::Digest& top, const ManifestTexts& texts);

}  // namespace airlock::workflow
