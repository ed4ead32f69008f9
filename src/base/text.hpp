// Small text tools that several layers need.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace airlock::base {

// ASCII, whatever the locale.
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool is_letter(char c) {
  return is_lower(c) || is_upper(c);
}
constexpr bool is_alphanumeric(char c) {
  return is_letter(c) || is_digit(c);
}
constexpr bool is_hex_digit(char c) {  // lower case, as digests are written
  return is_digit(c) || (c >= 'a' && c <= 'f');
}

std::string to_hex(std::span<const std::uint8_t> bytes);
std::optional<std::string> from_hex(std::string_view hex);  // lower or upper case; nullopt when malformed
std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);  // standard or URL-safe alphabet

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);                    // ASCII white space
std::string to_lower(std::string_view text);                     // ASCII
std::string html_escaped(std::string_view text);                 // safe between tags and in quoted attributes
std::string counted(std::uint64_t count, std::string_view one);  // "1 file", "2 files"
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);

bool is_valid_utf8(std::string_view text);
// For messages and terminals: control characters, bidirectional marks and invalid bytes as \xNN or \u{…};
// at most `limit` bytes, then "…".
std::string printable(std::string_view text, std::size_t limit = 400);
// The candidate nearest to `word` by edit distance, if it is near enough to be a misspelling.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);
// `*` any run of characters but '/', `?` one of them; no other magic.
bool glob_match(std::string_view pattern, std::string_view text);

// "1.5 GiB", "312 MiB", "17 B"
std::string format_bytes(std::uint64_t bytes);
// "4GiB", "4000M" (10^6), "512KiB", "123" (bytes); throws usage.
std::uint64_t parse_bytes(std::string_view text);
std::string group_digits(std::string_view hex, std::size_t group = 4);  // "abcd ef01 …", for paper

}  // namespace airlock::base
