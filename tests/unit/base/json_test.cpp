#include "base/json.hpp"

#include "support/errors.hpp"

using namespace airlock::base;
using airlock::test::code_of;
using airlock::test::error_of;

namespace {

Json parse(std::string_view text, const JsonLimits& limits = {}, Numbers numbers = Numbers::any) {
  return parse_json(text, "the document", limits, numbers);
}

std::string nested(std::size_t depth, std::string_view open, std::string_view close) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) {
    text += open;
  }
  text += "1";
  for (std::size_t i = 0; i < depth; ++i) {
    text += close;
  }
  return text;
}

}  // namespace

TEST_CASE("a document is read as it stands", "[base][json]") {
  const Json json = parse(R"( {"a": [1, -2, 1.5, true, null, "ä\u00e4\ud83d\ude00"], "b": {"c": {}}, "d": []} )");
  CHECK(json.dump() == R"({"a":[1,-2,1.5,true,null,"ää😀"],"b":{"c":{}},"d":[]})");
  CHECK(parse("7") == 7);
  CHECK(parse("\"x\"") == "x");
  CHECK(parse("\t\r\n null").is_null());
}

TEST_CASE("what is no JSON is refused, with its place", "[base][json]") {
  const std::string bad = GENERATE(values<std::string>({"",
                                                        " ",
                                                        "{",
                                                        "}",
                                                        "[1,]",
                                                        "{\"a\":1,}",
                                                        "{a:1}",
                                                        "{'a':1}",
                                                        "[1 2]",
                                                        "nul",
                                                        "truex",
                                                        "01",
                                                        "1.",
                                                        ".5",
                                                        "+1",
                                                        "0x1",
                                                        "NaN",
                                                        "Infinity",
                                                        "-",
                                                        "1e",
                                                        "\"",
                                                        "\"\\x\"",
                                                        "\"\\u12\"",
                                                        "\"\t\"",
                                                        "\"\n\"",
                                                        "// c\n1",
                                                        "/* c */ 1",
                                                        "[1]]",
                                                        "{} {}",
                                                        "1 x",
                                                        "{\"a\"}",
                                                        "{1:2}",
                                                        "[,1]",
                                                        "{\"a\":1 \"b\":2}",
                                                        "\v1",
                                                        "\xC2\xA0"
                                                        "1"}));
  CAPTURE(bad);
  const Error error = error_of([&] { return parse(bad); });
  CHECK(error.code() == ErrorCode::malformed);
  REQUIRE(error.position());
  CHECK(error.position()->file == "the document");
  CHECK(error.message().starts_with("the document is not valid JSON: "));
}

TEST_CASE("an error in JSON names line and column", "[base][json]") {
  const Error error = error_of([] { return parse("{\n  \"a\": 1,\n  \"b\": x\n}"); });
  REQUIRE(error.position());
  CHECK(error.position()->to_string() == "the document:3:8");
  CHECK(error.message().find("json.exception") == std::string::npos);
  CHECK(error.message().find("line") == std::string::npos);
}

TEST_CASE("a member name twice is refused at any depth", "[base][json]") {
  for (const char* const bad : {R"({"a":1,"a":1})", R"([{"x":{"a":1,"b":2,"a":3}}])", R"({"a":1,"\u0061":2})",
                                R"({"":1,"":2})", R"({"a":{},"b":[],"a":{}})"}) {
    CAPTURE(bad);
    CHECK(code_of([&] { return parse(bad); }) == ErrorCode::malformed);
  }
  CHECK_NOTHROW(parse(R"({"a":{"a":{"a":1}},"b":{"a":1}})"));
}

TEST_CASE("text that readers disagree about is refused", "[base][json]") {
  const std::string bad = GENERATE(
      values<std::string>({"\xEF\xBB\xBF{}", "\"\xFF\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"", "\"\xF5\x80\x80\x80\"",
                           "\"\xC3\"", R"("\ud800")", R"("\udc00")", R"("\ud800\ud800")", R"("\ud800x")",
                           R"("a\u0000b")", R"({"a\u0000":1})", std::string("{}\0", 3), std::string("\0{}", 3),
                           std::string("{}\0garbage", 10), std::string("\"\0\"", 3), "\xFE\xFF", "\xFF\xFE{\0"}));
  CHECK(code_of([&] { return parse(bad); }) == ErrorCode::malformed);
}

