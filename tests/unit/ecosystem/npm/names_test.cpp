#include "ecosystem/npm/names.hpp"

#include "ecosystem/npm/integrity.hpp"
#include "ecosystem/npm/npmrc.hpp"
#include "ecosystem/npm/wanted.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::npm {

using base::ErrorCode;

TEST_CASE("names of packages are those that npm takes", "[ecosystem][npm][names]") {
  for (const char* name :
       {"left-pad", "@scope/name", "JSONStream", "a.b", "@types/node", "lodash._baseuniq", "@a/b.c"}) {
    INFO(name);
    CHECK(is_package_name(name));
  }
  for (const std::string& name :
       {std::string(), std::string(".a"), std::string("_a"), std::string("a/b"), std::string("@a"), std::string("@/a"),
        std::string("@a/"), std::string("@a/b/c"), std::string("a b"), std::string("a%2fb"), std::string(".."),
        std::string("@a/.."), std::string("node_modules"), std::string(215, 'a'), std::string("a\\b"),
        std::string("\xc3\xa4")}) {
    INFO(name);
    CHECK_FALSE(is_package_name(name));
  }
}

TEST_CASE("names of tarballs and versions are plain", "[ecosystem][npm][names]") {
  CHECK(is_tarball_name("left-pad-1.3.0.tgz"));
  CHECK(is_tarball_name("x-1.0.0-rc.1+b.tgz"));
  for (const char* name : {"", ".tgz", "a.zip", "../a.tgz", "a/b.tgz", "a b.tgz", "-\n.tgz", ".a.tgz"}) {
    INFO(name);
    CHECK_FALSE(is_tarball_name(name));
  }
  CHECK(is_version("1.2.3-rc.1+b"));
  CHECK_FALSE(is_version("1.2.3 x"));
  CHECK_FALSE(is_version("1.2.3/../x"));
  CHECK_FALSE(is_version("latest"));
  CHECK(is_tag("next-11"));
  CHECK_FALSE(is_tag("1.x"));
  CHECK_FALSE(is_tag("a/b"));
  CHECK_FALSE(is_tag(".."));
}

TEST_CASE("a dependency says which package it means and how", "[ecosystem][npm][names]") {
  using Kind = Requirement::Kind;
  const auto kind = [](std::string_view value) { return parse_dependency("x", value).kind; };
  for (const char* value : {"", "*", "^1.2", "1 || 2", "1.2.3 - 2", "latest || 1"}) {
    INFO(value);
    CHECK(kind(value) == Kind::range);
  }
  CHECK(kind("next") == Kind::tag);
  for (const char* value : {"file:../x", "link:x", "./x", "../x", "/x", "workspace:*", "portal:x"}) {
    INFO(value);
    CHECK(kind(value) == Kind::local);
  }
  for (const char* value :
       {"git+ssh://git@host/x.git", "user/repo", "github:user/repo", "https://host/x.tgz", "a b c"}) {
    INFO(value);
    CHECK(kind(value) == Kind::foreign);
  }
  const Requirement alias = parse_dependency("x", "npm:@scope/other@^2");
  CHECK(alias.name == "@scope/other");
  CHECK(alias.wanted == "^2");
  CHECK(parse_dependency("x", "npm:other").wanted.empty());
  CHECK(test::code_of([] { return parse_dependency("x", "npm:../y@1").name; }) == ErrorCode::malformed);
  CHECK(test::code_of([] { return parse_dependency("../x", "1").name; }) == ErrorCode::malformed);
  CHECK(test::code_of([] { return parse_dependency("x", std::string(5000, '1')).name; }) == ErrorCode::limit);
}

TEST_CASE("packages are named as on a command line", "[ecosystem][npm][names]") {
  CHECK(parse_package("left-pad").to_string() == "left-pad@*");
  CHECK(parse_package("@scope/name@^1").to_string() == "@scope/name@^1");
  CHECK(parse_package("mine@npm:@scope/name@next").to_string() == "@scope/name@next");
  for (const char* text : {"", "@", "./x", "x@file:y", "git+https://host/x", "x@https://host/x.tgz", "@scope"}) {
    INFO(text);
    CHECK(test::code_of([&] { return parse_package(text).name; }) == ErrorCode::manifest);
  }
}

