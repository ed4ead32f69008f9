// Inputs of several parts: each begins with a line "== NAME" and goes on to the next such line.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "base/text.hpp"

namespace airlock::fuzz {

inline constexpr std::string_view k_section_mark = "== ";

struct Section {
  std::string name;
  std::string text;
};

// In their order; what precedes the first is left out.
inline std::vector<Section> sections_of(std::string_view text) {
  std::vector<Section> sections;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    if (line.starts_with(k_section_mark)) {
      sections.push_back({std::string(base::trim(line.substr(k_section_mark.size()))), ""});
    } else if (!sections.empty()) {
      sections.back().text += line;
    }
    text.remove_prefix(end);
  }
  return sections;
}

// The same where parts name earlier ones by content, which no input could otherwise: "@NAME@" becomes the digest of the
// latest part of that name, "#NAME#" its length.
inline std::vector<Section> linked_sections(std::string_view text) {
  constexpr std::size_t k_longest_name = 24;  // bytes
  std::vector<Section> sections = sections_of(text);
  std::map<std::string, std::string, std::less<>> values;  // by mark and name
  for (Section& section : sections) {
    std::string linked;
    for (std::string_view rest = section.text; !rest.empty();) {
      const std::size_t open = std::min(rest.find_first_of("@#"), rest.size());
      linked += rest.substr(0, open);
      rest.remove_prefix(open);
      if (rest.empty()) {
        break;
      }
      const std::size_t close = rest.substr(0, k_longest_name).find(rest.front(), 1);
      const auto value = close == std::string_view::npos ? values.end() : values.find(rest.substr(0, close));
      linked += value == values.end() ? rest.substr(0, 1) : std::string_view(value->second);
      rest.remove_prefix(value == values.end() ? 1 : close + 1);
    }
    section.text = std::move(linked);
    values["@" + section.name] = base::sha256(section.text).to_string();
    values["#" + section.name] = std::to_string(section.text.size());
  }
  return sections;
}

}  // namespace airlock::fuzz
