#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::npm {

// The registry's routes below /npm/ (docs/ecosystems/npm.md, On the mirror). Scoped names are taken with an encoded
// slash and with a plain one. What is not here is 404 with a reason, and told to `missing` as NAME or NAME@VERSION.
void mount(http::Router& router, const MirrorContext& context);

}  // namespace airlock::ecosystem::npm
