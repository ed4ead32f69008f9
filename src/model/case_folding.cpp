#include "model/case_folding.hpp"

#include <algorithm>
#include <array>

namespace airlock::model {

namespace {

constexpr std::array<std::string_view, 4> k_folding{"file", "nuget", "pypi", "tool"};

void append_utf8(std::string& text, char32_t c) {
  if (c < 0x80) {
    text += static_cast<char>(c);
  } else {
    text += static_cast<char>(0xC0 | (c >> 6));
    text += static_cast<char>(0x80 | (c & 0x3F));
  }
}

// Simple case folding (Unicode CaseFolding.txt, status C and S) of the scripts that lie below U+0800 and have case.
char32_t fold(char32_t c) {
  const auto in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  if (in('A', 'Z') || (in(0xC0, 0xDE) && c != 0xD7) || (in(0x391, 0x3AB) && c != 0x3A2) || in(0x410, 0x42F)) {
    return c + 32;
  }
  if (in(0x400, 0x40F)) {
    return c + 80;
  }
  if (in(0x531, 0x556)) {
    return c + 48;
  }
  if (c == 0x178) {
    return 0xFF;
  }
  if (c == 0x3C2) {  // final sigma
    return 0x3C3;
  }
  const bool capital_is_odd = in(0x139, 0x148) || in(0x179, 0x17E) || in(0x4C1, 0x4CE);
  if (capital_is_odd) {
    return c % 2 == 1 ? c + 1 : c;
  }
  const bool capital_is_even = (in(0x100, 0x137) && c != 0x130 && c != 0x131) || in(0x14A, 0x177) || in(0x1DE, 0x1EF) ||
                               in(0x1F8, 0x233) || in(0x3D8, 0x3EF) || in(0x460, 0x481) || in(0x48A, 0x4BF) ||
                               in(0x4D0, 0x52F);
  return capital_is_even && c % 2 == 0 ? c + 1 : c;
}

}  // namespace

bool folds_case(std::string_view ecosystem) {
  return std::ranges::find(k_folding, ecosystem) != k_folding.end();
}

std::string fold_case(std::string_view path) {
  std::string folded;
  folded.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto first = static_cast<unsigned char>(path[i]);
    const bool two_bytes = first >= 0xC2 && first <= 0xDF && i + 1 < path.size();
    if (first < 0x80) {
      append_utf8(folded, fold(first));
    } else if (two_bytes) {
      const auto second = static_cast<unsigned char>(path[++i]);
      append_utf8(folded, fold((static_cast<char32_t>(first & 0x1F) << 6) | (second & 0x3F)));
    } else {
      folded += path[i];  // of a longer sequence, none of which is folded
    }
  }
  return folded;
}

}  // namespace airlock::model
