// The small signed documents: descriptor, shipment, attachments; and the unsigned hint.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "bundle/layout.hpp"
#include "model/lock.hpp"

namespace airlock::bundle {

inline constexpr std::string_view k_format_needs = "0.1.0";  // the oldest airlock that reads k_format

// airlock.json: for people and for `file`; decides nothing. The first member of the head and of each volume.
struct Hint {
  std::string kind;  // "head" or "volume"
  std::string channel;
  std::uint64_t serial = 0;
  std::uint64_t shipment = 1;
  std::string set;                        // hex; equal in head and volumes of one sending: SHA-256 of channel, serial,
                                          // shipment and created, so that it is known before the first blob is
  std::uint64_t volume = 0, volumes = 0;  // "k of n"; 0 where not known
  std::string created;                    // RFC 3339
  std::string needs{k_format_needs};      // the oldest airlock that can read this

  bool operator==(const Hint&) const = default;
};
inline constexpr std::uint64_t k_first_shipment = 1;  // of a state; a draft has no other
inline constexpr std::size_t k_hint_limit = 512;      // bytes of its text: one tar block
std::string to_text(const Hint& hint);
std::optional<Hint> parse_hint(std::string_view text);  // nullopt: not readable; hints are never errors
std::string set_id(std::string_view channel, std::uint64_t serial, std::uint64_t shipment, base::Time created);
// What the head of this sending says of itself. `created`: that of the state, as for set_id().
Hint head_hint(std::string_view channel, std::uint64_t serial, std::uint64_t shipment, base::Time created,
               std::uint64_t volumes = 0);

// descriptor.json: what people approve, in numbers.
struct Descriptor {
  std::string channel;
  std::uint64_t serial = 0;
  base::Time created{};
  base::Digest request;                       // Lock::request
  std::map<std::string, std::uint64_t> rows;  // by ecosystem
  std::uint64_t artifacts = 0;                // distinct purls
  std::uint64_t blobs = 0;                    // distinct, of the whole state
  std::uint64_t bytes = 0;                    // of those
  std::vector<std::string> platforms;
  std::vector<model::Waiver> waivers;
  std::string tool;                     // "airlock 0.1.0"
  std::optional<std::string> previous;  // bundle id of the state before, hex

  bool operator==(const Descriptor&) const = default;
};
std::string to_text(const Descriptor& descriptor);
Descriptor parse_descriptor(std::string_view text, std::string_view name);  // throws tampered

// attachments.json: documents about the bundle that travel as blobs after the artifacts.
struct Attachment {
  std::string kind;  // "sbom", "provenance", "lock"
  std::string media_type;
  base::Digest sha256;
  std::uint64_t length = 0;

  bool operator==(const Attachment&) const = default;
};
std::string to_text(const std::vector<Attachment>& attachments);
std::vector<Attachment> parse_attachments(std::string_view text, std::string_view name);  // throws tampered

// The shipment: what travels this time. DSSE payload, signed by the timestamp role's keys.
inline constexpr std::string_view k_shipment_type = "application/vnd.airlock.shipment+json";
struct VolumeRecord {
  std::uint64_t length = 0;  // bytes
  base::Digest sha256;
  bool operator==(const VolumeRecord&) const = default;
};
struct ShipmentBase {
  std::uint64_t serial = 0;
  std::string bundle_id;  // hex
  bool operator==(const ShipmentBase&) const = default;
};
struct Shipment {
  std::string channel;
  std::uint64_t serial = 0;
  std::uint64_t number = 1;
  std::string bundle_id;  // hex; identity of the snapshot
  enum class Kind { full, delta, metadata } kind = Kind::full;
  std::vector<ShipmentBase> bases;     // for messages only; the store decides
  std::vector<VolumeRecord> volumes;   // in order; empty: the blobs are in the head's own file
  std::uint64_t blobs = 0, bytes = 0;  // included
  base::Digest omitted;                // SHA-256 of the sorted hex digests left out, a line each
  std::uint64_t omitted_blobs = 0;

  bool operator==(const Shipment&) const = default;
};
std::string_view to_string(Shipment::Kind kind);  // "full", "delta", "metadata"
std::string to_text(const Shipment& shipment);
Shipment parse_shipment(std::string_view text, std::string_view name);  // throws tampered
base::Digest omitted_digest(std::vector<base::Digest> omitted);         // for Shipment::omitted; in any order

// revoked.jsonl: what must not be served any more, and why.
struct Revoked {
  std::string item;         // "sha256:<hex>", or a canonical purl (model::Item says what it means)
  std::string reason = {};  // for people; may be empty

  Revoked(std::string the_item, std::string the_reason = {})
      : item(std::move(the_item)), reason(std::move(the_reason)) {}
  Revoked(const char* the_item) : item(the_item) {}
  bool operator==(const Revoked&) const = default;
};
inline constexpr std::size_t k_reason_limit = 300;      // bytes
inline constexpr std::size_t k_revoked_limit = 10'000;  // items of one list
// Sorted by item; of one that stands twice the first counts. Throws malformed for what cannot be revoked, limit.
std::string revoked_text(const std::vector<Revoked>& revoked);
std::vector<Revoked> parse_revoked(std::string_view text, std::string_view name);  // throws tampered

}  // namespace airlock::bundle
