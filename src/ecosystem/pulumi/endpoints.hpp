// What the CLI downloads from an address that stands in for every source of plugins, and its own releases
// (docs/ecosystems/pulumi.md, On the mirror).
#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::pulumi {

void mount(http::Router& router, const MirrorContext& context);

// For a name that was missed: "plugins/FILE" or "sdk/FILE".
Wanted wanted(std::string_view name);

}  // namespace airlock::ecosystem::pulumi
