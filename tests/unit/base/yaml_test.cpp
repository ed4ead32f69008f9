#include "base/yaml.hpp"

#include "base/files.hpp"
#include "support/errors.hpp"

using namespace airlock::base;
using airlock::test::code_of;
using airlock::test::error_of;

namespace {

YamlNode parse(std::string_view text) {
  return parse_yaml(text, "m.yaml");
}

const YamlNode& at(const YamlNode& node, std::string_view key) {
  const YamlNode* const found = node.find(key);
  REQUIRE(found != nullptr);
  return *found;
}

constexpr std::string_view k_example = R"(name: site-a   # a comment
platforms: [linux/amd64]
images:
  - docker.io/library/debian:12
  - { ref: "registry.example:5000/team/app", tags: '1.*', newest: 2 }
empty:
tilde: ~
on: true
text: |
  two
  lines
)";

}  // namespace

TEST_CASE("a manifest is read into nodes in order", "[base][yaml]") {
  const YamlNode root = parse(k_example);
  REQUIRE(root.is_mapping());
  CHECK(root.members().size() == 7);
  CHECK(root.members()[1].first.scalar() == "platforms");
  CHECK(at(root, "name").scalar() == "site-a");
  const auto& images = at(root, "images").items();
  REQUIRE(images.size() == 2);
  CHECK(images[0].scalar() == "docker.io/library/debian:12");
  CHECK(at(images[1], "tags").scalar() == "1.*");
  CHECK(at(images[1], "newest").as_uint("newest") == 2);
  CHECK(at(root, "empty").is_null());
  CHECK(at(root, "tilde").is_null());
  CHECK(at(root, "on").as_bool("on"));
  CHECK(at(root, "text").scalar() == "two\nlines\n");
  CHECK(root.find("absent") == nullptr);
}

TEST_CASE("every node knows its line and column", "[base][yaml]") {
  const YamlNode root = parse(k_example);
  CHECK(root.position().to_string() == "m.yaml:1:1");
  CHECK(at(root, "name").position().to_string() == "m.yaml:1:7");
  CHECK(root.members()[2].first.position().to_string() == "m.yaml:3:1");
  CHECK(at(root, "images").items()[0].position().to_string() == "m.yaml:4:5");
  CHECK(at(at(root, "images").items()[1], "newest").position().to_string() == "m.yaml:5:67");
}

TEST_CASE("quotes are remembered", "[base][yaml]") {
  const YamlNode root = parse("a: 1.10\nb: \"1.10\"\nc: '~'\nd: \"\"");
  CHECK_FALSE(at(root, "a").quoted());
  CHECK(at(root, "b").quoted());
  CHECK(at(root, "c").scalar() == "~");
  CHECK(at(root, "d").is_scalar());
  CHECK(at(root, "d").scalar().empty());
}

TEST_CASE("JSON is YAML", "[base][yaml]") {
  const YamlNode root = parse(R"({"a": ["x", 1, true, null], "b": {"c": "\u00e4\n"}})");
  CHECK(at(root, "a").items().size() == 4);
  CHECK(at(root, "a").items()[3].is_null());
  CHECK(at(at(root, "b"), "c").scalar() == "ä\n");
}

TEST_CASE("an empty file is null", "[base][yaml]") {
  CHECK(parse("").is_null());
  CHECK(parse("# only a comment\n").is_null());
  CHECK(parse("---\n").is_null());
}

TEST_CASE("typed reading names the thing and its place when it does not fit", "[base][yaml]") {
  const YamlNode root =
      parse("text: x\nlist: [a, b]\nmixed: [a, [b]]\nnumber: 17\nquoted: \"17\"\nnone:\nflag: false\n");
  CHECK(at(root, "text").as_string("text") == "x");
  CHECK(at(root, "number").as_string("number") == "17");
  CHECK(at(root, "number").as_uint("number") == 17);
  CHECK_FALSE(at(root, "flag").as_bool("flag"));
  CHECK(at(root, "text").as_strings("text") == std::vector<std::string>{"x"});
  CHECK(at(root, "list").as_strings("list") == std::vector<std::string>{"a", "b"});

  const Error error = error_of([&] { return at(root, "list").as_string("the name"); });
  CHECK(error.code() == ErrorCode::manifest);
  CHECK(error.message() == "the name must be a text");
  REQUIRE(error.position());
  CHECK(error.position()->to_string() == "m.yaml:2:7");
  CHECK(code_of([&] { return at(root, "none").as_string("x"); }) == ErrorCode::manifest);
  CHECK(code_of([&] { return at(root, "none").as_strings("x"); }) == ErrorCode::manifest);
  CHECK(code_of([&] { return at(root, "mixed").as_strings("x"); }) == ErrorCode::manifest);
  CHECK(code_of([&] { return at(root, "text").as_bool("x"); }) == ErrorCode::manifest);
  CHECK(code_of([&] { return at(root, "quoted").as_uint("x"); }) == ErrorCode::manifest);
}

