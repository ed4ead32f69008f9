// Command-line tools by name and exact version, found and proven by recipes (docs/ecosystems/tool.md).
#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::tool {

const Ecosystem& descriptor();

}  // namespace airlock::ecosystem::tool
