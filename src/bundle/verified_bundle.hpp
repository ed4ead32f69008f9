// From untrusted to trusted: only verify_head() makes a VerifiedBundle, and import accepts nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "bundle/head.hpp"
#include "bundle/namespaces.hpp"
#include "model/belonging.hpp"
#include "model/file_row.hpp"
#include "trust/client.hpp"

namespace airlock::bundle {

// How much a bundle may bring; none: as much as there is room for. Sizes in bytes.
struct BundleLimits {
  std::optional<std::uint64_t> blob;       // the largest one
  std::optional<std::uint64_t> bytes;      // all blobs of the state together
  std::optional<std::uint64_t> blobs;      // distinct
  std::optional<std::uint64_t> files;      // catalog rows
  std::optional<std::uint64_t> artifacts;  // distinct package URLs
  std::optional<std::uint64_t> roles;      // ecosystems
};

// The far side's policy (docs/formats/policy.md): what no root can weaken.
struct Policy {
  trust::Policy trust;
  NamespacesByChannel namespaces;  // what each channel may bring; empty: everything
  BundleLimits limits;
  std::chrono::seconds clock_tolerance{24 * 3600};
  std::uint64_t local_approvals = 0;       // people of this site who approve a bundle before it is taken in
  std::vector<std::string> channel_order;  // of mutable names the first one's; channels that are not here stand behind
                                           // them, the newest first
};

struct VerifyOptions {
  std::string pinned_root;  // bytes
  std::string channel;      // that every role must carry; empty: the one that the head's hint names, which
                            // decides nothing, because the roles must agree with it
  std::string producer;     // hex, where the caller knows it; empty: see VerifiedBundle::producer
  base::Time now{};         // already max(system clock, floor)
  // The system clock. No bundle may be made later than it allows, whatever the floor says: each would raise that, and
  // a few in a row would put it where the clock is not for days. Where it is not given: `now`.
  std::optional<base::Time> wall = {};
  Policy policy;
  std::map<std::string, trust::Expiry> expiry;  // overrides by role
  model::BelongingRule belongs;                 // which paths an artifact may fill; empty: any
};

class VerifiedBundle {
 public:
  const trust::TrustedSet& trusted() const;
  const Descriptor& descriptor() const;
  const Shipment& shipment() const;
  const std::vector<Attachment>& attachments() const;
  const Head& head() const;
  // Hex. VerifyOptions::producer where given, else the fingerprint of the pinned root, which is the producer when
  // version 1 is pinned. Never taken from the head: who holds the medium could put any first root there.
  std::string producer() const;
  std::string bundle_id() const;  // hex
  std::size_t approvals() const;  // distinct signers of snapshot
  // Every catalog row, in order; strict (docs/formats/bundle.md, Catalogs). Verified once when this was made; parsed
  // again here.
  void for_each_row(const std::function<void(const model::FileRow&)>& visit) const;
  // Distinct blobs of the state in the order of paths, attachments last.
  struct StateBlob {
    base::Digest sha256;
    std::uint64_t length = 0;
  };
  const std::vector<StateBlob>& blobs() const;
  const std::vector<Revoked>& revoked() const;  // digests and purls that must not be served

 private:
  friend VerifiedBundle verify_head(const Head& head, trust::StateStore& state, const VerifyOptions& options);
  struct Impl;
  std::shared_ptr<const Impl> m_impl;
};

// docs/formats/trust.md, What import asks. Throws Error with code untrusted, tampered, foreign (another channel, or
// paths that the policy does not give to it), policy (more than it takes), rollback, equivocation, expired, clock,
// approval_missing (a draft), unsupported, limit (see trust::Client::refresh; whatever else goes beyond a limit is
// tampered). New roots are saved in `state` at once. Not its concern: whether the serial is newer than the last one
// (the caller's state knows), and which blobs are there.
VerifiedBundle verify_head(const Head& head, trust::StateStore& state, const VerifyOptions& options);

// A store that holds nothing: for `bundle verify` on a host without state, and for the near side.
class EmptyStateStore : public trust::StateStore {
 public:
  std::optional<std::string> load(std::string_view) override { return std::nullopt; }
  std::vector<std::string> load_roots() override { return {}; }
  void save_root(std::uint64_t, std::string_view) override {}
  void save(std::string_view, std::string_view) override {}
  void remove(std::string_view) override {}
};

}  // namespace airlock::bundle
