// A set may hold a volume more than once, as where a diode sent it again: what one copy has wrong, another may have
// right.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/reporter.hpp"
#include "bundle/blob_map.hpp"
#include "bundle/documents.hpp"
#include "workflow/blob_check.hpp"

namespace airlock::workflow {

// The files (BlobExtent::file) in which damaged blobs lie and which are not, as a whole, what was signed. Looked at
// only now, since reading all bytes twice would double the time of every good bundle and tell nothing that the blobs'
// own digests do not. Throws interrupted.
std::set<std::string> changed_files(const bundle::Shipment& shipment, const bundle::BlobMap& map,
                                    const std::vector<BlobFailure>& failures, base::ProgressTask& progress);

}  // namespace airlock::workflow
