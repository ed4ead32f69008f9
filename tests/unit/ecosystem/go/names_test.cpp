// Versions, module paths, patterns: what the client takes for the same, and what it refuses.
#include "ecosystem/go/module_path.hpp"
#include "ecosystem/go/version.hpp"
#include "support/catch.hpp"

namespace airlock::ecosystem::go {

TEST_CASE("versions in their order", "[go][version]") {
  const std::vector<std::string> ordered = {"bad",
                                            "v0.0.0-20200101000000-0123456789ab",
                                            "v0.9.0",
                                            "v1.0.0-alpha",
                                            "v1.0.0-alpha.1",
                                            "v1.0.0-alpha.beta",
                                            "v1.0.0-beta.2",
                                            "v1.0.0-beta.11",
                                            "v1.0.0-rc.1",
                                            "v1.0.0",
                                            "v1.2.0",
                                            "v1.10.0",
                                            "v2.0.0+incompatible",
                                            "v18446744073709551616.0.0"};
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    for (std::size_t j = 0; j < ordered.size(); ++j) {
      INFO(ordered[i] << " and " << ordered[j]);
      const int order = compare_versions(ordered[i], ordered[j]);
      CHECK((order < 0) == (i < j));
      CHECK((order == 0) == (i == j));
    }
  }
  CHECK(compare_versions("v2.0.0", "v2.0.0+incompatible") == 0);
}

TEST_CASE("what a canonical version is", "[go][version]") {
  for (const char* good :
       {"v1.2.3", "v0.0.0", "v1.2.3-rc.1", "v2.0.0+incompatible", "v1.0.0-0.20200101000000-abcdefabcdef"}) {
    CHECK(is_canonical(good));
  }
  for (const char* bad : {"", "v", "1.2.3", "v1", "v1.2", "v1.2.3.4", "v01.2.3", "v1.2.3-", "v1.2.3-01", "v1.2.3+build",
                          "v1.2.3-a..b", "v1.2.3 ", "v1.2.x", "latest", "v1.2.3/../x"}) {
    INFO(bad);
    CHECK_FALSE(is_canonical(bad));
  }
  CHECK(is_version_prefix("v1"));
  CHECK(is_version_prefix("v1.2"));
  CHECK_FALSE(is_version_prefix("v1.2.3"));
  CHECK(answers_prefix("v1.2.0", "v1.2"));
  CHECK_FALSE(answers_prefix("v1.20.0", "v1.2"));
  CHECK(is_pseudo_version("v0.0.0-20240102030405-0123456789ab"));
  CHECK(is_pseudo_version("v1.2.4-0.20240102030405-0123456789ab"));
  CHECK(is_pseudo_version("v1.2.3-rc.1.0.20240102030405-0123456789ab"));
  CHECK_FALSE(is_pseudo_version("v1.2.3-rc.1"));
  CHECK_FALSE(is_pseudo_version("v1.2.3-20240102030405"));
}

TEST_CASE("paths that are no modules are refused", "[go][path]") {
  for (const char* good : {"github.com/a/b", "golang.org/x/tools", "gopkg.in/yaml.v3", "a.b", "a.b/c/v2", "a.b/c-d_e~f",
                           "gopkg.in/x.v1-unstable"}) {
    INFO(good);
    CHECK_FALSE(path_problem(good));
  }
  for (const char* bad :
       {"",         "/",           "nodot",       "a.b/",         "/a.b",          "a.b//c",
        "a.b/../c", "a.b/./c",     "a.b/.hidden", "a.b/c.",       "a.b/c d",       "A.b/c",
        "-a.b/c",   "a.b/v1",      "a.b/v02",     "a.b/v0",       "gopkg.in/yaml", "gopkg.in/yaml.v03",
        "a.b/con",  "a.b/NUL.txt", "a.b/x~1",     "a.b/\xc3\xa9", "a.b/c%2f",      "a.b/c\\d",
        "a.b/c@d",  "a.b/c!d",     "a.b/c:d"}) {
    INFO(bad);
    CHECK(path_problem(bad));
  }
  CHECK(path_problem(std::string(2000, 'a') + ".b"));
  CHECK_FALSE(import_path_problem("golang.org/x/tools/v1"));
  CHECK(import_path_problem("golang.org/../x"));
}

