// What an officer of the isolated site signs who agrees that a bundle is taken in
// (docs/decisions/0013-local-approvals.md): a statement of its own in a DSSE envelope, one file a person, so that they
// can be added after everything else was signed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/digest.hpp"

namespace airlock::bundle {

inline constexpr std::string_view k_local_approval_type = "application/vnd.airlock.local-approval+json";
inline constexpr std::size_t k_local_approval_limit = 64 * 1024;  // bytes of one envelope

// As a receipt tells of a channel (docs/formats/receipt.md), and under which policy and why it was approved.
struct LocalApproval {
  std::string producer;  // hex
  std::string channel;
  std::uint64_t serial = 0;
  std::string bundle_id;  // hex
  std::uint64_t root_version = 0;
  std::uint64_t snapshot_version = 0;
  base::Digest snapshot_sha256;  // of the whole file, signatures included
  base::Digest policy_sha256;    // of policy.yaml; of nothing where there is none
  base::Time time{};
  std::string tool;    // "airlock 0.1.0"
  std::string reason;  // may be empty, as the next
  std::string ticket;

  bool operator==(const LocalApproval&) const = default;
};
std::string to_text(const LocalApproval& approval);
LocalApproval parse_local_approval(std::string_view text, std::string_view name);  // throws tampered, unsupported

}  // namespace airlock::bundle
