// Where one repository's content comes from: a registry, or an OCI layout on disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "ecosystem/oci/manifest.hpp"
#include "model/file_row.hpp"

namespace airlock::ecosystem::oci {

// A manifest's exact bytes, with what is proven of them.
struct FetchedManifest {
  std::string bytes;
  std::string media_type;                            // as sent, without parameters; may be generic
  base::Digest digest;                               // of `bytes`; in the algorithm that was asked for, else sha256
  base::Digest sha256;                               // of `bytes`
  model::Verified verified = model::Verified::none;  // whether upstream stated the digest
};

// All functions are thread-safe. Absence is nullopt or an empty list; everything else that stops an answer
// throws.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::optional<FetchedManifest> by_tag(std::string_view tag) = 0;
  // The same for a tag that is most likely not there: asked for in the way that counts least against a limit.
  virtual std::optional<FetchedManifest> look_for(std::string_view tag) { return by_tag(tag); }
  // Throws tampered when the bytes are others than the digest says.
  virtual std::optional<FetchedManifest> by_digest(const base::Digest& digest) = 0;
  // Manifests whose subject is `subject`, by whichever means the source has (distribution-spec 1.1, "Listing
  // Referrers" and "Referrers Tag Schema").
  virtual std::vector<Descriptor> referrers(const base::Digest& subject) = 0;
  virtual std::vector<std::string> tags() = 0;
  // What a row's `origin` is, so that the content can be had again from that alone.
  enum class Part { manifests, blobs };
  virtual std::string origin(Part part, const base::Digest& digest) const = 0;
};

}  // namespace airlock::ecosystem::oci
