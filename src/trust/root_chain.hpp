// One step along the chain of roots, and what the far side's policy asks of a root.
#pragma once

#include <string>
#include <string_view>

#include "base/text.hpp"
#include "trust/client.hpp"
#include "trust/metadata.hpp"

namespace airlock::trust {

// "role 'targets'", printable, for messages.
inline std::string role_in_quotes(std::string_view role) {
  return "role '" + base::printable(role, 100) + "'";
}

// The value of a root file that its own threshold signed. Throws untrusted, malformed.
Root open_self_signed_root(const SignedFile& file, KeyidCheck check);

// The root that `next` holds, when it may follow `trusted` (TUF 1.0.34, 5.3.4 and 5.3.5): signed by the
// threshold of both, version exactly one higher. Expiry is not looked at. Throws untrusted, malformed;
// rollback when the version is not higher, tampered when it skips one.
Root open_next_root(const Root& trusted, const SignedFile& next, KeyidCheck check);

// Thresholds below the floors, schemes that are not allowed. Throws untrusted.
void check_policy(const Root& root, const Policy& policy);
bool keeps_to(const Root& root, const Policy& policy);
// What helps where the newest root of a producer is below the floors.
inline constexpr std::string_view k_policy_hint =
    "a newer root that keeps to the policy comes with a later bundle: ask the producer for one; `airlock trust policy` "
    "shows this site's values and where each comes from";
void check_policy(const DelegatedRole& role, const std::map<std::string, PublicKey>& keys, const Policy& policy);

// Each role's threshold can be met by different keys. Throws untrusted.
void check_thresholds_can_be_met(const Root& root);

}  // namespace airlock::trust
