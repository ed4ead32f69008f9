#include "model/request.hpp"

#include "base/error.hpp"
#include "sections.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::model {

TEST_CASE("requests become a manifest: items of lists, united mappings, each once", "[model][request]") {
  const std::vector<Request> requests = {{.section = "npm", .values = {{"packages", {"b"}}}},
                                         {.section = "images", .values = {{"ref", {"x/y:1"}}}},
                                         {.section = "npm", .values = {{"packages", {"a", "b"}}, {"dev", {"true"}}}},
                                         {.section = "images", .values = {{"ref", {"z"}}, {"tags", {"1", "2"}}}},
                                         {.section = "images", .values = {{"ref", {"x/y:1"}}}}};
  const std::string text = manifest_text(requests, test_sections());
  CHECK(text == "images:\n"
                "  - \"x/y:1\"\n"
                "  - { ref: \"z\", tags: [\"1\", \"2\"] }\n"
                "npm:\n"
                "  dev: true\n"
                "  packages: [\"a\", \"b\"]\n");
  const Manifest manifest = parse_manifest("name: a\n" + text, "m.yaml", test_sections());
  CHECK(manifest.section("images").size() == 2);
  CHECK(manifest.section("npm").at(0)->texts("packages") == std::vector<std::string>{"a", "b"});
}

TEST_CASE("what stands in a request stays a value", "[model][request]") {
  const std::string hostile = "x\"]\nname: other\nfiles: [\\";
  const std::string text =
      manifest_text(std::vector<Request>{{.section = "npm", .values = {{"packages", {hostile}}}}}, test_sections());
  const Manifest manifest = parse_manifest("name: a\n" + text, "m.yaml", test_sections());
  CHECK(manifest.name == "a");
  CHECK(manifest.entries.size() == 1);
  CHECK(manifest.section("npm").at(0)->texts("packages") == std::vector<std::string>{hostile});
}

TEST_CASE("a request for what this build has not is told", "[model][request]") {
  const std::vector<Request> requests = {{.section = "nuget", .values = {{"packages", {"a"}}}}};
  const auto error = test::error_of([&] { return manifest_text(requests, test_sections()); });
  CHECK(error.code() == base::ErrorCode::unsupported);
}

}  // namespace airlock::model
