// Which paths the package URL of a module's version names: its three files of a proxy.
#pragma once

#include "model/belonging.hpp"

namespace airlock::ecosystem::go {

model::Belonging belongs(const model::FileRow& row);  // pure; hostile

}  // namespace airlock::ecosystem::go
