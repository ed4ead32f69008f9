#include "ecosystem/terraform/signers.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::terraform {

TEST_CASE("signers are pinned for a namespace, a provider, or on one host", "[ecosystem][terraform]") {
  const std::string a(40, 'A'), b(40, 'B'), c(40, 'C');
  const Signers signers(
      {"hashicorp " + a, "hashicorp/null BBBB BBBB BBBB BBBB BBBB  BBBB BBBB BBBB BBBB BBBB", "r.example/team " + c},
      {});
  CHECK(signers.of(*parse_provider("registry.opentofu.org/hashicorp/null")) == std::vector<std::string>{a, b});
  CHECK(signers.of(*parse_provider("registry.opentofu.org/hashicorp/aws")) == std::vector<std::string>{a});
  CHECK(signers.of(*parse_provider("r.example/team/x")) == std::vector<std::string>{c});
  CHECK(signers.of(*parse_provider("other.example/team/x")).empty());
}

TEST_CASE("a key id is no fingerprint", "[ecosystem][terraform]") {
  const std::string text =
      GENERATE(as<std::string>{}, "", "hashicorp", "hashicorp 0C0AF313E5FD9F80", "a/b/c/d " + std::string(40, 'A'),
               std::string(40, 'A'), "hashicorp " + std::string(40, 'G'), "/ " + std::string(40, 'A'));
  INFO(text);
  CHECK(test::code_of([&] { return Signers({text}, {.file = "m", .line = 1, .column = 1}); }) ==
        base::ErrorCode::manifest);
}

}  // namespace airlock::ecosystem::terraform
