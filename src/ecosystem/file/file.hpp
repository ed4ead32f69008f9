// Anything with a URL or a place on disk: served under the path that the manifest gives it (docs/ecosystems/file.md).
#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::file {

const Ecosystem& descriptor();

}  // namespace airlock::ecosystem::file
