// Which host names belong to a site, so that they are not told to the outside unasked (docs/formats/manifest.md,
// Projects and wants).
#pragma once

#include <string_view>

namespace airlock::ecosystem {

// A host with a port (":" or "_" before it), without a dot, that is an address, or under a domain of inner networks.
bool is_name_of_inside(std::string_view host);

}  // namespace airlock::ecosystem
