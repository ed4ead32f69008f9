// The last signatures: timestamp and shipment.
#include <fmt/format.h>

#include "base/error.hpp"
#include "bundle/authoring.hpp"
#include "bundle/authoring_keys.hpp"
#include "bundle/layout.hpp"
#include "bundle/oci_index.hpp"
#include "bundle/previous_state.hpp"
#include "bundle/state_rows.hpp"
#include "trust/dsse.hpp"

namespace airlock::bundle {

using base::Error;
using base::ErrorCode;

namespace {

constexpr std::string_view k_timestamp_file = "timestamp.json";

struct SnapshotInHead {
  trust::SignedFile file;
  trust::Snapshot value;
};

SnapshotInHead approved_snapshot(const HeadContents& head, const trust::Root& root) {
  auto bytes = newest_metadata(head.metadata, "snapshot");
  if (!bytes) {
    throw Error(ErrorCode::malformed, "the head has no snapshot");
  }
  SnapshotInHead snapshot{.file = trust::parse_signed(std::move(*bytes), "snapshot", trust::k_metadata_ceiling),
                          .value = {}};
  snapshot.value = trust::parse_snapshot(snapshot.file);
  const trust::RoleKeys& wanted = root.roles.at("snapshot");
  const std::size_t signers = trust::count_signers(snapshot.file, wanted, root.keys);
  if (signers < wanted.threshold) {
    throw Error(ErrorCode::approval_missing,
                fmt::format("{} of {} people have approved this bundle", signers, wanted.threshold));
  }
  return snapshot;
}

// A timestamp of this very snapshot that is still good for more than half of its time: a second sending of one state
// then says the same, and a site may import the two in any order.
std::optional<trust::Timestamp> usable_timestamp(const HeadContents& head, const SnapshotInHead& snapshot,
                                                 const trust::Root& root, base::Time now, const SigningSet& keys,
                                                 std::uint64_t& version) {
  const auto found = head.metadata.find(std::string(k_timestamp_file));
  if (found == head.metadata.end()) {
    return std::nullopt;
  }
  const auto file = trust::parse_signed(found->second, "timestamp", trust::k_timestamp_limit);
  const trust::Timestamp timestamp = trust::parse_timestamp(file);
  version = timestamp.version;
  const trust::RoleKeys& wanted = root.roles.at("timestamp");
  const bool usable = timestamp.channel == snapshot.value.channel &&
                      timestamp.snapshot.version == snapshot.value.version &&
                      trust::matches(timestamp.snapshot, snapshot.file.bytes) &&
                      timestamp.expires - now > lifetime_of("timestamp", keys) / 2 &&
                      trust::count_signers(file, wanted, root.keys) >= wanted.threshold;
  return usable ? std::optional(timestamp) : std::nullopt;
}

void add_timestamp(HeadContents& head, const SnapshotInHead& snapshot, const trust::Root& root, base::Time now,
                   const SigningSet& keys, Timestamping timestamping, std::uint64_t skipped) {
  std::uint64_t before = 0;
  if (usable_timestamp(head, snapshot, root, now, keys, before) && timestamping == Timestamping::keep_fresh) {
    return;
  }
  trust::Timestamp timestamp;
  const std::uint64_t first = snapshot.value.version * k_timestamps_per_snapshot;
  timestamp.version = std::max(before + 1, first) + skipped;
  if (!is_timestamp_version(timestamp.version, snapshot.value.version)) {
    throw Error(ErrorCode::limit, fmt::format("this state has had all of its {} timestamps", k_timestamps_per_snapshot))
        .with_hint("make the channel's next state with `airlock bundle create`, and send that");
  }
  timestamp.channel = snapshot.value.channel;
  timestamp.expires = now + lifetime_of("timestamp", keys);
  timestamp.snapshot = trust::describe(snapshot.file.bytes, snapshot.value.version);
  head.metadata[std::string(k_timestamp_file)] = sign_fully(trust::to_signed_part(timestamp), "timestamp", keys);
}

// What index.json has to be, where that follows from the shipment alone.
void set_oci_index(HeadContents& head, const Shipment& shipment) {
  const bool nothing_here = !shipment.volumes.empty() || shipment.kind == Shipment::Kind::metadata;
  if (!nothing_here && shipment.kind == Shipment::Kind::delta) {
    return;  // which blobs are in the file, only the caller knows
  }
  OciIndexBuilder index([&](const base::Digest&) { return !nothing_here; });
  CatalogReader reader("oci");
  for (std::size_t i = 0; !nothing_here; ++i) {
    const auto catalog = head.targets.find(catalog_target("oci", i));
    if (catalog == head.targets.end()) {
      break;
    }
    reader.read(catalog->second, catalog->first, [&](const model::FileRow& row) { index.add(row); });
  }
  head.oci_index = index.text();
}

}  // namespace

void seal(HeadContents& head, const Shipment& shipment, base::Time created, const SigningSet& keys,
          Timestamping timestamping, std::uint64_t skipped) {
  if (shipment.number > k_number_limit) {
    throw Error(ErrorCode::limit, "this state has had all of its numbers of sendings")
        .with_hint("make the channel's next state with `airlock bundle create`, and send that");
  }
  const trust::Root root = newest_root(keys);
  const SnapshotInHead snapshot = approved_snapshot(head, root);
  const auto descriptor_text = head.targets.find(std::string(k_descriptor_target));
  if (descriptor_text == head.targets.end()) {
    throw Error(ErrorCode::malformed, "the head has no descriptor");
  }
  const Descriptor descriptor = parse_descriptor(descriptor_text->second, k_descriptor_target);
  add_timestamp(head, snapshot, root, created, keys, timestamping, skipped);

  Shipment complete = shipment;
  complete.channel = descriptor.channel;
  complete.serial = descriptor.serial;
  complete.bundle_id = trust::identity(snapshot.file).hex();
  if (complete.omitted_blobs == 0) {
    complete.omitted = omitted_digest({});
  }
  const std::vector<const trust::Signer*> signers = signers_of("timestamp", keys);
  if (signers.empty()) {
    throw Error(ErrorCode::untrusted, "no key for role 'timestamp' is at hand, so the shipment cannot be signed");
  }
  head.shipment = trust::sign_envelope(k_shipment_type, to_text(complete), signers);
  head.hint =
      head_hint(descriptor.channel, descriptor.serial, complete.number, descriptor.created, complete.volumes.size());
  set_oci_index(head, complete);
}

}  // namespace airlock::bundle
