#pragma once

#include "ecosystem/ecosystem.hpp"

namespace airlock::ecosystem::pypi {

// Adds:
//   GET /pypi/simple/              all projects, JSON or HTML as Accept says
//   GET /pypi/simple/NAME/         one project's files; other spellings of NAME are redirected
//   GET /pypi/NAME/FILE            a wheel or source archive, FILE.metadata beside a wheel; with Range
// What is not here is 404, and told to `missing` as NAME or NAME==VERSION.
void mount(http::Router& router, const MirrorContext& context);

// Brings what `missing` was told.
Wanted wanted(std::string_view name);

}  // namespace airlock::ecosystem::pypi
