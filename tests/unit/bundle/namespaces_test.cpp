// Which paths the rules of a policy cover.
#include "bundle/namespaces.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

using namespace airlock;
using bundle::Namespaces;

TEST_CASE("a rule covers whole segments of a path, from its beginning", "[bundle][namespaces]") {
  struct Case {
    std::string_view rule, ecosystem, path;
    bool covered;
  };
  const Case cases[] = {
      {"npm", "npm", "left-pad/-/left-pad-1.3.0.tgz", true},
      {"npm", "oci", "left-pad/-/left-pad-1.3.0.tgz", false},
      {"npm:@corp/*", "npm", "@corp/tool/-/tool-1.0.0.tgz", true},
      {"npm:@corp/*", "npm", "@corp/tool/1.0.0", true},
      {"npm:@corp/*", "npm", "@corporate/tool/1.0.0", false},
      {"npm:@corp/*", "npm", "left-pad/1.0.0", false},
      {"npm:left-*", "npm", "left-pad/1.0.0", true},
      {"npm:left-pad", "npm", "left-pad-fork/1.0.0", false},
      {"oci:registry.example/team/**", "oci", "registry.example/team/app@sha256:00", true},
      {"oci:registry.example/team/**", "oci", "registry.example/team/sub/app:1", true},
      {"oci:registry.example/team/**", "oci", "registry.example/team:1", false},
      {"oci:registry.example/team/**", "oci", "registry.example/teams/app:1", false},
      {"oci:registry.example/team/app", "oci", "registry.example/team/app:1", true},
      {"oci:registry.example/team/app", "oci", "registry.example/team/app@sha256:00", true},
      {"oci:registry.example/team/app", "oci", "registry.example/team/app/referrers/sha256:00/sha256:11", true},
      {"oci:registry.example/team/app", "oci", "registry.example/team/apple:1", false},
      {"oci:registry.example/team/app:1.*", "oci", "registry.example/team/app:1.2", true},
      {"oci:registry.example/team/app:1.*", "oci", "registry.example/team/app:2.0", false},
      {"go:github.com/corp/**", "go", "github.com/corp/mod/@v/v1.0.0.zip", true},
      {"go:github.com/corp/mod", "go", "github.com/corp/mod/@v/v1.0.0.zip", true},
      {"file:docs/guide.pdf", "file", "docs/guide.pdf", true},
      {"file:docs/guide.pdf/x", "file", "docs/guide.pdf", false},
      {"pypi:corp-*", "pypi", "corp-lib/corp_lib-1.0-py3-none-any.whl", true},
  };
  for (const auto& each : cases) {
    CAPTURE(each.rule, each.path);
    CHECK(Namespaces({each.rule}).allows(each.ecosystem, each.path) == each.covered);
  }
}

TEST_CASE("what is excepted may not come, whatever else is allowed and in whatever order", "[bundle][namespaces]") {
  for (const auto& rules : {Namespaces({"npm", "!npm:@corp/*"}), Namespaces({"!npm:@corp/*", "npm"})}) {
    CHECK(rules.allows("npm", "left-pad/1.0.0"));
    CHECK_FALSE(rules.allows("npm", "@corp/tool/1.0.0"));
    CHECK(rules.allows_some("npm"));
    CHECK_FALSE(rules.allows_some("oci"));
  }
  CHECK_FALSE(Namespaces({"!npm:@corp/*"}).allows("npm", "left-pad/1.0.0"));
  CHECK_FALSE(Namespaces().allows("npm", "left-pad/1.0.0"));
}

TEST_CASE("a rule that cannot be meant is refused", "[bundle][namespaces]") {
  for (const auto* bad : {"", "!", ":x", "npm:", "npm:a//b", "npm:/a", "npm:a/", "npm:**/a", "npm:a**", "npm:a/b**"}) {
    CAPTURE(bad);
    CHECK(test::code_of([&] { Namespaces().add(bad); }) == base::ErrorCode::usage);
  }
}

TEST_CASE("the most exact entry alone counts", "[bundle][namespaces]") {
  const std::string one(64, '1');
  const std::string two(64, '2');
  const bundle::NamespacesByChannel all = {
      {"site-a", {"oci"}}, {one + "/site-a", {"npm"}}, {one + "/*", {"go"}}, {"*", {"file"}}};
  const auto first = [&](const std::string& producer, const std::string& channel) {
    return bundle::find_namespaces(all, producer, channel)->rules().front();
  };
  CHECK(first(one, "site-a") == "npm");
  CHECK(first(one, "site-b") == "go");
  CHECK(first(two, "site-a") == "oci");
  CHECK(first(two, "site-b") == "file");
  CHECK(bundle::find_namespaces({{"site-a", {"oci"}}}, two, "site-b") == nullptr);
  for (const auto& good : {std::string("site-a"), std::string("*"), one + "/x", one + "/*"}) {
    bundle::check_namespaces_key(good);
  }
  for (const auto& bad : {std::string(""), std::string("Site"), std::string("a/b"), one, one + "/", "x/" + one}) {
    CAPTURE(bad);
    CHECK(test::code_of([&] { bundle::check_namespaces_key(bad); }) == base::ErrorCode::usage);
  }
}
