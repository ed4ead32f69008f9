// Making roots: the first one, each next one, and what a root must be like before a site pins it
// (docs/operations/keys.md).
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trust/client.hpp"
#include "trust/metadata.hpp"

namespace airlock::trust {

// How often bundles are carried over; it decides how long signatures must stay valid between two of them.
enum class Cadence { weekly, monthly, quarterly };

std::string_view to_string(Cadence cadence);
std::optional<Cadence> find_cadence(std::string_view name);

// How long a role is signed for: root 3 years, targets and delegated roles 1 year, snapshot 60, 120 or 270
// days, timestamp 30, 90 or 200 days. A year has 365 days here.
std::chrono::seconds lifetime(std::string_view role, Cadence cadence);

struct RoleHolders {
  std::vector<PublicKey> keys;
  std::uint64_t threshold = 1;
};

struct RootPlan {
  std::map<std::string, RoleHolders> roles;  // root, timestamp, snapshot, targets: all four
  std::string channel;                       // empty: a root for every channel of its producer
  base::Time created{};                      // expiry counts from here
  Cadence cadence = Cadence::monthly;
};

// Version 1. Throws usage when a role is missing or is none of the four, when a threshold is below 1 or above
// the number of different keys, when one key holds two roles, when an RSA key has less than k_rsa_bits_new.
Root make_first_root(const RootPlan& plan);
// The version after `old`, with the plan's keys in place of the old ones. Throws like make_first_root.
// It must be signed by the threshold of both: see approvals_of_root.
Root make_next_root(const Root& old, const RootPlan& plan);

// How far the signing of a root has come. For a first root both counts are of its own keys.
struct RootApprovals {
  std::uint64_t old_signers = 0, old_threshold = 1;
  std::uint64_t new_signers = 0, new_threshold = 1;
  bool complete() const { return old_signers >= old_threshold && new_signers >= new_threshold; }
};
RootApprovals approvals_of_root(const SignedFile& file);
RootApprovals approvals_of_root(const SignedFile& file, const Root& old);
// Whether `file` is what may follow `old` (TUF 1.0.34, 5.3.4 and 5.3.5), fully signed. Throws untrusted,
// malformed, rollback, tampered.
Root verify_next_root(const SignedFile& file, const Root& old);

// A root that a site may pin, and its fingerprint (docs/formats/trust.md, Repository) to compare with paper.
struct PinnableRoot {
  SignedFile file;
  Root root;
  base::Digest fingerprint;
};
// For `trust init`. Throws malformed; untrusted when its own threshold did not sign it, when a threshold can
// not be met by different keys or is below the policy's, when a scheme is not allowed, or when a key of root
// serves another role as well. Expiry is not looked at: an old root may be pinned, the newer ones follow from
// it.
PinnableRoot check_pinnable(std::string_view root_bytes, const Policy& policy);

}  // namespace airlock::trust
