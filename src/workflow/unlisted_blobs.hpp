// Blobs in a bundle's files that its signed lists do not name: somebody put them there.
#pragma once

#include <string>

#include "bundle/blob_map.hpp"

namespace airlock::workflow {

// `map`: of a verified bundle, with its blobs as what is listed.

// A bundle in one file is whole behind its signed head, so that nothing else may stand in it. Throws tampered.
void refuse_unlisted_in_head_file(const bundle::BlobMap& map);

// In volumes, which other sendings of the state may lie beside. None is ever taken; worth a word. Empty: there are
// none.
std::string tell_of_unlisted(const bundle::BlobMap& map);

}  // namespace airlock::workflow
