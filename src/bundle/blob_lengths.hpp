// How long blobs are by the catalogs of a head that nobody has verified yet. For the files of this folder only.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "base/digest.hpp"
#include "bundle/head.hpp"

namespace airlock::bundle {

// What catalogs and attachments say of the blobs in `wanted`; what cannot be read is passed over.
std::map<base::Digest, std::uint64_t> unverified_blob_lengths(const Head& head, const std::set<base::Digest>& wanted);

}  // namespace airlock::bundle
