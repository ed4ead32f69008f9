// The site's own policy: policy.yaml in the configuration folder (docs/formats/policy.md). What it says, no root and no
// bundle can weaken.
//
//   minimum_threshold: { root: 2, snapshot: 2 }      by role
//   schemes: [ed25519]                               without it: all that airlock knows
//   longest_lifetime: { timestamp: 90d }             by role
//   largest_version_jump: 100000
//   local_approvals: 2                               people of this site, before a bundle is taken in
//   expired_approvals: 1                             people of this site, before --accept-expired takes effect
//   namespaces: { site-a: [oci, "npm:@corp/*"] }     what each channel may bring
//   channels: [site-a, base]                         whose mutable names are served
//   limits: { blob: 20GiB, bytes: 2TiB }             how much a bundle may bring
//   clock_tolerance: 24h
//   scan: { command: [clamdscan, "-"] }              scan_settings.hpp
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/verified_bundle.hpp"
#include "workflow/home.hpp"
#include "workflow/scan_settings.hpp"

namespace airlock::workflow {

// One setting as it is in effect, for people.
struct PolicyValue {
  std::string key;     // "limits.blob"
  std::string value;   // "20GiB"
  std::string origin;  // "default", or "/etc/airlock/policy.yaml:3:9"
};

struct SitePolicy {
  bundle::Policy bundle;
  std::optional<ScanSettings> scan;
  std::uint64_t expired_approvals = 0;  // people of this site who agree that something expired is taken in
  std::filesystem::path file;           // where it is looked for
  bool present = false;                 // there is such a file
  std::vector<PolicyValue> values;
};

// The defaults where there is no such file. Throws config with the position; and when others than its owner can change
// the file or its folder, or when that owner is neither root, nor the user of this process, nor the home's owner.
SitePolicy load_site_policy(const Home& home);
SitePolicy parse_site_policy(std::string_view text, const std::string& file);

// What verification needs of it.
bundle::Policy load_policy(const Home& home);
bundle::Policy parse_policy(std::string_view text, const std::string& file);

}  // namespace airlock::workflow
