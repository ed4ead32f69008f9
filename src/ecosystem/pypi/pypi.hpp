// Python packages: wheels and source archives of a package index, resolved as pip resolves them and served as a simple
// index (docs/ecosystems/pypi.md).
#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::pypi {

const Ecosystem& descriptor();

}  // namespace airlock::ecosystem::pypi
