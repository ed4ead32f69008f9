// The newest root of a signing set, and who of those at hand it lets sign a role. For the files of this folder only.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "bundle/authoring.hpp"

namespace airlock::bundle {

trust::Root newest_root(const SigningSet& keys);  // throws usage where there is none

// Signers at hand for `role` whose keys the newest root lists for it: a signature by any other key would only be noise
// in a file that cannot be changed afterwards.
std::vector<const trust::Signer*> signers_of(std::string_view role, const SigningSet& keys);

std::chrono::seconds lifetime_of(std::string_view role,
                                 const SigningSet& keys);  // throws config for an unknown cadence

// A file signed by them. Throws untrusted when the threshold of `role` is not met.
std::string sign_fully(const base::Json& signed_part, std::string_view role, const SigningSet& keys);

}  // namespace airlock::bundle
