#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::go {

// The GOPROXY protocol below /go/ (Go modules reference, GOPROXY protocol), over the catalog.
void mount(http::Router& router, const MirrorContext& context);

// "MODULE@VERSION" or "PATH@QUERY", as endpoints tell MirrorContext::missing.
Wanted wanted(std::string_view name);

}  // namespace airlock::ecosystem::go
