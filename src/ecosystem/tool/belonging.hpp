// Which paths a tool's package URL names: those of its version's folder, in which releases name files as they like.
#pragma once

#include "model/belonging.hpp"

namespace airlock::ecosystem::tool {

model::Belonging belongs(const model::FileRow& row);  // pure; hostile

}  // namespace airlock::ecosystem::tool
