#pragma once

#include <string_view>

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::npm {

// "NAME", "NAME@VERSION", "NAME@TAG" as an entry of `packages`; nothing for what is no such name.
Wanted wanted(std::string_view name);

}  // namespace airlock::ecosystem::npm
