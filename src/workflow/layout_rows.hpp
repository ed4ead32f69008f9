// Entries that only the bundle's OCI layout needs: an OCI index for each Docker image (docs/formats/bundle.md,
// index.json).
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/digest.hpp"
#include "model/lock.hpp"

namespace airlock::workflow {

// Adds the rows, in place of those that are there, and returns their blobs by digest. `read` gives a manifest's bytes.
std::map<base::Digest, std::string> add_layout_rows(model::Lock& lock,
                                                    const std::function<std::string(const model::FileRow&)>& read);
// They follow from the other rows, so no lock that is kept has them.
void remove_layout_rows(model::Lock& lock);

}  // namespace airlock::workflow
