#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::go {

// The GOPROXY protocol below /go/ (Go modules reference, GOPROXY protocol), over the catalog.
void mount(http::Router& router, const MirrorContext& context);

}  // namespace airlock::ecosystem::go
