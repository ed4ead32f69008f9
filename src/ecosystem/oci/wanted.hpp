// What brings an image that a client missed.
#pragma once

#include <string_view>

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::oci {

// `name` is "HOST/REPO:TAG" or "HOST/REPO@DIGEST". Private is a host that no public registry has: one without a dot, an
// address, a port, or a suffix such as .internal, .local, .lan, .corp, .example.
Wanted wanted(std::string_view name);

}  // namespace airlock::ecosystem::oci
