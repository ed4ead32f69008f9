// The hash of a module's files, computed while its zip passes by, and what a module's zip may hold (Go modules
// reference, Module zip files).
#pragma once

#include <memory>

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::go {

// For rows with an "h1:" pin whose path is one of a module's zip or go.mod; null for others.
std::unique_ptr<PinCheck> pin_check(const model::FileRow& row);

}  // namespace airlock::ecosystem::go
