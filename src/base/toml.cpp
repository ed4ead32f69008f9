#include "base/toml.hpp"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/error.hpp"

namespace airlock::base {

namespace {

constexpr std::size_t k_size_limit = std::size_t{4} << 20;  // bytes
constexpr int k_depth_limit = 32;
constexpr std::size_t k_parts_limit = 512;

// After the string that begins at `at`; the end of the text where it is not closed, which the parser refuses.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string three(3, quote);
  const bool several_lines = text.substr(at, 3) == three;
  for (at += several_lines ? 3 : 1; at < text.size(); ++at) {
    if (text[at] == '\\' && quote == '"') {
      ++at;
    } else if (!several_lines && text[at] == quote) {
      return at + 1;
    } else if (several_lines && text.substr(at, 3) == three) {
      // Two more quotes may be the last of the content.
      const std::size_t end = text.find_first_not_of(quote, at);
      return std::min({end, at + 5, text.size()});
    }
  }
  return text.size();
}

// toml++ makes a table of each part of a dotted key and takes them apart by recursion, however many there are. The
// parts of inline tables one in another add up.
void check_keys(std::string_view text, std::string_view file) {
  std::vector<std::size_t> open;  // parts that lead to each inline table around this place
  std::size_t parts = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '#') {
      at = std::min(text.find('\n', at), text.size()) - 1;
    } else if (c == '"' || c == '\'') {
      at = end_of_string(text, at) - 1;
    } else if (c == '.') {
      ++parts;
    } else if (c == '{') {
      open.push_back(++parts);
    } else if (c == '}' || c == ',' || c == '\n') {
      if (c == '}' && !open.empty()) {
        open.pop_back();
      }
      parts = open.empty() ? 0 : open.back();
    }
    if (parts >= k_parts_limit) {
      const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
      throw Error(ErrorCode::limit, fmt::format("a key has more than {} parts", k_parts_limit))
          .at({.file = std::string(file), .line = static_cast<int>(line), .column = 0});
    }
  }
}

Json to_json(const toml::node& node, int depth, std::string_view file) {
  if (depth > k_depth_limit) {
    throw Error(ErrorCode::limit, fmt::format("{} is nested too deeply", file));
  }
  if (const auto* table = node.as_table()) {
    Json object = Json::object();
    for (const auto& [key, value] : *table) {
      object[std::string(key.str())] = to_json(value, depth + 1, file);
    }
    return object;
  }
  if (const auto* array = node.as_array()) {
    Json list = Json::array();
    for (const auto& value : *array) {
      list.push_back(to_json(value, depth + 1, file));
    }
    return list;
  }
  if (const auto* text = node.as_string()) {
    return text->get();
  }
  if (const auto* number = node.as_integer()) {
    return number->get();
  }
  if (const auto* number = node.as_floating_point()) {
    return number->get();
  }
  if (const auto* flag = node.as_boolean()) {
    return flag->get();
  }
  std::ostringstream out;
  if (const auto* date = node.as_date()) {
    out << date->get();
  } else if (const auto* time = node.as_time()) {
    out << time->get();
  } else if (const auto* both = node.as_date_time()) {
    out << both->get();
  }
  return out.str();
}

}  // namespace

Json parse_toml(std::string_view text, std::string_view file) {
  if (text.size() > k_size_limit) {
    throw Error(ErrorCode::limit, fmt::format("{} is longer than 4 MiB", file));
  }
  check_keys(text, file);
  try {
    return to_json(toml::parse(text, file), 0, file);
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    throw Error(ErrorCode::manifest, std::string(error.description()))
        .at({.file = std::string(file), .line = static_cast<int>(at.line), .column = static_cast<int>(at.column)});
  }
}

}  // namespace airlock::base
