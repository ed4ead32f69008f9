// What a list of wants may say. It crossed back on a medium, and nobody signed it.
#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "model/manifest_reader.hpp"

namespace airlock::model {

namespace {

using base::Error;
using base::ErrorCode;
using base::YamlNode;

[[noreturn]] void refuse(const YamlNode& node, std::string_view what) {
  throw Error(ErrorCode::manifest,
              fmt::format("a list of wants names packages; '{}' has no place in it", base::printable(what, 80)))
      .at(node.position())
      .with_hint("whoever carried the list may have changed it; what you do want, say in a manifest of your own (-m)");
}

// "NAME @ https://…", "NAME server=URL" and the like would choose where from.
void check_value(const YamlNode& node) {
  if (node.is_sequence()) {
    std::ranges::for_each(node.items(), check_value);
  } else if (node.is_scalar() && node.scalar().find(":/") != std::string::npos) {
    refuse(node, node.scalar());
  }
}

void check_entry(const SectionSchema& schema, const YamlNode& node) {
  if (!node.is_mapping()) {
    check_value(node);
    return;
  }
  for (const auto& [key, value] : node.members()) {
    const auto field = std::ranges::find(schema.fields, key.scalar(), &Field::name);
    if (field != schema.fields.end() && !field->wanted && field->type != FieldType::platforms) {
      refuse(key, key.scalar());
    }
    check_value(value);
  }
}

}  // namespace

void check_wants(const YamlNode& root, std::span<const SectionSchema> sections) {
  if (!root.is_mapping()) {
    return;  // the reader says what is wrong
  }
  for (const auto& [key, value] : root.members()) {
    const auto schema = std::ranges::find(sections, key.scalar(), &SectionSchema::key);
    if (schema == sections.end() || std::ranges::none_of(schema->fields, &Field::wanted)) {
      refuse(key, key.scalar());
    }
    if (value.is_sequence()) {
      std::ranges::for_each(value.items(), [&](const YamlNode& item) { check_entry(*schema, item); });
    } else {
      check_entry(*schema, value);
    }
  }
}

}  // namespace airlock::model
