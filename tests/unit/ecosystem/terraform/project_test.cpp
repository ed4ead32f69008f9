#include "ecosystem/terraform/project.hpp"

#include "base/files.hpp"
#include "ecosystem/terraform/terraform.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::terraform {

namespace {

void write(const base::TempDir& folder, const std::string& name, const std::string& text) {
  base::make_directories((folder.path() / name).parent_path());
  base::write_file_atomic(folder.path() / name, text);
}

std::vector<std::string> providers_of(const Configuration& configuration) {
  std::vector<std::string> all;
  for (const auto& [provider, required] : configuration.providers) {
    std::string text = provider.to_string();
    for (const Constraint& constraint : required.constraints) {
      text += " " + constraint.text();
    }
    all.push_back(text);
  }
  return all;
}
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a configuration asks in several ways", "[ecosystem][terraform]") {
  const base::TempDir folder;
  write(folder, "main.tf", R"(terraform {
  required_version = ">= 1.6"
  required_providers {
    null = { source = "hashicorp/null", version = "~> 3.2" }
    mine = {
      source                = "registry.example:5000/team/thing"
      configuration_aliases = [ mine.west ]
    }
    old = ">= 1.0"
  }
}
resource "null_resource" "a" {}
resource "mine_thing" "b" { provider = mine.west }
resource "random_pet" "c" {}
resource "terraform_data" "d" {}
data "external_thing" "e" {
  provider = ext
}
)");
  write(folder, "more.tofu",
        "provider \"tls\" {}\nmodule \"m\" {\n source = \"./sub\"\n}\nmodule \"n\" {\n source = "
        "\"hashicorp/consul/aws\"\n}\n");
  write(folder, "sub/x.tf",
        "terraform {\n required_providers {\n  null = { source = \"hashicorp/null\", version = \"< 3.3\" }\n }\n}\n"
        "module \"up\" { source = \"../\" }\n");
  write(folder, "elsewhere/y.tf", "resource \"aws_x\" \"y\" {}\n");
  write(folder, "z.tf.json", "{}");
  const Configuration configuration = read_configuration(folder.path());
  CHECK(providers_of(configuration) == Texts{"hashicorp/ext", "hashicorp/null ~> 3.2 < 3.3", "hashicorp/old >= 1.0",
                                             "hashicorp/random", "hashicorp/tls", "registry.example:5000/team/thing"});
  CHECK(configuration.files == 3);
  CHECK(configuration.notes.size() == 2);
  CHECK_FALSE(configuration.has_lock);
}

TEST_CASE("mistakes of a configuration are told by place", "[ecosystem][terraform]") {
  const std::string inside = GENERATE(as<std::string>{}, "a = { source = \"../x\" }", "a = { version = \"newest\" }",
                                      "a = \"x\"", "a = { source = \"a/b/c/d\" }", "a = { version = var.x }");
  INFO(inside);
  const auto error = test::error_of(
      [&] { return parse_configuration("terraform {\n required_providers {\n  " + inside + "\n }\n}\n", "m.tf"); });
  CHECK(error.code() == base::ErrorCode::manifest);
  CHECK(error.position()->line == 3);
  CHECK_FALSE(error.hint().empty());
}

TEST_CASE("a project folder is found by its files", "[ecosystem][terraform]") {
  const base::TempDir folder;
  CHECK(descriptor().detect(folder.path()).empty());
  write(folder, "main.tf", "locals {\n a = 1\n}\n");
  CHECK(descriptor().detect(folder.path()).empty());
  write(folder, "main.tf", "resource \"null_resource\" \"a\" {}\n");
  auto findings = descriptor().detect(folder.path());
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].file == "*.tf");
  CHECK(findings[0].what == "1 providers: hashicorp/null");
  write(folder, ".terraform.lock.hcl",
        "provider \"registry.opentofu.org/hashicorp/null\" {\n version = \"3.2.2\"\n}\n");
  findings = descriptor().detect(folder.path());
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].file == ".terraform.lock.hcl");
  CHECK(findings[0].what == "1 providers, locked: registry.opentofu.org/hashicorp/null 3.2.2");
  CHECK(findings[0].request.values.at("projects") == Texts{folder.path().string()});
}

}  // namespace airlock::ecosystem::terraform
