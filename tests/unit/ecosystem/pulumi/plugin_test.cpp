#include "ecosystem/pulumi/plugin.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::pulumi {

TEST_CASE("a plugin is written in several ways, and back in one", "[ecosystem][pulumi]") {
  const std::vector<std::pair<std::string, std::string>> spellings = {
      {"random@4.18.0", "resource random@4.18.0"},
      {"  resource   random@v4.18.0 ", "resource random@4.18.0"},
      {"aws-native", "resource aws-native"},
      {"aws@latest", "resource aws"},
      {"policy guard@1.0.0-rc.1+b.2", "analyzer guard@1.0.0-rc.1+b.2"},
      {"language hcl@0.16.0", "language hcl@0.16.0"},
      {"acme@1.2.3 server=https://dl.example/${VERSION}?a=b",
       "resource acme@1.2.3 server=https://dl.example/${VERSION}?a=b"},
  };
  for (const auto& [text, canonical] : spellings) {
    INFO(text);
    CHECK(parse_plugin(text, {}).to_string() == canonical);
    CHECK(parse_plugin(canonical, {}).to_string() == canonical);
  }
}

TEST_CASE("what is no plugin is refused by place", "[ecosystem][pulumi]") {
  const std::string text =
      GENERATE(as<std::string>{}, "", " ", "server=https://a.example", "resource", "provider aws@1.0.0", "a b c@1.0.0",
               "aws@", "aws@6", "aws@6.1", "aws@^6.1.0", "aws@1.2.3/..", "../aws@1.0.0", "a/b@1.0.0", "-aws@1.0.0",
               "aws@1.2.3-", "aws@1.2.x");
  INFO(text);
  if (text == "resource") {  // nothing forbids a plugin of that name
    CHECK(parse_plugin(text, {}).name == "resource");
    return;
  }
  const auto error = test::error_of([&] { return parse_plugin(text, {.file = "m.yaml", .line = 3, .column = 5}); });
  CHECK(error.code() == base::ErrorCode::manifest);
  CHECK(error.position()->line == 3);
  CHECK_FALSE(error.hint().empty());
}

TEST_CASE("file names are those that the CLI asks for", "[ecosystem][pulumi]") {
  const Plugin plugin = parse_plugin("tool do-v2@1.0.0-alpha-v3+x", {});
  const std::string name = file_name(plugin, model::Platform::parse("darwin/arm64"));
  CHECK(name == "pulumi-tool-do-v2-v1.0.0-alpha-v3+x-darwin-arm64.tar.gz");
  const auto parsed = parse_file_name(name);
  REQUIRE(parsed);
  CHECK(parsed->plugin == plugin);
  CHECK(parsed->os == "darwin");
  CHECK(parsed->arch == "arm64");
}

TEST_CASE("other names are no plugins", "[ecosystem][pulumi]") {
  const std::string name =
      GENERATE(as<std::string>{}, "", "pulumi-.tar.gz", "pulumi.tar.gz", "pulumi-resource-aws-v1.0.0-linux-amd64.zip",
               "pulumi-resource-aws-v1.0.0-linux-x64.tar.gz", "pulumi-resource-aws-v1.0.0-plan9-amd64.tar.gz",
               "pulumi-resource-aws-1.0.0-linux-amd64.tar.gz", "pulumi-resource--v1.0.0-linux-amd64.tar.gz",
               "pulumi-thing-aws-v1.0.0-linux-amd64.tar.gz", "pulumi-resource-a\nb-v1.0.0-linux-amd64.tar.gz",
               "pulumi-command_1.2.1_checksums.txt", "pulumi-resource-${x}-v1.0.0-linux-amd64.tar.gz");
  INFO(name);
  CHECK_FALSE(parse_file_name(name));
}

}  // namespace airlock::ecosystem::pulumi
