// The JSON Schema of the manifest, for editors and for those who write manifests by program.
#include <nlohmann/json.hpp>

#include "model/manifest.hpp"
#include "model/manifest_reader.hpp"

namespace airlock::model {

namespace {

using OrderedJson = nlohmann::ordered_json;  // members in the order in which a reader expects them

// YAML reads `version: 1.12` as a number; the manifest takes it as the text that it is.
OrderedJson scalar_schema() {
  return {{"type", {"string", "number"}}};
}

OrderedJson list_or_one(const OrderedJson& item) {
  return {{"anyOf", {item, {{"type", "array"}, {"items", item}, {"minItems", 1}}}}};
}

OrderedJson platforms_schema() {
  return list_or_one({{"type", "string"}, {"pattern", "^[a-z0-9]+/[a-z0-9]+(/[a-z0-9.]+)?$"}});
}

OrderedJson field_schema(const Field& field) {
  OrderedJson schema;
  switch (field.type) {
  case FieldType::text:
    schema = scalar_schema();
    break;
  case FieldType::text_list:
    schema = list_or_one(scalar_schema());
    break;
  case FieldType::number:
    schema = {{"type", "integer"}, {"minimum", 0}};
    break;
  case FieldType::flag:
    schema = {{"type", "boolean"}};
    break;
  case FieldType::path:
    schema = {{"type", "string"}};
    break;
  case FieldType::path_list:
    schema = list_or_one({{"type", "string"}});
    break;
  case FieldType::platforms:
    schema = platforms_schema();
    break;
  case FieldType::digest:
    schema = {{"type", "string"}, {"pattern", "^([sS][hH][aA]256:)?[0-9a-fA-F]{64}$"}};
    break;
  }
  schema["description"] = field.help;
  return schema;
}

OrderedJson object_schema(const std::vector<Field>& fields) {
  OrderedJson properties = OrderedJson::object();
  for (const Field& field : fields) {
    properties[field.name] = field_schema(field);
  }
  return {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
}

OrderedJson section_schema(const SectionSchema& section) {
  OrderedJson object = object_schema(section.fields);
  for (const std::vector<std::string>& choice : section.one_of) {
    OrderedJson options = OrderedJson::array();
    for (const std::string& name : choice) {
      options.push_back({{"required", OrderedJson::array({name})}});
    }
    object["allOf"].push_back({{"oneOf", options}});
  }
  if (!section.some_of.empty()) {
    OrderedJson options = OrderedJson::array();
    for (const std::string& name : section.some_of) {
      options.push_back({{"required", OrderedJson::array({name})}});
    }
    object["anyOf"] = options;
  }
  if (section.form == SectionSchema::Form::mapping) {
    object["description"] = section.help;
    object["type"] = {"object", "null"};
    return object;
  }
  OrderedJson forms = OrderedJson::array();
  if (!section.shorthand.empty()) {
    OrderedJson plain = scalar_schema();
    plain["description"] = "Short for { " + section.shorthand + ": … }.";
    forms.push_back(plain);
  }
  forms.push_back(object);
  return {{"description", section.help}, {"type", {"array", "null"}}, {"items", {{"anyOf", forms}}}};
}

}  // namespace

std::string manifest_json_schema(std::span<const SectionSchema> sections) {
  OrderedJson properties;
  properties["name"] = {{"description", "The channel: what the far side keeps apart from others."},
                        {"type", "string"},
                        {"pattern", "^[a-z0-9][a-z0-9-]{0,62}$"}};
  properties["platforms"] = platforms_schema();
  properties["platforms"]["description"] = "Default for every entry of this manifest.";
  for (const SectionSchema& section : sections) {
    properties[section.key] = section_schema(section);
  }
  properties["upstreams"] = {{"description", "How hosts and ecosystems are reached where the default does not do."},
                             {"type", {"object", "null"}},
                             {"additionalProperties", object_schema(upstream_fields())}};
  const OrderedJson schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                              {"title", "airlock manifest"},
                              {"type", "object"},
                              {"properties", properties},
                              {"additionalProperties", false}};
  return schema.dump(2) + "\n";
}

}  // namespace airlock::model
