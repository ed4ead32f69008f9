// Names and numbers of the bundle format (docs/formats/bundle.md): what stands where in head and volumes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"

namespace airlock::bundle {

inline constexpr int k_format = 1;                            // of airlock.json, shipment and descriptor
inline constexpr std::uint64_t k_head_limit = 1u << 30;       // bytes; a head beyond it is refused
inline constexpr std::size_t k_oci_index_limit = 256u << 20;  // bytes of index.json
inline constexpr std::size_t k_shipment_limit = 8u << 20;     // bytes of the envelope: 9,999 volumes and more
inline constexpr std::uint64_t k_member_limit = 10'000'000;
inline constexpr std::uint64_t k_rows_per_catalog = 50'000;
inline constexpr std::uint64_t k_row_limit = 5'000'000;
inline constexpr std::uint64_t k_volume_limit = 9'999;
inline constexpr std::uint64_t k_blob_limit = 16ull << 40;         // bytes of one blob
inline constexpr std::uint64_t k_number_limit = (1ull << 53) - 1;  // of serials and sendings: exact in every JSON

// Versions of timestamp for each version of snapshot: a state may be sealed again (a timestamp that ran out, an
// approval that came later) without knowing of later states, and no two statements ever share a version.
inline constexpr std::uint64_t k_timestamps_per_snapshot = 1'000;
// Whether a timestamp of that version may speak for a snapshot of this one: its key alone uses up no other's.
constexpr bool is_timestamp_version(std::uint64_t timestamp, std::uint64_t snapshot) {
  return timestamp / k_timestamps_per_snapshot == snapshot;
}

// Member names of a head, in the order in which they stand.
inline constexpr std::string_view k_hint_member = "airlock.json";
inline constexpr std::string_view k_metadata_prefix = "metadata/";  // "metadata/3.root.json", "metadata/timestamp.json"
inline constexpr std::string_view k_shipment_member = "metadata/shipment.dsse.json";
inline constexpr std::string_view k_shipment_name = "the shipment";  // in messages
inline constexpr std::string_view k_room_member = "metadata/room";   // zeros: where approvals and seal will go
inline constexpr std::string_view k_targets_prefix = "targets/";     // "targets/oci/catalog/<sha256>.00.jsonl"
inline constexpr std::string_view k_oci_layout_member = "oci-layout";
inline constexpr std::string_view k_oci_index_member = "index.json";
inline constexpr std::string_view k_blob_prefix = "blobs/sha256/";  // "<hex>", or "<hex>.p0001" for a part

// TUF target paths of the top-level targets role.
inline constexpr std::string_view k_descriptor_target = "descriptor.json";
inline constexpr std::string_view k_sums_target = "SHA256SUMS";
inline constexpr std::string_view k_revoked_target = "revoked.jsonl";
inline constexpr std::string_view k_attachments_target = "attachments.json";
// "oci/catalog/00.jsonl". Two digits, so that the name with its digest in front fits the 100 bytes of a tar header
// for every ecosystem; 100 catalogs hold k_row_limit rows.
std::string catalog_target(std::string_view ecosystem, std::uint64_t number);
inline constexpr std::uint64_t k_catalogs_per_ecosystem = 100;
inline constexpr std::size_t k_ecosystem_name_limit = 10;  // bytes

// "a/b/c.json" with its digest in front of the last component (TUF consistent snapshots): "a/b/<hex>.c.json".
std::string consistent_name(std::string_view target, const base::Digest& sha256);
struct ConsistentName {
  std::string target;
  base::Digest sha256;
};
std::optional<ConsistentName> parse_consistent_name(std::string_view name);  // nullopt when it has no digest

bool is_channel_name(std::string_view text);  // docs/formats/pouf.md, Names: [a-z0-9][a-z0-9-]{0,62}
// Under this name a site keeps rows of its own in its catalog; no bundle may have an ecosystem called so.
constexpr std::string_view k_site_rows = "bundle";
bool is_ecosystem_name(std::string_view text);  // [a-z][a-z0-9-]*, at most k_ecosystem_name_limit bytes; a TUF role

// What a set of files is called: "site-a-7" or, for a second sending, "site-a-7-s2".
std::string bundle_stem(std::string_view channel, std::uint64_t serial, std::uint64_t shipment);
std::string volume_file_name(std::string_view stem, std::uint64_t number);  // "site-a-7.v001.tar"

// A blob member's name, taken apart; nullopt when it is none. `part` counts from 1, 0 for a whole blob.
struct BlobMemberName {
  base::Digest sha256;
  std::uint64_t part = 0;
};
std::optional<BlobMemberName> parse_blob_member(std::string_view name);
std::string blob_member_name(const base::Digest& sha256, std::uint64_t part = 0);

}  // namespace airlock::bundle
