// Packages of an npm registry with everything that they need (docs/ecosystems/npm.md).
#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::npm {

const Ecosystem& descriptor();

}  // namespace airlock::ecosystem::npm