TEST_CASE("only plain numbers are numbers and only true and false are booleans", "[base][yaml]") {
  for (const char* const bad : {"-1", "+1", "1.0", "0x10", "010", "1_000", "18446744073709551616", "''", "one", "[]"}) {
    CAPTURE(bad);
    CHECK(code_of([&] { return parse(bad).as_uint("x"); }) == ErrorCode::manifest);
  }
  CHECK(parse("0").as_uint("x") == 0);
  CHECK(parse("18446744073709551615").as_uint("x") == UINT64_MAX);
  for (const char* const bad : {"yes", "on", "True", "1", "\"true\"", "~"}) {
    CAPTURE(bad);
    CHECK(code_of([&] { return parse(bad).as_bool("x"); }) == ErrorCode::manifest);
  }
}

TEST_CASE("a tree prints to YAML that parses to an equal tree", "[base][yaml]") {
  const std::string text = GENERATE(values<std::string>(
      {std::string(k_example), "[]", "{}", "~", "x", "[[[1, 2], []], {}]", "a: {b: {c: [1, {d: 2}]}}",
       "- - a\n- b: 1\n  c: 2\n", "'null': 'x'\n'': \"\"\n'a: b': ' lead'\n'#': '- x'\n'<<': 1\n",
       "\"\\n\\t\\x01\\\"\\\\\": \"\\u2028ä\"", "'true': 'true'\n'1': '1'",
       "- '...'\n- '---'\n- '!x'\n- '&x'\n- '*x'\n- '%x'\n- '@x'\n- '`x'\n- '|'\n- '>'\n- 'a:'\n- ':a'"}));
  CAPTURE(text);
  const YamlNode tree = parse(text);
  CAPTURE(tree.to_yaml());
  CHECK(parse(tree.to_yaml()).same_value(tree));
}

TEST_CASE("a made tree prints like a read one", "[base][yaml]") {
  std::vector<std::pair<YamlNode, YamlNode>> members;
  members.emplace_back(YamlNode::make_scalar("name"), YamlNode::make_scalar("site-a"));
  members.emplace_back(YamlNode::make_scalar("list"),
                       YamlNode::make_sequence({YamlNode::make_scalar("a b"), YamlNode::make_scalar("")}));
  members.emplace_back(YamlNode::make_scalar(std::string(2000, 'k')), YamlNode::make_sequence({YamlNode()}));
  const YamlNode tree = YamlNode::make_mapping(std::move(members));
  CHECK(tree.to_yaml().starts_with("name: site-a\nlist:\n  - \"a b\"\n  - \"\"\n? k"));
  CHECK(parse(tree.to_yaml()).same_value(tree));
}

TEST_CASE("values are compared without positions, quotes and the order of members", "[base][yaml]") {
  CHECK(parse("{a: 1, b: [x, y]}").same_value(parse("b:\n  - x\n  - 'y'\na: \"1\"")));
  CHECK_FALSE(parse("[x, y]").same_value(parse("[y, x]")));
  CHECK_FALSE(parse("{a: 1}").same_value(parse("{a: 1, b: 2}")));
  CHECK_FALSE(parse("{a: 1}").same_value(parse("{b: 1}")));
  CHECK_FALSE(parse("null").same_value(parse("'null'")));
  CHECK_FALSE(parse("[]").same_value(parse("{}")));
}

TEST_CASE("a file is read with its path in the positions", "[base][yaml]") {
  const TempDir dir;
  const auto path = dir.path() / "m.yaml";
  CHECK(code_of([&] { return read_yaml_file(path); }) == ErrorCode::not_found);
  write_file_atomic(path, "a: 1\nb: [\n");
  const Error error = error_of([&] { return read_yaml_file(path); });
  CHECK(error.code() == ErrorCode::manifest);
  REQUIRE(error.position());
  CHECK(error.position()->file == path.native());
  write_file_atomic(path, "a: 1\r\nb: 2\r\n");
  CHECK(read_yaml_file(path).members().size() == 2);
}
