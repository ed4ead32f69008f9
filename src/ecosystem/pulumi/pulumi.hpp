// Plugins of Pulumi: providers, converters, language hosts and tools (docs/ecosystems/pulumi.md).
#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::pulumi {

const Ecosystem& descriptor();

}  // namespace airlock::ecosystem::pulumi
