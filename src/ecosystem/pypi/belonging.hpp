// Which paths the package URL of a project's version names: files whose names say project and version.
#pragma once

#include "model/belonging.hpp"

namespace airlock::ecosystem::pypi {

model::Belonging belongs(const model::FileRow& row);  // pure; hostile

}  // namespace airlock::ecosystem::pypi
