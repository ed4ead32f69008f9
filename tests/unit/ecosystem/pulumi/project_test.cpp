#include "ecosystem/pulumi/project.hpp"

#include "base/files.hpp"
#include "ecosystem/pulumi/pulumi.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::pulumi {

namespace {

std::vector<std::string> plugins_of(const std::string& text) {
  std::vector<std::string> all;
  for (const ProjectPlugin& one : parse_project(text, "Pulumi.yaml").plugins) {
    all.push_back(one.plugin.to_string());
  }
  return all;
}
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a program in YAML names its packages by what it uses", "[ecosystem][pulumi]") {
  CHECK(plugins_of(R"(name: p
runtime: yaml
resources:
  a: { type: "random:RandomPet" }
  b: { type: "aws:s3/bucket:Bucket", options: { version: v6.65.0 } }
  c: { type: "aws:s3/bucket:Bucket" }
  d: { type: "pulumi:providers:gcp" }
  e: { type: "pulumi:pulumi:StackReference" }
  f: { type: "acme:index:Thing", options: { version: 1.0.0, pluginDownloadURL: "https://dl.acme.example" } }
variables:
  g:
    fn::invoke: { function: "azure-native:x:getY", options: { version: 2.0.0 } }
  h: [ { fn::join: [ "", [ { fn::docker:getImage: {} } ] ] }, { fn::toJSON: { fn::secret: a } } ]
)") == Texts{"resource acme@1.0.0 server=https://dl.acme.example", "resource aws@6.65.0", "resource azure-native@2.0.0",
             "resource docker", "resource gcp", "resource random"});
}

TEST_CASE("sections pin and replace", "[ecosystem][pulumi]") {
  const Project project = parse_project(R"(name: p
runtime: { name: yaml }
plugins:
  providers:
    - { name: random, version: 4.18.0 }
    - { name: own, path: ../bin }
  analyzers: [ { name: guard, version: 1.0.0 } ]
packages:
  tls: tls@5.1.0
  ext: { source: terraform-provider, version: 0.8.0, parameters: [ hashicorp/null ] }
  local: ./local
resources:
  a: { type: "random:RandomPet" }
  b: { type: "own:x:Y" }
  c: { type: "tls:x:Y" }
  d: { type: "ext:x:Y" }
  e: { type: "local:x:Y" }
)",
                                        "Pulumi.yaml");
  Texts all;
  for (const ProjectPlugin& one : project.plugins) {
    all.push_back(one.plugin.to_string());
  }
  CHECK(all == Texts{"analyzer guard@1.0.0", "resource random@4.18.0", "resource terraform-provider@0.8.0",
                     "resource tls@5.1.0"});
  CHECK(project.notes.size() == 2);
}

TEST_CASE("a program in another language brings its own packages", "[ecosystem][pulumi]") {
  CHECK(plugins_of("name: p\nruntime: nodejs\nresources: { a: { type: 'random:RandomPet' } }\n").empty());
  CHECK(plugins_of("name: p\nruntime: hcl\n") == Texts{"language hcl"});
  CHECK(parse_project("name: p\nruntime: { name: python, options: {} }\n", "x").runtime == "python");
}

TEST_CASE("what is no project is refused by place", "[ecosystem][pulumi]") {
  const std::string text =
      GENERATE(as<std::string>{}, "", "- a\n", "runtime: yaml\nresources: { a: { type: '../x:y:Z' } }",
               "runtime: yaml\nresources: { a: { type: 'a:b:C', options: { version: '>1' } } }", "a: [\n");
  INFO(text);
  const auto error = test::error_of([&] { return plugins_of(text); });
  CHECK(error.code() == base::ErrorCode::manifest);
  CHECK(error.position());
}

TEST_CASE("a project folder is found by its file", "[ecosystem][pulumi]") {
  const base::TempDir folder;
  CHECK(descriptor().detect(folder.path()).empty());
  base::write_file_atomic(folder.path() / "Pulumi.yaml",
                          "name: p\nruntime: yaml\nresources: { a: { type: 'random:RandomPet' } }\n");
  const auto findings = descriptor().detect(folder.path());
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].file == "Pulumi.yaml");
  CHECK(findings[0].what == "runtime yaml, random");
  CHECK(findings[0].request.section == "pulumi");
  CHECK(findings[0].request.values.at("projects") == Texts{folder.path().string()});
}

}  // namespace airlock::ecosystem::pulumi
