// Lists of referrers as distribution-spec 1.1 wants them, made from manifests at hand: what the mirror
// answers, and what is pushed under the fallback tag where a registry has no referrers API.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "ecosystem/oci/manifest.hpp"

namespace airlock::ecosystem::oci {

// One entry of such a list ("Listing Referrers": artifactType is the manifest's own, else its config's type;
// annotations are the manifest's).
Descriptor referrer_descriptor(const Manifest& manifest, const base::Digest& digest, std::uint64_t size);

// An image index with these entries; deterministic, in the order given.
std::string referrers_index(const std::vector<Descriptor>& entries);

}  // namespace airlock::ecosystem::oci
