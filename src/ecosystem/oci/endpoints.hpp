// Served side: the pull half of distribution-spec 1.1 over the catalog, read-only.
#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::oci {

// Routes below /v2/. `context` is copied; its blobs outlive the router.
void mount(http::Router& router, const MirrorContext& context);

}  // namespace airlock::ecosystem::oci
