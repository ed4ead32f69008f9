// JSON: strict reading of foreign text, helpers that turn a wrong shape into an Error that names it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace airlock::base {

using Json = nlohmann::json;

struct JsonLimits {
  std::size_t bytes = std::size_t{64} * 1024 * 1024;
  std::size_t depth = 32;
  std::size_t members = 1'000'000;  // of one object or array
  std::size_t values = 1'000'000;  // all together, containers too; each takes up to 160 bytes of memory beside its text
};

// Refuses (throws malformed, limit): duplicate member names at any depth, invalid UTF-8, BOM, NUL in a string, lone
// surrogates, numbers outside -2^53+1..2^53-1 or (with Numbers::integers) with a fraction or exponent, trailing
// bytes other than white space. `name` stands in the message.
enum class Numbers { any, integers };
Json parse_json(std::string_view text, std::string_view name, const JsonLimits& limits = {},
                Numbers numbers = Numbers::any);

// On one line; bytes that are not UTF-8 become U+FFFD.
std::string to_line(const Json& json);

// Member access with errors that name what was read: throw malformed when absent or of another type.
const Json& member(const Json& object, std::string_view key, std::string_view name);
std::string string_member(const Json& object, std::string_view key, std::string_view name);
std::uint64_t uint_member(const Json& object, std::string_view key, std::string_view name);
// An absent member and null give `fallback`.
std::string string_member_or(const Json& object, std::string_view key, std::string fallback, std::string_view name);

}  // namespace airlock::base
