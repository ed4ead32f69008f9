#pragma once

#include <string_view>

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::go {

// "MODULE@VERSION" or "PATH@QUERY", as endpoints tell MirrorContext::missing.
Wanted wanted(std::string_view name);

}  // namespace airlock::ecosystem::go
