// What all rows of a state come to: counts, distinct blobs, SHA256SUMS. Made from catalog texts, by the producer for
// the descriptor and by the far side to compare with it. For the files of this folder only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "bundle/catalog_text.hpp"
#include "bundle/documents.hpp"
#include "bundle/verified_bundle.hpp"

namespace airlock::bundle {

// Distinct blobs in the order of their first appearance; small enough for millions.
class BlobTable {
 public:
  using Blob = VerifiedBundle::StateBlob;

  // False when it was there already; throws tampered when it was there with another length.
  bool add(const base::Digest& sha256, std::uint64_t length);
  bool contains(const base::Digest& sha256) const;
  const std::vector<Blob>& blobs() const { return m_blobs; }
  std::vector<Blob> take() {
    m_blobs.shrink_to_fit();  // they stay for the whole run
    return std::move(m_blobs);
  }

 private:
  std::size_t slot(const base::Digest& sha256) const;
  void grow();

  std::vector<Blob> m_blobs;
  std::vector<std::uint32_t> m_slots;  // index + 1 into m_blobs; 0 is free. A power of two, at most half full
};

// The text of SHA256SUMS, in coreutils' form with the names that the blobs have as members.
std::string sums_text(const std::vector<BlobTable::Blob>& blobs);
inline constexpr std::size_t k_sums_line_size = 2 * 64 + 2 + k_blob_prefix.size() + 1;  // bytes

class StateRows {
 public:
  using Visit = std::function<void(const model::FileRow&)>;

  // The catalogs of one ecosystem, in order. Throws tampered (see CatalogReader; also two paths that clients
  // may not tell apart, model/name_folding.hpp), limit.
  void add_ecosystem(std::string_view ecosystem, std::size_t catalogs,
                     const std::function<std::string(std::size_t)>& catalog_text, const Visit& visit);
  void add_attachments(const std::vector<Attachment>& attachments);

  // Fills in what is counted: rows, artifacts, blobs, bytes.
  void count_into(Descriptor& descriptor) const;
  BlobTable& blobs() { return m_blobs; }

 private:
  struct Fingerprint {  // of a text that need not be kept; clashes by chance do not happen
    std::uint64_t high = 0, low = 0;
    bool operator==(const Fingerprint&) const = default;
  };
  struct FingerprintHash {
    std::size_t operator()(const Fingerprint& f) const { return static_cast<std::size_t>(f.high ^ f.low); }
  };
  using Fingerprints = std::unordered_set<Fingerprint, FingerprintHash>;
  static Fingerprint fingerprint(std::string_view text);

  std::map<std::string, std::uint64_t> m_rows;
  std::uint64_t m_row_count = 0;
  std::uint64_t m_bytes = 0;
  Fingerprints m_artifacts;
  BlobTable m_blobs;
};

}  // namespace airlock::bundle
