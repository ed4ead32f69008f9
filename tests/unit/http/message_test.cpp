#include "http/message.hpp"

#include "support/catch.hpp"

namespace airlock::http {

TEST_CASE("header fields compare without case and keep their order", "[http][message]") {
  Headers headers{{"Accept", "a"}, {"X-One", "1"}};
  headers.add("accept", "b");
  CHECK(headers.find("ACCEPT") == "a");
  CHECK(headers.all("accept") == std::vector<std::string>{"a", "b"});
  CHECK_FALSE(headers.find("Accept-Encoding").has_value());

  headers.set("accept", "c");
  CHECK(headers.all("Accept") == std::vector<std::string>{"c"});
  CHECK(headers.fields().front().first == "X-One");

  headers.remove("x-one");
  CHECK(headers.fields().size() == 1);
}

TEST_CASE("statuses have their texts and unknown ones none", "[http][message]") {
  CHECK(status_text(404) == "Not Found");
  CHECK(status_text(416) == "Range Not Satisfiable");
  CHECK(status_text(599).empty());
}

TEST_CASE("challenges are read with quoted values, several schemes and token68", "[http][message]") {
  const auto challenges = parse_challenges(
      "Bearer "
      "realm=\"https://auth.registry.example/token\",service=\"registry.example\",scope=\"a:pull,push\", "
      "Negotiate oYGS==, BASIC Realm = \"x \\\"y\\\"\" , charset=UTF-8");
  REQUIRE(challenges.size() == 3);
  CHECK(challenges[0].scheme == "bearer");
  CHECK(challenges[0].parameter("realm") == "https://auth.registry.example/token");
  CHECK(challenges[0].parameter("scope") == "a:pull,push");
  CHECK_FALSE(challenges[0].parameter("charset").has_value());
  CHECK(challenges[1].scheme == "negotiate");
  CHECK(challenges[1].parameters.empty());
  CHECK(challenges[2].scheme == "basic");
  CHECK(challenges[2].parameter("realm") == "x \"y\"");
  CHECK(challenges[2].parameter("charset") == "UTF-8");
}

TEST_CASE("what is malformed in a challenge is left out", "[http][message]") {
  CHECK(parse_challenges("").empty());
  CHECK(parse_challenges(" , ,,").empty());
  CHECK(parse_challenges("=\"x\"").empty());
  CHECK(parse_challenges("realm=\"x\"").empty());

  const auto unclosed = parse_challenges("Bearer realm=\"x, scope=\"");
  REQUIRE(unclosed.size() == 1);
  CHECK(unclosed[0].parameter("realm") == "x, scope=");

  const auto cut = parse_challenges("Bearer realm=\"no end");
  REQUIRE(cut.size() == 1);
  CHECK(cut[0].parameters.empty());

  const auto rest = parse_challenges("Bearer service=ok, @@, realm=\"r\"");
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].parameter("service") == "ok");
  CHECK(rest[0].parameter("realm") == "r");
}

}  // namespace airlock::http
