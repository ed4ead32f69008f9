#include "ecosystem/terraform/constraint.hpp"

#include "support/catch.hpp"

namespace airlock::ecosystem::terraform {

namespace {

bool allows(const std::string& constraint, const std::string& version) {
  const auto parsed = Constraint::parse(constraint);
  REQUIRE(parsed);
  return parsed->allows(*model::Version::parse(version));
}

std::optional<std::string> newest(const std::vector<std::string>& versions,
                                  const std::vector<std::string>& constraints) {
  std::vector<model::Version> all;
  for (const std::string& one : versions) {
    all.push_back(*model::Version::parse(one));
  }
  std::vector<Constraint> parsed;
  for (const std::string& one : constraints) {
    parsed.push_back(*Constraint::parse(one));
  }
  const auto found = newest_allowed(all, parsed);
  return found ? std::optional(found->text()) : std::nullopt;
}

}  // namespace

TEST_CASE("each operator allows what it says", "[ecosystem][terraform]") {
  struct Case {
    const char* constraint;
    std::vector<std::string> allowed, refused;
  };
  const std::vector<Case> cases = {
      {"", {"0.0.1", "9.9.9"}, {"1.0.0-rc1"}},
      {"1.2.3", {"1.2.3", "1.2.3+b"}, {"1.2.4", "1.2.3-rc1"}},
      {"= 1.2", {"1.2.0"}, {"1.2.1"}},
      {"!= 1.2.3", {"1.2.4", "0.1.0"}, {"1.2.3"}},
      {"> 1.2.3", {"1.2.4", "2.0.0"}, {"1.2.3", "1.2.2"}},
      {">= 1.2", {"1.2.0", "9.0.0"}, {"1.1.9"}},
      {"< 2", {"1.9.9"}, {"2.0.0", "2.0.1"}},
      {"<=v2.0.0", {"2.0.0", "1.0.0"}, {"2.0.1"}},
      {"~> 3", {"3.0.0", "3.9.9"}, {"2.9.9", "4.0.0"}},
      {"~> 3.2", {"3.2.0", "3.9.0"}, {"3.1.9", "4.0.0"}},
      {"~> 3.2.1", {"3.2.1", "3.2.99"}, {"3.2.0", "3.3.0"}},
      {"~> 3.9", {"3.9.0", "3.10.0"}, {"4.0.0"}},
      {"~> 1.0.0-beta.2", {"1.0.0", "1.0.9"}, {"1.1.0", "1.0.0-beta.2", "1.0.0-beta.3"}},
      {">= 3.0, != 3.1.0, < 3.3", {"3.0.0", "3.2.9"}, {"3.1.0", "3.3.0"}},
      {"1.0.0-rc.1", {"1.0.0-rc.1"}, {"1.0.0", "1.0.0-rc.2"}},
      {">= 1.0.0-rc.1", {"1.0.0"}, {"1.0.0-rc.1", "1.0.0-rc.2"}},
  };
  for (const Case& one : cases) {
    for (const std::string& version : one.allowed) {
      INFO(one.constraint << " and " << version);
      CHECK(allows(one.constraint, version));
    }
    for (const std::string& version : one.refused) {
      INFO(one.constraint << " and " << version);
      CHECK_FALSE(allows(one.constraint, version));
    }
  }
}

TEST_CASE("what is no constraint is none", "[ecosystem][terraform]") {
  const std::string text =
      GENERATE(as<std::string>{}, ",", "1.0,", "~> ", "=> 1.0", "1.x", "*", "^1.0", "1.2.3.4", "1..2", "1.2-rc1",
               "latest", "> > 1", "1.0 2.0", "~>1234567890123", "1.0 || 2.0", "-1");
  INFO(text);
  CHECK_FALSE(Constraint::parse(text));
}

TEST_CASE("the newest that all allow is taken", "[ecosystem][terraform]") {
  const std::vector<std::string> versions = {"1.9.0", "1.10.0", "2.0.0-beta1", "1.10.1-rc1"};
  CHECK(newest(versions, {}) == "1.10.0");
  CHECK(newest(versions, {"~> 1.0", "< 1.10"}) == "1.9.0");
  CHECK(newest(versions, {"2.0.0-beta1"}) == "2.0.0-beta1");
  CHECK(newest(versions, {"", "2.0.0-beta1"}) == "2.0.0-beta1");
  CHECK_FALSE(newest(versions, {">= 2"}));
  CHECK_FALSE(newest(versions, {"~> 1.9.0", "> 1.9.0"}));
  CHECK_FALSE(newest({}, {}));
}

}  // namespace airlock::ecosystem::terraform
