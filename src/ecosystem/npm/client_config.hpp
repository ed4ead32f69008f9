#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::npm {

// For npm, pnpm, yarn 1, yarn 4 and corepack (PROTOCOLS.md 3.4, 3.5, 3.7).
ClientConfig client_config(const ClientConfigRequest& request);

}  // namespace airlock::ecosystem::npm
