// Making the signed state of a channel: catalogs, documents, roles (docs/formats/bundle.md, Head;
// docs/formats/trust.md, Roles).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "bundle/head.hpp"
#include "model/lock.hpp"
#include "trust/key.hpp"
#include "trust/metadata.hpp"

namespace airlock::bundle {

// Signers at hand, by role: "snapshot", "targets", "timestamp"; delegated roles are signed by those of "targets".
struct SigningSet {
  std::map<std::string, std::vector<const trust::Signer*>> signers;
  std::vector<std::string> roots;   // the chain of root files, oldest first
  std::string cadence = "monthly";  // lifetimes: weekly, monthly, quarterly
};

struct StateInput {
  model::Lock lock;  // every row with sha256 and length
  std::uint64_t serial = 0;
  base::Time created{};
  std::vector<Attachment> attachments;
  std::vector<Revoked> revoked;
  std::optional<HeadContents> previous;  // the channel's last head: role versions, unchanged files kept as they are
};

// Bytes that the head of this state will take at most: a bound from the lock and the channel's last head, plus a
// quarter, plus k_spare_room, in whole k_room_unit.
std::uint64_t head_room_bound(const model::Lock& lock, const SigningSet& keys,
                              const std::optional<HeadContents>& previous = {});

// Catalog files and SHA256SUMS by target path, from rows that are complete. (author_state adds the attachments to
// SHA256SUMS, which lists every blob of the state.)
std::map<std::string, std::string> build_catalogs(const model::Lock& lock);
// SPDX 2.3 JSON, deterministic: `created`, packages sorted by purl, sha256 checksums.
std::string build_sbom(const model::Lock& lock, base::Time created, std::string_view channel, std::uint64_t serial);
// in-toto Statement v1 with SLSA provenance v1 as DSSE, subjects = catalog files; signed by the targets keys.
std::string build_provenance(const model::Lock& lock, const std::map<std::string, std::string>& catalogs,
                             base::Time created, std::uint64_t serial, const SigningSet& keys);

struct AuthoredState {
  HeadContents head;      // without `shipment` and timestamp while not sealed
  std::string bundle_id;  // hex
  bool approved = false;  // snapshot has its threshold
};
// Roles in the fixed order: delegated, targets, snapshot. What the keys at hand cannot approve is a draft. Delegated
// roles are signed under the keys and threshold of `targets`; one with the same targets and more than half of its
// lifetime left stays as it was signed. Everything is checked as the far side will check it: throws tampered for rows
// that it would refuse; untrusted when the keys at hand do not meet the threshold of targets.
AuthoredState author_state(const StateInput& input, const SigningSet& keys);

// timestamp and shipment, signed last; `created` is the time of sealing, from which the timestamp's lifetime counts. A
// timestamp that says the same and is fresh enough is kept. Channel, serial and bundle id of the shipment are filled
// in, the hint is set for it, and index.json too: complete for a full shipment in one file, empty for volumes and for
// metadata alone; for a delta in one file the caller sets `oci_index` (build_oci_index) to what is in that file.
// `skipped`: versions that a new timestamp leaves free, where others may have been made that nobody here knows of.
// Throws approval_missing for a draft, untrusted when the keys at hand do not meet the threshold of timestamp, limit
// when the state has had all of its timestamps, or numbers of sendings.
enum class Timestamping { keep_fresh, renew };  // renew: in any case a new one
void seal(HeadContents& head, const Shipment& shipment, base::Time created, const SigningSet& keys,
          Timestamping timestamping = Timestamping::keep_fresh, std::uint64_t skipped = 0);

// index.json: the images that are complete among `present`, each with its full reference.
std::string build_oci_index(const std::vector<model::FileRow>& oci_rows,
                            const std::function<bool(const base::Digest&)>& present);

}  // namespace airlock::bundle
