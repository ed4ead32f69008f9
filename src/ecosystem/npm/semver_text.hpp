// The textual half of ranges: "^1.2 || 2 - 3" into plain comparators ">=1.2.0 <2.0.0-0" (node-semver, "Advanced Range
// Syntax").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace airlock::ecosystem::npm {

// "v1.2.x-rc+build" in its parts; each of major, minor and patch is digits, "x", "X", "*" or empty.
struct PartialVersion {
  std::string major, minor, patch, prerelease;
  bool is_full() const;  // three numbers
};
std::optional<PartialVersion> match_partial(std::string_view text);

std::string_view take_operator(std::string_view& text);  // "", "<", "<=", ">", ">=", "=" from its start
std::string single_spaced(std::string_view text);        // trimmed, each run of white space one space

// One alternative of a range (no "||") as words of an operator and a full version; "" stands for any version.
std::vector<std::string> plain_comparators(const std::string& alternative);

}  // namespace airlock::ecosystem::npm
