#include "base/toml.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"

using namespace airlock::base;
using airlock::test::code_of;
using airlock::test::error_of;

namespace {

// `part` that often, with `between` in between.
std::string key(std::size_t parts, const std::string& part = "a", const std::string& between = ".") {
  std::string text;
  for (std::size_t i = 0; i < parts; ++i) {
    text += (i == 0 ? "" : between) + part;
  }
  return text;
}

Json parse(const std::string& text) {
  return parse_toml(text, "x.toml");
}

}  // namespace

TEST_CASE("TOML becomes the values that JSON has", "[base][toml]") {
  CHECK(parse("a.b = 1\n[t]\nx = [1.5, true, 'y']\nd = 1979-05-27T07:32:00.999Z\n").dump() ==
        R"({"a":{"b":1},"t":{"d":"1979-05-27T07:32:00.999Z","x":[1.5,true,"y"]}})");
  const Error error = error_of([] { return parse("a = 1\nb = = 2\n"); });
  CHECK(error.code() == ErrorCode::manifest);
  CHECK(error.position()->line == 2);
}

TEST_CASE("a key of very many parts is refused before it becomes that many tables", "[base][toml]") {
  const std::size_t many = 100'000;
  const std::string long_key = key(many);
  for (const std::string& text :
       {long_key + " = 1", "[" + long_key + "]", "[[" + long_key + "]]", key(many, "a", " . ") + " = 1",
        key(many, "\"#\\\"\n\"") + " = 1", key(many, "'#=,'", "\t.") + " = 1", "x = { " + long_key + " = 1 }",
        "x = {a = \"\"\"b\"\"\"\", " + long_key + " = 1}", "x = \"\\\\\" # \"\n" + long_key + " = 1",
        "x = '\\' # '\n" + long_key + " = 1", "x = '''\n\"'''\n" + long_key + " = 1",
        key(200, key(500) + " = ", "{") + "1" + std::string(199, '}')}) {
    INFO(text.substr(0, 60));
    CHECK(code_of([&] { return parse(text); }) == ErrorCode::limit);
  }
  CHECK(error_of([&] { return parse("a = 1\n\n" + long_key + " = 1"); }).position()->line == 3);
}

TEST_CASE("many dots that are no key's are taken", "[base][toml]") {
  const std::string dots(2000, '.');
  const std::string text = "a = [" + key(2000, "1.5", ", ") + "]\nb = \"" + dots + "\\\"" + dots + "\"\nc = '" + dots +
                           "'\nd = \"\"\"" + dots + "\"\n" + dots + "\"\"\"\"\"\n# " + dots + "\ne = [" +
                           key(1000, "{x.y = 1.5}", ",\n") + "]\nf = '''" + dots + "\n'''\n" +
                           "'g.h' = 1979-05-27T07:32:00.5\n";
  const Json document = parse(text);
  CHECK(document["a"].size() == 2000);
  CHECK(document["b"] == dots + "\"" + dots);
  CHECK(document["d"] == dots + "\"\n" + dots + "\"\"");
  CHECK(document["e"].size() == 1000);
  CHECK(document["g.h"] == "1979-05-27T07:32:00.5");
}
