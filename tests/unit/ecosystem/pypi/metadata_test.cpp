#include "ecosystem/pypi/metadata.hpp"

#include "ecosystem/pypi/plugin.hpp"
#include "ecosystem/pypi/pyproject.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::pypi {

using base::ErrorCode;
using test::code_of;

TEST_CASE("metadata is read up to the description", "[ecosystem][pypi]") {
  const Metadata one = parse_metadata("Metadata-Version: 2.2\r\nname: Foo\nVersion: 1.0\nSummary: a\n  b\n"
                                      "Requires-Dist: bar>=1 ; extra == 'X_y'\nProvides-Extra: X_y\n"
                                      "Requires-Python: >=3.8\n\nRequires-Dist: not-this\n",
                                      "x");
  CHECK(one.name == "Foo");
  CHECK(one.requires_python == ">=3.8");
  REQUIRE(one.requirements.size() == 1);
  CHECK(one.needs("bar"));
  CHECK_FALSE(one.needs("not-this"));
  CHECK(one.extras == std::set<std::string>{"x-y"});
  CHECK(one.requirements_are_known);
  CHECK_FALSE(parse_metadata("Metadata-Version: 2.1\nName: a\nVersion: 1\n", "x").requirements_are_known);
  CHECK_FALSE(parse_metadata("Metadata-Version: 2.2\nName: a\nVersion: 1\nDynamic: Requires-Dist\n", "x")
                  .requirements_are_known);
}

TEST_CASE("metadata without a name, or with a broken requirement, is refused", "[ecosystem][pypi]") {
  for (const char* text : {"", "<html>", "Name: a\n", "Version: 1\n", "Name: a/b\nVersion: 1\n",
                           "Name: a\nVersion: x\n", "Name: a\nVersion: 1\nRequires-Dist: >=1\n"}) {
    INFO(text);
    CHECK(code_of([&] { return parse_metadata(text, "x").name; }) == ErrorCode::malformed);
  }
}

TEST_CASE("pyproject.toml tells dependencies and what building needs", "[ecosystem][pypi]") {
  const PyProject one = parse_pyproject("[build-system]\nrequires = ['hatchling']\n[project]\nname = 'a'\n"
                                        "dependencies = [\n 'b>=1', # why\n \"c; os_name=='nt'\",\n]\n",
                                        "pyproject.toml");
  REQUIRE(one.dependencies.size() == 2);
  CHECK(one.dependencies[1].name == "c");
  CHECK(one.build.at(0).name == "hatchling");
  CHECK(parse_pyproject("[project]\nname='a'\ndynamic=['dependencies']", "p").dependencies_are_known == false);
  CHECK(parse_pyproject("[project]\nname='a'", "p").build.at(0).name == "setuptools");
  CHECK(parse_pyproject("[tool.x]\na=1", "p").build.empty());
  const auto error = test::error_of([] { return parse_pyproject("[project\n", "p.toml").name; });
  CHECK(error.code() == ErrorCode::manifest);
  CHECK(error.position()->line == 1);
  CHECK(code_of([] { return parse_pyproject("[project]\ndependencies=[1]", "p").name; }) == ErrorCode::malformed);
  CHECK(code_of([] { return parse_pyproject("[project]\ndependencies=['-x']", "p").name; }) == ErrorCode::malformed);
}

TEST_CASE("a provider's SDK names its plugin", "[ecosystem][pypi]") {
  IndexFile file;
  file.file = "pulumi_command-1.2.1-py3-none-any.whl";
  file.name = *parse_file_name(file.file, "pulumi-command");
  CHECK(parse_plugin(R"({"resource":true,"name":"command","version":"v1.2.1"})", file) == "resource command@1.2.1");
  CHECK(parse_plugin(R"({"resource":true,"name":"command"})", file) == "resource command@1.2.1");
  CHECK(parse_plugin(R"({"resource":true,"name":"c","version":"2","server":"https://p.example/x"})", file) ==
        "resource c@2 server=https://p.example/x");
  CHECK_FALSE(parse_plugin(R"({"resource":false,"name":"c"})", file));
  CHECK_FALSE(parse_plugin(R"({"name":"c"})", file));
  for (const char* text :
       {"", "[]x", R"({"resource":true})", R"({"resource":true,"name":"a b"})",
        R"({"resource":true,"name":"a","server":"https://x y"})", R"({"resource":true,"name":"a\n"})"}) {
    INFO(text);
    CHECK(code_of([&] { return parse_plugin(text, file).has_value(); }) == ErrorCode::malformed);
  }
  CHECK(is_plugin_description("pulumi_command/pulumi-plugin.json"));
  CHECK_FALSE(is_plugin_description("a/b/pulumi-plugin.json"));
}

}  // namespace airlock::ecosystem::pypi
