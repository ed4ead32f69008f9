#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::npm {

// For npm, pnpm, yarn 1, yarn 4 and corepack (docs/ecosystems/npm.md, Clients).
ClientConfig client_config(const ClientConfigRequest& request);

}  // namespace airlock::ecosystem::npm