TEST_CASE("purls lead back to package and version", "[ecosystem][npm][names]") {
  CHECK(purl_of("@scope/name", "1.0.0") == "pkg:npm/%40scope/name@1.0.0");
  CHECK(parse_purl("pkg:npm/%40scope/name@1.0.0") == PackageVersion{"@scope/name", "1.0.0"});
  CHECK(parse_purl(purl_of("a", "1.0.0+b")) == PackageVersion{"a", "1.0.0+b"});
  CHECK_FALSE(parse_purl("pkg:pypi/a@1.0.0"));
  CHECK_FALSE(parse_purl("pkg:npm/..@1.0.0"));
  CHECK_FALSE(parse_purl("nonsense"));
}

TEST_CASE("integrity gives digests, and two statements agree or do not", "[ecosystem][npm][integrity]") {
  const auto sha1 = parse_integrity("sha1-W4o6d2Xf4AEmHd6RVYnngvjJTR4=");
  CHECK(sha1.size() == 1);
  const std::string sha512 =
      "sha512-XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQGinBN9yTQT3bFlCBy/aVx2HrNcqQGsdot8ghrjyrvMCoEA==";
  const auto both = parse_integrity("sha1-W4o6d2Xf4AEmHd6RVYnngvjJTR4= " + sha512 + "?x md5-abc");
  REQUIRE(both.size() == 2);
  CHECK(strongest(both)->algorithm() == base::HashAlgorithm::sha512);
  CHECK(agree(sha1, both));
  CHECK(agree({}, both));
  CHECK(agree(sha1, parse_integrity(sha512)));  // nothing to compare
  CHECK_FALSE(agree(parse_integrity("sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA="), both));
  // A SHA-1 that is the same says nothing where SHA-512 differs.
  const auto other = parse_integrity("sha512-" + std::string(86, 'A') + "== sha1-W4o6d2Xf4AEmHd6RVYnngvjJTR4=");
  REQUIRE(other.size() == 2);
  CHECK_FALSE(agree(other, both));
  CHECK_FALSE(agree(both, other));
  CHECK(agree(other, sha1));
  auto either = other;
  either.insert(either.end(), both.begin(), both.end());
  CHECK(agree(either, both));
  CHECK(agree(both, either));
  CHECK(test::code_of([] { return parse_integrity("sha512-AAAA"); }) == ErrorCode::malformed);
  CHECK(test::code_of([] { return parse_integrity("sha1-*"); }) == ErrorCode::malformed);
  CHECK_FALSE(strongest({}));
}

TEST_CASE("npmrc is read as npm reads it", "[ecosystem][npm][npmrc]") {
  const auto settings = parse_npmrc("; comment\n# another\nregistry = https://a.example/npm/ ; why\n"
                                    "//a.example/npm/:_authToken=${TOKEN}\n//b.example/:_authToken=\"x;y\"\n"
                                    "@scope:registry=${NONE}/x\nempty=${NONE?}\nca[]=a\nflag\n=x\n[section]\nlost=1\n",
                                    {{"TOKEN", "secret"}}, "npmrc");
  CHECK(settings.at("registry") == "https://a.example/npm/");
  CHECK(settings.at("//a.example/npm/:_authToken") == "secret");
  CHECK(settings.at("//b.example/:_authToken") == "x;y");
  CHECK(settings.at("@scope:registry") == "${NONE}/x");
  CHECK(settings.at("empty").empty());
  CHECK(settings.size() == 5);
}

TEST_CASE("a missed name becomes an entry, and a hostile one nothing", "[ecosystem][npm][wanted]") {
  const auto packages = [](std::string_view name) { return wanted(name).request->values.at("packages").at(0); };
  CHECK(packages("left-pad") == "left-pad");
  CHECK(packages("@scope/name@1.0.0") == "@scope/name@1.0.0");
  CHECK(packages("left-pad@next") == "left-pad@next");
  CHECK_FALSE(wanted("../x").request);
  CHECK_FALSE(wanted("x@file:y").request);
  CHECK_FALSE(wanted("").request);
}

}  // namespace airlock::ecosystem::npm
