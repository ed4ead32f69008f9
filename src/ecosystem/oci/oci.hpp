// Container images and other OCI artifacts: Helm charts, WebAssembly modules, providers, anything in a
// registry.
#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::oci {

const Ecosystem& descriptor();

}  // namespace airlock::ecosystem::oci
