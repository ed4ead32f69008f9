// What brings an image that a client missed.
#pragma once

#include <string_view>

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::oci {

// `name` is "HOST/REPO:TAG" or "HOST/REPO@DIGEST". Private is what is_internal_host says.
Wanted wanted(std::string_view name);

}  // namespace airlock::ecosystem::oci
