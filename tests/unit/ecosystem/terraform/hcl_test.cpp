#include "ecosystem/terraform/hcl.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::terraform {

TEST_CASE("blocks, labels and literals are read with their places", "[ecosystem][terraform]") {
  const HclBlock root = parse_hcl("\xef\xbb\xbf# comment\n// another\n/* and\n one */ a = \"x\\\"y\\n$${z}\"\r\n"
                                  "outer \"one\" two {\n  list = [\"p\", \"q\",\n    # inside\n  ]\n"
                                  "  object = { k = \"v\", \"quoted\" : [\"w\"]\n  last = aws.west }\n  inner {}\n}\n",
                                  "m.tf");
  REQUIRE(root.find("a"));
  CHECK(root.find("a")->text == "x\"y\n${z}");
  REQUIRE(root.blocks.size() == 1);
  const HclBlock& outer = root.blocks[0];
  CHECK(outer.type == "outer");
  CHECK(outer.labels == std::vector<std::string>{"one", "two"});
  CHECK(outer.position.line == 5);
  CHECK(outer.position.column == 1);
  REQUIRE(outer.find("list"));
  CHECK(outer.find("list")->items.size() == 2);
  const HclValue* object = outer.find("object");
  REQUIRE(object);
  CHECK(object->kind == HclValue::Kind::object);
  CHECK(object->find("k")->text == "v");
  CHECK(object->find("quoted")->items[0].text == "w");
  CHECK(object->find("last")->kind == HclValue::Kind::other);
  CHECK(object->find("last")->text == "aws");
  CHECK(object->find("none") == nullptr);
  CHECK(outer.blocks.size() == 1);
}

TEST_CASE("what must be computed is passed over whole", "[ecosystem][terraform]") {
  const std::string expression = GENERATE(
      as<std::string>{}, "1 + 2", "-1", "true", "var.x[0].y", "f(a, \"b}\", [1, 2])", "\"a${b[\"}\"]}c\"",
      "\"a\" == b ? c : d", "[for k, v in x : k if v != \"]\"]", "{ for k in x : k => upper(k) }",
      "<<EOF\n } not a block {\nEOF", "<<-END\n  text \"\n  END", "{ (a) = 1 }", "{ a = 1\n b = [\n { c = \"d\" } ] }",
      "a < b", "[a, b...]", "1.5e3", "\"%{ if a }x%{ endif }\"", "x.*.y", "!a && b", "(\n a\n )");
  INFO(expression);
  const HclBlock root =
      parse_hcl("x = " + expression + "\nafter = \"here\"\nblock \"l\" {\n y = " + expression + "\n}\n", "m.tf");
  REQUIRE(root.find("x"));
  REQUIRE(root.find("after"));
  CHECK(root.find("after")->text == "here");
  REQUIRE(root.blocks.size() == 1);
  CHECK(root.blocks[0].find("y") != nullptr);
}

TEST_CASE("what is no HCL is refused by place", "[ecosystem][terraform]") {
  const std::string text =
      GENERATE(as<std::string>{}, "a", "a {", "}", "a = \"x", "a = \"x\ny\"", "a = [", "a = (]", "\"a\" = 1",
               "a \"b\" = 1", "/* x", "a = <<EOF\nx", "a = \"${b\"", "= 1", "a {\n b\n}", "a = \"\\", "\x01");
  INFO(text);
  const auto error = test::error_of([&] { return parse_hcl("\n" + text, "m.tf"); });
  CHECK(error.code() == base::ErrorCode::manifest);
  REQUIRE(error.position());
  CHECK(error.position()->line >= 2);
}

TEST_CASE("depth is limited", "[ecosystem][terraform]") {
  std::string blocks, lists, strings = "a = ";
  for (int i = 0; i < 200; ++i) {
    blocks += "a {\n";
    lists += "[";
    strings += "\"${";
  }
  CHECK(test::code_of([&] { return parse_hcl(blocks, "m"); }) == base::ErrorCode::limit);
  CHECK(test::code_of([&] { return parse_hcl("a = " + lists, "m"); }) == base::ErrorCode::limit);
  CHECK(test::code_of([&] { return parse_hcl(strings, "m"); }) == base::ErrorCode::manifest);
  CHECK(test::code_of([&] { return parse_hcl(std::string(5 << 20, ' '), "m"); }) == base::ErrorCode::limit);
}

}  // namespace airlock::ecosystem::terraform
