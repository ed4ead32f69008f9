// The provider network mirror protocol, and the files themselves (docs/ecosystems/terraform.md, On the mirror).
#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::terraform {

void mount(http::Router& router, const MirrorContext& context);

// For a name that was missed: "HOST/NAMESPACE/TYPE" or "HOST/NAMESPACE/TYPE@VERSION".
Wanted wanted(std::string_view name);

}  // namespace airlock::ecosystem::terraform
