// Go modules: closures of projects and of single modules, every hash proved, served as a GOPROXY
// (docs/ecosystems/go.md).
#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::go {

const Ecosystem& descriptor();

}  // namespace airlock::ecosystem::go
