// A digest as people give it.
#pragma once

#include <string>
#include <string_view>

#include "base/digest.hpp"

namespace airlock::cli {

// "sha256:HEX" or 64 hex digits; throws usage naming `what`, the flag or argument.
base::Digest digest_argument(const std::string& text, std::string_view what);

}  // namespace airlock::cli
