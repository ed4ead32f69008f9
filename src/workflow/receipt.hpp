// What a site holds, to carry back (docs/formats/receipt.md): the connected side leaves it out of the next shipment.
// Two files tell it: a receipt, written after each import, and a need list, written when a delta lacks its base.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/digest.hpp"

namespace airlock::store {
class BlobStore;
class StateDb;
}  // namespace airlock::store

namespace airlock::workflow {

struct ReceiptChannel {
  std::string producer;  // hex
  std::string channel;
  std::uint64_t serial = 0;  // of the newest generation
  std::string bundle_id;     // hex, of that generation
  std::uint64_t generation = 0;
  std::uint64_t active_generation = 0;  // 0: none
  bool out_of_service = false;          // this site serves nothing of it, until somebody activates a generation
  base::Time created{};                 // of the bundle
  base::Time imported{};
  std::uint64_t root_version = 0;
  std::uint64_t snapshot_version = 0;
  std::string snapshot_sha256;  // hex, of the snapshot file's bytes
};

// What is known of a channel beyond its newest generation that is here; of one that has none, all that is known. A list
// of its own, which older readers pass over: to them each of `channels` has a generation.
struct ReceiptFloor {
  std::string producer;  // hex
  std::string channel;
  std::uint64_t serial = 0;                              // 0: none, it is only out of service
  std::string bundle_id;                                 // hex, of the bundle with that serial; empty: not known
  std::uint64_t root_version = 0, snapshot_version = 0;  // 0: not known
  bool out_of_service = false;
};

struct SiteBlob {
  base::Digest sha256;
  std::uint64_t length = 0;  // bytes
};

struct Receipt {
  base::Time time{};
  std::string tool;                      // "airlock 0.1.0"
  std::string home;                      // store::StateDb::home_id(); empty: an older airlock wrote it
  std::vector<ReceiptChannel> channels;  // sorted by channel, producer
  std::vector<ReceiptFloor> floors;      // likewise; only of channels of which `channels` does not say as much
  std::vector<base::Digest> withheld;    // sorted; approved, but not kept here on purpose
  // What producers revoked ("CHANNEL ITEM"), and what this site blocks; without the reasons, which are its own.
  std::vector<std::string> revoked, blocked;
  std::uint64_t audit_number = 0;  // the newest entry of the audit log, and its digest
  std::string audit_head;          // hex
  // A need list names what is missing, and for which bundle; empty in a receipt.
  std::string need_channel;
  std::string need_producer;  // hex; empty: an older airlock wrote it
  std::uint64_t need_serial = 0;
  std::string need_bundle_id;
  std::vector<SiteBlob> missing;  // sorted by digest
  // SHA-256 over the sorted hex digests of `blobs`, a line each.
  base::Digest blobs_digest;
  std::vector<base::Digest> blobs;  // sorted; everything that is present, but what only channels out of service need

  bool is_need() const { return !need_channel.empty(); }
};

// Of what `state` holds now. Throws not_found for an empty store.
Receipt make_receipt(const store::StateDb& state, base::Time now);
base::Digest digest_of_list(const std::vector<base::Digest>& sorted);

// What a generation serves and the store lacks: after a restore without content, or a repair. Sorted. With `blobs`,
// also those whose files are gone, which takes a look at each.
std::vector<SiteBlob> missing_blobs(const store::StateDb& state, std::uint64_t generation,
                                    const store::BlobStore* blobs = nullptr);

// JSON, written piece by piece: a site may hold a million blobs.
void write_receipt(const Receipt& receipt, base::ByteSink& sink);
void write_receipt_file(const Receipt& receipt, const std::filesystem::path& path);
// Writes it into `folder` as need-CHANNEL-SERIAL.json; behind that stand the producer's first digits where `state`
// knows a channel of that name by another producer, or such a one's need list lies there, which stays as it is. Returns
// where it is.
std::filesystem::path write_need_list(const Receipt& need, const store::StateDb& state,
                                      const std::filesystem::path& folder);
// Reads either form, by events. Throws not_found, io, malformed (not one of ours, or its list does not hash to what it
// says), limit.
Receipt read_receipt(const std::filesystem::path& path);
Receipt parse_receipt(std::string_view text, std::string_view name);
// True when the file begins like a receipt or need list: to tell it from a bundle.
bool looks_like_receipt(const std::filesystem::path& path);

}  // namespace airlock::workflow
