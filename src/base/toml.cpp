#include "base/toml.hpp"

#include <sstream>
#include <string>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/error.hpp"

namespace airlock::base {

namespace {

constexpr std::size_t k_size_limit = std::size_t{4} << 20;  // bytes
constexpr int k_depth_limit = 32;

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
  try {
    return to_json(toml::parse(text, file), 0, file);
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    throw Error(ErrorCode::manifest, std::string(error.description()))
        .at({.file = std::string(file), .line = static_cast<int>(at.line), .column = static_cast<int>(at.column)});
  }
}

}  // namespace airlock::base
