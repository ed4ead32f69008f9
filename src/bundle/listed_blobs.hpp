// What a head that nobody has verified yet lists. For the files of this folder only.
#pragma once

#include <functional>

#include "bundle/head.hpp"
#include "bundle/verified_bundle.hpp"

namespace airlock::bundle {

// Calls `visit` for each blob that catalogs and attachments name, in no order, some several times; what cannot be read
// is passed over. Of a head that verifies these are its blobs. Throws limit beyond k_row_limit rows.
void for_each_listed_blob(const Head& head, const std::function<void(const VerifiedBundle::StateBlob&)>& visit);

}  // namespace airlock::bundle
