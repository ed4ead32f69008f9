#include "model/request.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "model/flat_json.hpp"

namespace airlock::model {

namespace {

using Values = std::map<std::string, std::vector<std::string>>;

// JSON strings are YAML scalars, whatever stands in them.
std::string yaml_text(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string yaml_value(const SectionSchema& section, const std::string& field, const std::vector<std::string>& values) {
  const auto found = std::find_if(section.fields.begin(), section.fields.end(),
                                  [&](const Field& candidate) { return candidate.name == field; });
  if (found == section.fields.end() || values.empty()) {
    throw base::Error(base::ErrorCode::internal,
                      fmt::format("a request for '{}' has no use for '{}'", section.key, field));
  }
  switch (found->type) {
  case FieldType::number:
  case FieldType::flag:
    return values.front();
  case FieldType::text_list:
  case FieldType::path_list:
  case FieldType::platforms: {
    std::vector<std::string> items;
    std::transform(values.begin(), values.end(), std::back_inserter(items), yaml_text);
    return "[" + base::join(items, ", ") + "]";
  }
  default:
    return yaml_text(values.front());
  }
}

std::string list_item(const SectionSchema& section, const Values& values) {
  if (values.size() == 1 && values.begin()->first == section.shorthand && values.begin()->second.size() == 1) {
    return yaml_text(values.begin()->second.front());
  }
  std::vector<std::string> members;
  for (const auto& [field, items] : values) {
    members.push_back(fmt::format("{}: {}", field, yaml_value(section, field, items)));
  }
  return "{ " + base::join(members, ", ") + " }";
}

std::string section_text(const SectionSchema& section, const std::set<Values>& requests) {
  std::string text = section.key + ":\n";
  if (section.form == SectionSchema::Form::list) {
    for (const Values& values : requests) {
      text += "  - " + list_item(section, values) + "\n";
    }
    return text;
  }
  std::map<std::string, std::set<std::string>> united;
  for (const Values& values : requests) {
    for (const auto& [field, items] : values) {
      united[field].insert(items.begin(), items.end());
    }
  }
  for (const auto& [field, items] : united) {
    text += fmt::format("  {}: {}\n", field, yaml_value(section, field, {items.begin(), items.end()}));
  }
  return text;
}

}  // namespace

std::string manifest_text(std::span<const Request> requests, std::span<const SectionSchema> sections) {
  std::map<std::string, std::set<Values>> by_section;
  for (const Request& request : requests) {
    by_section[request.section].insert(request.values);
  }
  std::string text;
  for (const auto& [key, values] : by_section) {
    const auto section = std::find_if(sections.begin(), sections.end(),
                                      [&key = key](const SectionSchema& candidate) { return candidate.key == key; });
    if (section == sections.end()) {
      throw base::Error(base::ErrorCode::unsupported, fmt::format("this build of airlock has no section '{}'", key))
          .with_hint("`airlock ecosystem list` shows what it has");
    }
    text += section_text(*section, values);
  }
  return text;
}

}  // namespace airlock::model
