#include "model/flat_json.hpp"

#include <map>

#include "base/json.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::model {

namespace {

std::map<std::string, std::string> read(std::string_view text) {
  FlatJsonReader reader(text, "test");
  std::map<std::string, std::string> members;
  std::string_view name;
  while (reader.next(name)) {
    const std::string key(name);
    members[key] = key == "n" ? std::to_string(reader.number_value()) : reader.string_value();
  }
  return members;
}

}  // namespace

TEST_CASE("flat objects are read with escapes and numbers", "[model][flat_json]") {
  const auto members = read(R"( { "a" : "x\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00ü" , "n":12345678901 } )");
  CHECK(members.at("a") == "x\"\\/\b\f\n\r\t\xc3\xa4\xf0\x9f\x98\x80ü");
  CHECK(members.at("n") == "12345678901");
  CHECK(read("{}").empty());
}

TEST_CASE("what is not a flat object is refused", "[model][flat_json]") {
  const std::string text = GENERATE(
      as<std::string>{}, "", "[]", "{", R"({"a")", R"({"a":)", R"({"a":"x")", R"({"a":"x"}})", R"({"a":"x"} y)",
      R"({"a":"x",})", R"({"a":"x" "b":"y"})", R"({,"a":"x"})", R"({"a":["x"]})", R"({"a":{}})", R"({"a":null})",
      R"({"a":true})", R"({"a":1})", R"({"n":"1"})", R"({"n":-1})", R"({"n":01})", R"({"n":1.5})", R"({"n":1e3})",
      R"({"n":9007199254740992})", R"({"a":"\x"})", R"({"a":"\u12"})", R"({"a":"\u0000"})", R"({"a":"\ud800"})",
      R"({"a":"\ud800\u0041"})", R"({"a":"\udc00"})", R"({"\u0061":"x"})", "{\"a\":\"\x01\"}", "{\"a\":\"\xff\"}",
      "{\"a\":\"\xc0\x80\"}", "\xef\xbb\xbf{}");
  INFO(text);
  CHECK(test::code_of([&] { return read(text); }) == base::ErrorCode::malformed);
}

TEST_CASE("strings are written as a JSON library writes them", "[model][flat_json]") {
  std::string text = "plain ü \xf0\x9f\x98\x80 \"quoted\" back\\slash";
  for (char c = 1; c < 32; ++c) {
    text += c;
  }
  text += '\x7f';
  std::string written;
  append_json_string(written, text);
  CHECK(written == base::Json(text).dump());
  CHECK(read("{\"a\":" + written + "}").at("a") == text);
}

}  // namespace airlock::model
