// The Content-Range field of an answer (RFC 9110, 14.4).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace airlock::http {

struct ContentRange {
  std::optional<std::uint64_t> first;  // none: "bytes */total"
  std::uint64_t last = 0;              // inclusive; valid with `first`
  std::optional<std::uint64_t> total;  // none: "*"
};

// nullopt when malformed: another unit, last before first, last past the total, overflow.
std::optional<ContentRange> parse_content_range(std::string_view field);

}  // namespace airlock::http
