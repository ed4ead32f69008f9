#include "model/version.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace airlock::model {

namespace {
Version version(std::string_view text) {
  const auto parsed = Version::parse(text);
  REQUIRE(parsed);
  return *parsed;
}
}  // namespace

TEST_CASE("versions order as Semantic Versioning 2.0.0 section 11 lists them", "[model][version]") {
  const std::vector<std::string> ascending = {"1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
                                              "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",       "1.0.0",
                                              "1.0.1",        "1.9.0",         "1.10.0",           "2.0.0"};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    for (std::size_t k = 0; k < ascending.size(); ++k) {
      INFO(ascending[i] << " and " << ascending[k]);
      CHECK((version(ascending[i]) < version(ascending[k])) == (i < k));
      CHECK((version(ascending[i]) == version(ascending[k])) == (i == k));
    }
  }
}

TEST_CASE("versions may have any number of parts and a leading v", "[model][version]") {
  CHECK(version("v1.2") == version("1.2.0"));
  CHECK(version("1") < version("1.0.0.1"));
  CHECK(version("2024.01.5") == version("2024.1.5"));
  CHECK(version("1.2").text() == "1.2");
}

TEST_CASE("numbers of a version have no limit", "[model][version]") {
  CHECK(version("1.99999999999999999999999999") < version("1.100000000000000000000000000"));
  CHECK(version("1.0.0-99999999999999999999999") < version("1.0.0-100000000000000000000000"));
}

TEST_CASE("build metadata makes no difference between versions", "[model][version]") {
  CHECK(version("1.30.4+k3s1") == version("1.30.4+k3s2"));
  CHECK_FALSE(version("1.30.4+k3s1").is_prerelease());
  CHECK(version("1.30.4-rc1+k3s1").is_prerelease());
}

TEST_CASE("text that is no version is not parsed", "[model][version]") {
  const std::string text = GENERATE(as<std::string>{}, "", "v", "latest", "1.", ".1", "1..2", "1.x", "1.2-", "1.2+",
                                    "1.2-a..b", "1.2 ", "-1", "1,2", "1.2-ä");
  INFO(text);
  CHECK_FALSE(Version::parse(text));
}

}  // namespace airlock::model
