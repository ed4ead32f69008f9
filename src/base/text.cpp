#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace airlock::base {

namespace {

constexpr std::string_view k_hex_digits = "0123456789abcdef";
constexpr std::string_view k_base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char lower(char c) {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

int hex_digit(char c) {
  const auto found = k_hex_digits.find(lower(c));
  return found == std::string_view::npos ? -1 : static_cast<int>(found);
}

// The value of each base64 digit of either alphabet, or -1.
constexpr std::array<int, 256> base64_values() {
  std::array<int, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < k_base64_digits.size(); ++i) {
    values[static_cast<unsigned char>(k_base64_digits[i])] = static_cast<int>(i);
  }
  values[static_cast<unsigned char>('-')] = 62;
  values[static_cast<unsigned char>('_')] = 63;
  return values;
}

constexpr auto k_base64_values = base64_values();

struct CodePoint {
  char32_t value = 0;
  std::size_t size = 0;  // bytes; 0 where the text does not begin with valid UTF-8
};

CodePoint decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    return {first, 1};
  }
  std::size_t size = 0;
  char32_t value = 0;
  char32_t smallest = 0;
  if ((first & 0xE0) == 0xC0) {
    size = 2, value = first & 0x1FU, smallest = 0x80;
  } else if ((first & 0xF0) == 0xE0) {
    size = 3, value = first & 0x0FU, smallest = 0x800;
  } else if ((first & 0xF8) == 0xF0) {
    size = 4, value = first & 0x07U, smallest = 0x10000;
  }
  if (size == 0 || text.size() < size) {
    return {};
  }
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) {
      return {};
    }
    value = (value << 6) | (byte(i) & 0x3FU);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < smallest || value > 0x10FFFF || surrogate) {
    return {};
  }
  return {value, size};
}

// Invisible, or able to reorder or hide what stands beside it.
bool is_deceptive(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xAD || c == 0x061C || c == 0x180E ||
         (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}

}  // namespace

std::string to_hex(std::span<const std::uint8_t> bytes) {
  std::string hex(bytes.size() * 2, '0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    hex[2 * i] = k_hex_digits[bytes[i] >> 4];
    hex[2 * i + 1] = k_hex_digits[bytes[i] & 0x0F];
  }
  return hex;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) {
    return std::nullopt;
  }
  std::string bytes(hex.size() / 2, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = hex_digit(hex[2 * i]);
    const int low = hex_digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) {
      return std::nullopt;
    }
    bytes[i] = static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = (bits << 8) | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= group.size() ? k_base64_digits[(bits >> (18 - 6 * k)) & 0x3F] : '=';
    }
  }
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  // Padding may be absent, as in URLs; where it is there, it must be right.
  if (text.size() % 4 == 0) {
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) {
      text.remove_suffix(1);
    }
  }
  if (text.size() % 4 == 1) {
    return std::nullopt;
  }
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned int count = 0;  // of bits that wait for a whole byte
  for (const char c : text) {
    const int value = k_base64_values[static_cast<unsigned char>(c)];
    if (value < 0) {
      return std::nullopt;
    }
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>((bits >> count) & 0xFF);
      bits &= (1U << count) - 1;
    }
  }
  // One value must have one text: bits left over must be zero.
  if (bits != 0) {
    return std::nullopt;
  }
  return bytes;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (true) {
    const auto end = text.find(separator, start);
    parts.emplace_back(text.substr(start, end - start));
    if (end == std::string_view::npos) {
      return parts;
    }
    start = end + 1;
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) {
      text += separator;
    }
    text += parts[i];
  }
  return text;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_space(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

std::string to_lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && std::ranges::equal(text.substr(0, prefix.size()), prefix, {}, lower, lower);
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto point = decode_utf8(text);
    if (point.size == 0) {
      return false;
    }
    text.remove_prefix(point.size);
  }
  return true;
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string result;
  while (!text.empty()) {
    const auto point = decode_utf8(text);
    const std::size_t size = std::max<std::size_t>(point.size, 1);
    std::string piece;
    if (point.size == 0 || point.value < 0x80) {
      const auto byte = static_cast<unsigned char>(text.front());
      const bool plain = point.size != 0 && !is_deceptive(point.value);
      piece = plain ? std::string(1, text.front()) : fmt::format("\\x{:02x}", byte);
    } else {
      piece = is_deceptive(point.value) ? fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(point.value))
                                        : std::string(text.substr(0, size));
    }
    if (result.size() + piece.size() > limit) {
      return result + "…";
    }
    result += piece;
    text.remove_prefix(size);
  }
  return result;
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  std::optional<std::string> best;
  // A third of the letters may be wrong; beyond that a suggestion confuses more than it helps.
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    // Levenshtein with transpositions of neighbours, which are the most common slip.
    std::vector<std::size_t> before(candidate.size() + 1);
    std::vector<std::size_t> row(candidate.size() + 1);
    std::vector<std::size_t> next(candidate.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= word.size(); ++i) {
      next[0] = i;
      for (std::size_t k = 1; k <= candidate.size(); ++k) {
        const std::size_t change = lower(word[i - 1]) == lower(candidate[k - 1]) ? 0 : 1;
        next[k] = std::min({row[k] + 1, next[k - 1] + 1, row[k - 1] + change});
        if (i > 1 && k > 1 && word[i - 1] == candidate[k - 2] && word[i - 2] == candidate[k - 1]) {
          next[k] = std::min(next[k], before[k - 2] + 1);
        }
      }
      std::swap(before, row);
      std::swap(row, next);
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

bool glob_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  // Only the last star has to be tried again: an earlier one that took more would leave the last one less.
  std::optional<std::pair<std::size_t, std::size_t>> retry;
  while (t < text.size()) {
    const std::size_t width = std::max<std::size_t>(decode_utf8(text.substr(t)).size, 1);
    if (p < pattern.size() && pattern[p] == '*') {
      retry.emplace(++p, t);
    } else if (p < pattern.size() && pattern[p] == '?' && text[t] != '/') {
      ++p;
      t += width;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (retry && text[retry->second] != '/') {
      ++retry->second;
      p = retry->first;
      t = retry->second;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace airlock::base
