// TOML 1.0, read into the values that JSON has.
#pragma once

#include <string_view>

#include "base/json.hpp"

namespace airlock::base {

// The document as an object; dates and times are strings. Limits: 4 MiB, depth 32, keys of 512 parts. Throws manifest
// with file, line and column on a mistake, limit.
Json parse_toml(std::string_view text, std::string_view file);

}  // namespace airlock::base
