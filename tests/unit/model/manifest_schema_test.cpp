#include "base/json.hpp"
#include "model/manifest.hpp"
#include "sections.hpp"
#include "support/catch.hpp"

namespace airlock::model {

TEST_CASE("the JSON Schema has every section and option, and allows no other", "[model][manifest_schema]") {
  const std::vector<SectionSchema> sections = test_sections();
  const base::Json schema = base::parse_json(manifest_json_schema(sections), "schema");
  CHECK(schema.at("$schema") == "https://json-schema.org/draft/2020-12/schema");
  CHECK(schema.at("additionalProperties") == false);
  const base::Json& images = schema.at("properties").at("images").at("items").at("anyOf");
  REQUIRE(images.size() == 2);
  CHECK(images[0].at("type") == base::Json({"string", "number"}));
  const base::Json& object = images[1];
  CHECK(object.at("additionalProperties") == false);
  for (const Field& field : sections[0].fields) {
    CHECK(object.at("properties").at(field.name).at("description") == field.help);
  }
  CHECK(object.at("allOf").at(0).at("oneOf").size() == 2);
  CHECK(object.at("properties").at("newest").at("type") == "integer");
  CHECK(object.at("properties").at("referrers").at("type") == "boolean");
  CHECK(schema.at("properties").at("files").at("items").at("anyOf").size() == 1);
  CHECK(schema.at("properties").at("upstreams").at("additionalProperties").at("properties").contains("token_env"));
}

}  // namespace airlock::model
