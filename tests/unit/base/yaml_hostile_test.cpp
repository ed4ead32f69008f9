#include "base/yaml.hpp"
#include "support/errors.hpp"

using namespace airlock::base;
using airlock::test::error_of;

namespace {

void check_refused(std::string_view text, int line = 0) {
  CAPTURE(text.substr(0, 100));
  const Error error = error_of([&] { return parse_yaml(text, "m.yaml"); });
  CHECK(error.code() == ErrorCode::manifest);
  REQUIRE(error.position());
  CHECK(error.position()->file == "m.yaml");
  if (line > 0) {
    CHECK(error.position()->line == line);
  }
}

std::string repeat(std::string_view text, std::size_t count) {
  std::string result;
  for (std::size_t i = 0; i < count; ++i) {
    result += text;
  }
  return result;
}

}  // namespace

TEST_CASE("broken YAML is refused with its place", "[base][yaml]") {
  check_refused("a: [1, 2\nb: 3", 2);
  check_refused("a: 1\n b: 2", 2);
  check_refused("a: \"open", 1);
  check_refused("\ta: 1");
  check_refused("a: 1\n}");
  check_refused("a: b: c", 1);
  check_refused("{a: 1, b");
}

TEST_CASE("anchors, aliases, merge keys and tags are refused", "[base][yaml]") {
  check_refused("a: &x 1\nb: 2", 1);
  check_refused("a: 1\nb: *x", 2);
  check_refused("a: &x [1]\nb: *x", 1);
  check_refused("a: &x {b: 1}", 1);
  check_refused("a: &x ~", 1);
  check_refused("&x a: 1", 1);
  check_refused("x: 1\n<<: {a: 1}", 2);
  check_refused("a: !!binary aGk=", 1);
  check_refused("a: !custom x", 1);
  check_refused("a: !!python/object/apply:os.system [x]", 1);
  check_refused("a: !<tag:yaml.org,2002:str> x", 1);
  check_refused("!!map {a: 1}", 1);
  check_refused("%TAG ! tag:x.example,2000:\n---\na: !y 1");
}

TEST_CASE("a key twice is refused, however it is written", "[base][yaml]") {
  check_refused("a: 1\nb: 2\na: 3", 3);
  check_refused("{a: 1, 'a': 2}", 1);
  check_refused("x:\n  - {b: 1, \"\\x62\": 2}", 2);
}

TEST_CASE("keys must be texts", "[base][yaml]") {
  check_refused("[a, b]: 1", 1);
  check_refused("{a: 1}: 1", 1);
  check_refused("~: 1", 1);
  check_refused("? \n: 1");
  check_refused("? [a]\n: 1");
}

TEST_CASE("a second document is refused", "[base][yaml]") {
  check_refused("a: 1\n---\nb: 2", 2);
  check_refused("a\n---\n");
  CHECK_NOTHROW(parse_yaml("---\na: 1\n...\n", "m.yaml"));
}

TEST_CASE("deep nesting is refused before it exhausts the stack", "[base][yaml]") {
  CHECK_NOTHROW(parse_yaml(repeat("[", 32) + repeat("]", 32), "m.yaml"));
  check_refused(repeat("[", 33) + repeat("]", 33), 1);
  check_refused(repeat("[", 50'000), 1);
  check_refused(repeat("{a: ", 50'000), 1);
  check_refused(repeat("[{a: ", 50'000), 1);
  check_refused(repeat("- ", 50'000), 1);
  check_refused(repeat("? ", 50'000), 1);
  std::string steps;
  for (std::size_t i = 0; i < 1000; ++i) {
    steps += std::string(i, ' ') + "a:\n";
  }
  check_refused(steps, 33);
}

TEST_CASE("bytes that are no text are refused", "[base][yaml]") {
  check_refused("a: \xFF");
  check_refused(std::string("a: \0", 4));
  check_refused("a: \x1B[31m", 1);
  check_refused("a: 1\nb: \x7F", 2);
  check_refused("\xFF\xFE"
                "a");
  check_refused("a: \"\\0\"", 1);
  check_refused("a: \"\\ud800\"", 1);
  check_refused("a: \"\\q\"", 1);
  check_refused("a: \"\\_\"", 1);
  check_refused("a: \"\\N\"", 1);
}

TEST_CASE("a byte order mark of UTF-8 is passed over", "[base][yaml]") {
  CHECK(parse_yaml("\xEF\xBB\xBF"
                   "a: 1",
                   "m.yaml")
            .find("a") != nullptr);
}

TEST_CASE("a file beyond the size limit is refused", "[base][yaml]") {
  check_refused(std::string(16 * 1024 * 1024 + 1, ' '));
}