TEST_CASE("numbers must be exact for every reader", "[base][json]") {
  CHECK(parse("9007199254740991") == 9007199254740991);
  CHECK(parse("-9007199254740991") == -9007199254740991);
  CHECK(parse("1e3") == 1000.0);
  CHECK(parse("-0") == 0);
  for (const char* const bad :
       {"9007199254740992", "-9007199254740992", "18446744073709551616", "99999999999999999999999",
        "-9223372036854775809", "1e16", "-1e300", "1e999", "-1e999"}) {
    CAPTURE(bad);
    CHECK(code_of([&] { return parse(bad); }) == ErrorCode::malformed);
  }
}

TEST_CASE("where whole numbers are asked for, fractions and exponents are refused", "[base][json]") {
  for (const char* const bad : {"1.5", "1.0", "1e3", "1E0", "-0.0"}) {
    CHECK(code_of([&] { return parse(bad, {}, Numbers::integers); }) == ErrorCode::malformed);
  }
  CHECK(parse("[1,-2]", {}, Numbers::integers).size() == 2);
}

TEST_CASE("the limits hold", "[base][json]") {
  const JsonLimits limits = {.bytes = 100, .depth = 3, .members = 2};
  CHECK_NOTHROW(parse(nested(3, "[", "]"), limits));
  CHECK(code_of([&] { return parse(nested(4, "[", "]"), limits); }) == ErrorCode::limit);
  CHECK(code_of([&] { return parse(nested(4, "{\"a\":", "}"), limits); }) == ErrorCode::limit);
  CHECK_NOTHROW(parse("[1,2]", limits));
  CHECK(code_of([&] { return parse("[1,2,3]", limits); }) == ErrorCode::limit);
  CHECK(code_of([&] { return parse(R"({"a":1,"b":2,"c":3})", limits); }) == ErrorCode::limit);
  CHECK_NOTHROW(parse("[[1,2],[3,4]]", limits));
  CHECK(code_of([&] { return parse(std::string(101, ' '), limits); }) == ErrorCode::limit);

  // All values together: those of containers, and the containers.
  const JsonLimits few = {.values = 5};
  CHECK_NOTHROW(parse("[[],{},[0]]", few));
  CHECK_NOTHROW(parse(R"({"a":{"b":1},"c":[null]})", few));
  for (const char* text : {"[[],{},[0],1]", R"({"a":{"b":1},"c":[null,2]})", "[[],[],[],[],[]]"}) {
    CAPTURE(text);
    CHECK(code_of([&] { return parse(text, few); }) == ErrorCode::limit);
  }
  std::string many = "[";  // no list of them is too long by itself
  for (int i = 0; i < 4; ++i) {
    many += i == 0 ? "[0" : ",[0";
    for (int j = 1; j < 300'000; ++j) {
      many += ",0";
    }
    many += ']';
  }
  CHECK(code_of([&] { return parse(many + "]"); }) == ErrorCode::limit);
}

TEST_CASE("a very deep document is refused without exhausting the stack", "[base][json]") {
  CHECK(code_of([] { return parse(std::string(1'000'000, '[')); }) == ErrorCode::limit);
}

TEST_CASE("a hostile text does not reach the message as it is", "[base][json]") {
  CHECK(error_of([] { return parse("\"\x1B[31m"); }).message().find('\x1B') == std::string::npos);
  CHECK(error_of([] { return parse(R"({"\u001b":1,"\u001b":2})"); }).message().find('\x1B') == std::string::npos);
}

TEST_CASE("members are read with errors that name them", "[base][json]") {
  const Json json = parse(R"({"text": "x", "number": 5, "negative": -5, "half": 0.5, "none": null})");
  CHECK(member(json, "number", "the thing") == 5);
  CHECK(string_member(json, "text", "the thing") == "x");
  CHECK(uint_member(json, "number", "the thing") == 5);
  CHECK(uint_member(Json{{"n", 5}}, "n", "the thing") == 5);
  CHECK(string_member_or(json, "text", "y", "the thing") == "x");
  CHECK(string_member_or(json, "absent", "y", "the thing") == "y");
  CHECK(string_member_or(json, "none", "y", "the thing") == "y");

  CHECK(error_of([&] { return member(json, "absent", "the thing"); }).message() == "the thing has no member 'absent'");
  CHECK(error_of([&] { return string_member(json, "number", "the thing"); }).message() ==
        "the member 'number' of the thing is not a string");
  for (const char* const key : {"absent", "text", "negative", "half", "none"}) {
    CHECK(code_of([&] { return uint_member(json, key, "the thing"); }) == ErrorCode::malformed);
  }
  CHECK(code_of([&] { return string_member_or(json, "number", "y", "the thing"); }) == ErrorCode::malformed);
  CHECK(code_of([] { return member(Json::array(), "a", "the thing"); }) == ErrorCode::malformed);
}