TEST_CASE("a version goes with the ending of its path", "[go][path]") {
  CHECK_FALSE(module_problem({"a.b/c", "v1.2.3"}));
  CHECK_FALSE(module_problem({"a.b/c/v2", "v2.0.0"}));
  CHECK_FALSE(module_problem({"a.b/c", "v2.0.0+incompatible"}));
  CHECK_FALSE(module_problem({"gopkg.in/yaml.v3", "v3.0.1"}));
  CHECK_FALSE(module_problem({"gopkg.in/check.v1", "v0.0.0-20161208181325-20d25e280405"}));
  CHECK(module_problem({"a.b/c", "v2.0.0"}));
  CHECK(module_problem({"a.b/c/v2", "v1.0.0"}));
  CHECK(module_problem({"a.b/c/v2", "v2.0.0+incompatible"}));
  CHECK(module_problem({"gopkg.in/yaml.v3", "v2.0.0"}));
  CHECK(module_problem({"a.b/c", "v1"}));
}

TEST_CASE("upper case is spelt with marks", "[go][path]") {
  CHECK(escape("github.com/Azure/SDK") == "github.com/!azure/!s!d!k");
  CHECK(unescape("github.com/!azure/!s!d!k") == "github.com/Azure/SDK");
  CHECK_FALSE(unescape("github.com/Azure"));
  CHECK_FALSE(unescape("a!"));
  CHECK_FALSE(unescape("a!!b"));
  CHECK_FALSE(unescape("a!1"));
  const Module module{"github.com/BurntSushi/toml", "v1.0.0-RC1"};
  CHECK(file_path(module, ".zip") == "github.com/!burnt!sushi/toml/@v/v1.0.0-!r!c1.zip");
  const auto parsed = parse_file_path("github.com/!burnt!sushi/toml/@v/v1.0.0-!r!c1.zip");
  REQUIRE(parsed);
  CHECK(parsed->module == module);
  CHECK(parsed->extension == ".zip");
  for (const char* bad :
       {"github.com/a/b", "github.com/a/b/@v/v1.0.0", "github.com/a/b/@v/v1.0.0.tar", "github.com/A/b/@v/v1.0.0.zip",
        "github.com/a/b/@v/../x.zip", "nodot/@v/v1.0.0.zip", "github.com/a/b/@v/master.info", "/@v/v1.0.0.mod"}) {
    CHECK_FALSE(parse_file_path(bad));
  }
  CHECK(purl_of(module) == "pkg:golang/github.com/BurntSushi/toml@v1.0.0-RC1");
}

TEST_CASE("patterns match beginnings of paths", "[go][path]") {
  CHECK(matches_patterns("corp.example", "corp.example/team/lib"));
  CHECK(matches_patterns("*.corp.example,x.y/z", "git.corp.example/lib"));
  CHECK(matches_patterns("x.y/z", "x.y/z"));
  CHECK(matches_patterns("x.y/*/", "x.y/z/deep/er"));
  CHECK_FALSE(matches_patterns("x.y/z", "x.y"));
  CHECK_FALSE(matches_patterns("x.y/z", "x.y/zz"));
  CHECK_FALSE(matches_patterns("*.corp.example", "corp.example/lib"));
  CHECK_FALSE(matches_patterns("", "a.b"));
  CHECK_FALSE(matches_patterns(" , ,", "a.b"));
  CHECK_FALSE(matches_patterns("none", "a.b/none"));
}

TEST_CASE("names of files in a module", "[go][path]") {
  for (const char* good : {"go.mod", "a/b c.txt", ".github/x.yml", "testdata/\xc3\xa9.txt", "a/b@c", "x~"}) {
    INFO(good);
    CHECK_FALSE(file_name_problem(good));
  }
  for (const char* bad : {"", "/a", "a/", "../a", "a/../b", "a//b", "a/b.", "a:b", "a*b", "a\\b", "a\nb", "aux/x",
                          "a/\xff", "a\"b", "a|b", "a?b", "a<b"}) {
    INFO(bad);
    CHECK(file_name_problem(bad));
  }
}

}  // namespace airlock::ecosystem::go
