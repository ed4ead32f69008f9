#include "model/purl.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::model {

TEST_CASE("package URLs of every ecosystem survive a round trip", "[model][purl]") {
  const std::string text =
      GENERATE(as<std::string>{}, "pkg:npm/left-pad@1.3.0", "pkg:npm/%40pulumi/pulumi@3.200.0",
               "pkg:golang/github.com/pulumi/pulumi/sdk/v3@v3.259.0",
               "pkg:oci/debian@sha256:244fd47e07d10?arch=amd64&repository_url=docker.io/library/debian&tag=12",
               "pkg:generic/k3s@1.30.4%2Bk3s1", "pkg:maven/com.pulumi/pulumi@1.16.1",
               "pkg:generic/docs/guide%20one.pdf", "pkg:deb/debian/attr@1:2.4.47-2?arch=source");
  CHECK(Purl::parse(text).to_string() == text);
}

TEST_CASE("the parts of a package URL are decoded", "[model][purl]") {
  const Purl purl = Purl::parse("pkg:npm/%40pulumi/pulumi@3.200.0?a=x%20y");
  CHECK(purl.type == "npm");
  CHECK(purl.namespace_ == "@pulumi");
  CHECK(purl.name == "pulumi");
  CHECK(purl.version == "3.200.0");
  CHECK(purl.qualifiers.at("a") == "x y");
}

TEST_CASE("a package URL has one spelling", "[model][purl]") {
  CHECK(Purl::is_canonical("pkg:generic/docs/guide%20one.pdf"));
  CHECK(Purl::is_canonical("pkg:oci/debian@sha256:244f?repository_url=docker.io/library/debian&tag=12"));
  const std::string text = GENERATE(as<std::string>{}, "pkg:generic/docs/b%2Etxt", "pkg:generic/docs/%ff",
                                    "pkg:generic/a%2bb", "pkg:generic/a@1?b=1&a=1", "pkg:npm/@scope/name@1", "generic",
                                    "pkg:oci/debian@sha256%3A244f", "pkg:generic/a b");
  INFO(text);
  CHECK_FALSE(Purl::is_canonical(text));
}

TEST_CASE("malformed package URLs are refused", "[model][purl]") {
  const std::string text =
      GENERATE(as<std::string>{}, "", "npm/left-pad", "pkg:", "pkg:npm", "pkg:npm/", "pkg:/x", "pkg:NPM/x",
               "pkg:npm/a//b", "pkg:npm/a@", "pkg:npm/a?b", "pkg:npm/a?b=", "pkg:npm/a?b=1&b=2", "pkg:npm/a?B=1",
               "pkg:npm/a#sub", "pkg:npm/a%zz", "pkg:npm/a%2Fb", "pkg:npm/%ff");
  INFO(text);
  CHECK(test::code_of([&] { return Purl::parse(text); }) == base::ErrorCode::malformed);
}

}  // namespace airlock::model
