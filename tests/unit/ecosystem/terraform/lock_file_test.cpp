#include "ecosystem/terraform/lock_file.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::terraform {

TEST_CASE("a lock file gives exact versions and hashes", "[ecosystem][terraform]") {
  const std::string hex(64, 'a');
  const auto locked = parse_lock_file(
      "# This file is maintained automatically by \"tofu init\".\n\n"
      "provider \"registry.opentofu.org/hashicorp/null\" {\n"
      "  version     = \"3.2.2\"\n  constraints = \"~> 3.2\"\n  hashes = [\n    \"h1:x=\",\n    \"zh:" +
          hex + "\",\n    \"zz:later\",\n  ]\n}\nprovider \"r.example/a/b\" {\n version = \"1.0.0\"\n}\n",
      ".terraform.lock.hcl");
  REQUIRE(locked.size() == 2);
  CHECK(locked[0].provider.to_string() == "registry.opentofu.org/hashicorp/null");
  CHECK(locked[0].version == "3.2.2");
  CHECK(locked[0].zip_hashes == std::vector<base::Digest>{base::Digest::parse_sha256_hex(hex)});
  CHECK(locked[0].directory_hashes == std::vector<std::string>{"h1:x="});
  CHECK(locked[0].position.line == 3);
  CHECK(locked[1].zip_hashes.empty());
}

TEST_CASE("a lock file that locks nothing is refused", "[ecosystem][terraform]") {
  const std::string text = GENERATE(
      as<std::string>{}, "provider \"hashicorp/null\" { version = \"1.0.0\" }", "provider { version = \"1.0.0\" }",
      "provider \"r.example/a/b\" { }", "provider \"r.example/a/b\" { version = \"~> 1.0\" }",
      "provider \"r.example/a/b\" { version = var.x }", "provider \"r.example/../b\" { version = \"1.0.0\" }",
      "provider \"r.example/a/b\" {\n version = \"1.0.0\"\n hashes = [\"zh:12\"]\n}");
  INFO(text);
  CHECK(test::code_of([&] { return parse_lock_file(text, "x"); }) == base::ErrorCode::manifest);
}

}  // namespace airlock::ecosystem::terraform
