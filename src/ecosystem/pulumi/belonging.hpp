// Which paths a plugin's package URL names: its archive for each platform, and its checksum file.
#pragma once

#include "model/belonging.hpp"

namespace airlock::ecosystem::pulumi {

model::Belonging belongs(const model::FileRow& row);  // pure; hostile

}  // namespace airlock::ecosystem::pulumi
