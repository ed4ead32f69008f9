// Which paths the package URL of a package's version names (docs/ecosystems/npm.md, Rows).
#pragma once

#include "model/belonging.hpp"

namespace airlock::ecosystem::npm {

model::Belonging belongs(const model::FileRow& row);  // pure; hostile

}  // namespace airlock::ecosystem::npm
