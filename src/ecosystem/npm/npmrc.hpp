// The ini files that npm is configured with (npm's npmrc documentation). Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace airlock::ecosystem::npm {

using Environment = std::map<std::string, std::string>;

// Key to value, `${NAME}` replaced from `environment` (left as it is where that has none, empty for `${NAME?}`).
// Sections and list entries are passed over: npm's own settings have neither. Never throws but limit: a line that says
// nothing is passed over, as npm does.
std::map<std::string, std::string> parse_npmrc(std::string_view text, const Environment& environment,
                                               std::string_view what);

}  // namespace airlock::ecosystem::npm
