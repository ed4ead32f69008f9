#include "ecosystem/tool/template.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::tool {

namespace {
Template parsed(std::string_view text) {
  return Template::parse(text, {.file = "r.yaml", .line = 3, .column = 6});
}
}  // namespace

TEST_CASE("variables are put in, percent-encoded in URLs", "[ecosystem][tool]") {
  const Variables variables = {{"version", "1.30.4+k3s1"}, {"os", "linux"}, {"url", "https://h.example/a+b"}};
  const Template text = parsed("https://h.example/v{version}/{os}%2F{os}");
  CHECK(text.expand(variables, Template::For::url) == "https://h.example/v1.30.4%2Bk3s1/linux%2Flinux");
  CHECK(text.expand(variables, Template::For::name) == "https://h.example/v1.30.4+k3s1/linux%2Flinux");
  CHECK(parsed("{url}.sha256").expand(variables, Template::For::url) == "https://h.example/a+b.sha256");
  CHECK(parsed("").expand(variables, Template::For::url).empty());
}

TEST_CASE("a variable that has no value is named", "[ecosystem][tool]") {
  CHECK(test::code_of([] { return parsed("{checksums}.sig").expand({}, Template::For::url); }) ==
        base::ErrorCode::manifest);
}

TEST_CASE("templates know what they depend on", "[ecosystem][tool]") {
  CHECK(parsed("a-{version}").uses("version"));
  CHECK_FALSE(parsed("a-{version}").uses_platform());
  CHECK(parsed("a{exe}").uses_platform());
  CHECK(parsed("{goarch}").uses_platform());
}

TEST_CASE("malformed templates are refused with the place and a suggestion", "[ecosystem][tool]") {
  const auto [text, hint] = GENERATE(table<std::string, std::string>({{"{verson}", "{version}"},
                                                                      {"{plattform}", "known are"},
                                                                      {"a{os", "known are"},
                                                                      {"a}b", "known are"},
                                                                      {"{}", "known are"},
                                                                      {"{{os}}", "{os}"}}));
  const auto error = test::error_of([&] { return parsed(text); });
  CHECK(error.code() == base::ErrorCode::manifest);
  CHECK(error.position()->line == 3);
  CHECK(error.hint().find(hint) != std::string::npos);
}

}  // namespace airlock::ecosystem::tool
