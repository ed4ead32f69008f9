#include "ecosystem/pypi/version.hpp"

#include <algorithm>

#include "support/catch.hpp"

namespace airlock::ecosystem::pypi {

namespace {
Version version(std::string_view text) {
  const auto parsed = Version::parse(text);
  INFO(text);
  REQUIRE(parsed);
  return *parsed;
}
bool contains(std::string_view specifiers, std::string_view text) {
  const auto set = SpecifierSet::parse(specifiers);
  INFO(specifiers);
  REQUIRE(set);
  return set->contains(version(text), text);
}
}  // namespace

TEST_CASE("versions are ordered as PEP 440 says", "[ecosystem][pypi]") {
  const std::vector<std::string> ordered = {"1.dev0",
                                            "1.0.dev456",
                                            "1.0a1",
                                            "1.0a2.dev456",
                                            "1.0a12.dev456",
                                            "1.0a12",
                                            "1.0b1.dev456",
                                            "1.0b2",
                                            "1.0b2.post345.dev456",
                                            "1.0b2.post345",
                                            "1.0rc1.dev456",
                                            "1.0rc1",
                                            "1.0",
                                            "1.0+abc.5",
                                            "1.0+abc.7",
                                            "1.0+5",
                                            "1.0.post456.dev34",
                                            "1.0.post456",
                                            "1.0.15",
                                            "1.1.dev1",
                                            "2012.4",
                                            "1!0.1"};
  for (std::size_t i = 0; i + 1 < ordered.size(); ++i) {
    INFO(ordered[i] << " < " << ordered[i + 1]);
    CHECK(version(ordered[i]) < version(ordered[i + 1]));
  }
}

TEST_CASE("spellings are normalised", "[ecosystem][pypi]") {
  CHECK(version("v1.0-Alpha.1").to_string() == "1.0a1");
  CHECK(version("1.0-1").to_string() == "1.0.post1");
  CHECK(version("1.0.c2.rev3-dev").to_string() == "1.0rc2.post3.dev0");
  CHECK(version("  01.002 ").to_string() == "1.2");
  CHECK(version("2!1.0+Ubuntu-1_2").to_string() == "2!1.0+ubuntu.1.2");
  CHECK(version("1.0") == version("1.0.0"));
}

TEST_CASE("what is no version is none", "[ecosystem][pypi]") {
  for (const char* text : {"", "latest", "1.0-", "1..0", "1.0+", "1.0+a..b", "1.0 beta x", "2004d", "1!", "-1",
                           "99999999999999999999", "1.0.post99999999999999999999999"}) {
    INFO(text);
    CHECK_FALSE(Version::parse(text));
  }
  CHECK_FALSE(Version::parse(std::string(300, '1')));
  // "1a0+…" would be a byte too long to be read again.
  CHECK_FALSE(Version::parse("1a+" + std::string(253, 'x')));
  CHECK(version("1a+" + std::string(252, 'x')).to_string().size() == 256);
}

TEST_CASE("specifiers take what they say", "[ecosystem][pypi]") {
  CHECK(contains("~=2.2", "2.9"));
  CHECK_FALSE(contains("~=2.2", "3.0"));
  CHECK(contains("~=1.4.5a4", "1.4.9"));
  CHECK(contains("==1.1.*", "1.1.post1"));
  CHECK(contains("==1.1", "1.1+local"));
  CHECK_FALSE(contains("==1.1+a", "1.1"));
  CHECK_FALSE(contains(">1.7", "1.7.post2"));
  CHECK_FALSE(contains(">1.7", "1.7+x"));
  CHECK(contains(">1.7.post1", "1.7.post2"));
  CHECK_FALSE(contains("<3.1", "3.1.dev0"));
  CHECK(contains("!=1.5,>=1.0,<2", "1.6"));
  CHECK_FALSE(contains("!=1.5,>=1.0,<2", "1.5"));
  CHECK(contains("===1.0", "1.0"));
  CHECK_FALSE(contains("===1.0", "1.0.0"));
  CHECK(contains("", "0.1"));
  for (const char* text : {">=1.*", "~=1", "1.0", "=1.0", ">1.0+x", "==1.0a1.*", "== ", "===", ">=1.0;"}) {
    INFO(text);
    CHECK_FALSE(SpecifierSet::parse(text));
  }
}

}  // namespace airlock::ecosystem::pypi
