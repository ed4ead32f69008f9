// Which host names belong to a site, so that they are not told to the outside unasked (docs/formats/manifest.md,
// Projects and wants).
#pragma once

#include <string_view>

namespace airlock::ecosystem {

// A host that only means something inside: with a port (":" or "_" before it), without a dot, an address, or under a
// domain that nobody can register (RFC 2606, 6761, 6762, 7686, 8375 and what inner networks use). Case does not matter.
bool is_internal_host(std::string_view host);

}  // namespace airlock::ecosystem
