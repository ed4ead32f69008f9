// go.mod, go.work, go.sum and the hash that they speak of.
#include "ecosystem/go/go_mod.hpp"

#include "ecosystem/go/go_sum.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::go {

using base::ErrorCode;
using test::error_of;

TEST_CASE("everything that a go.mod may say", "[go][mod]") {
  const GoMod mod = parse_go_mod(R"(// Deprecated: use v2
module "example.com/app" // the main one

go 1.22.3
toolchain go1.23.0

godebug default=go1.21
tool golang.org/x/tools/cmd/stringer

require github.com/a/b v1.2.3
require (
	github.com/c/d v0.0.0-20240102030405-0123456789ab // indirect
	`github.com/E/f` v2.0.0+incompatible
)
require ()

exclude github.com/a/b v1.2.2
exclude (
	github.com/a/b v1.2.1
)
replace (
	github.com/a/b => ../b
	github.com/c/d v1.0.0 => github.com/fork/d v1.0.1
)
retract [v1.0.0, v1.0.5] // broken
retract (
	v1.1.0
)
)",
                                 "go.mod", GoModFor::main);
  CHECK(mod.module == "example.com/app");
  CHECK(mod.go_version == "1.22.3");
  CHECK(mod.toolchain == "go1.23.0");
  CHECK(mod.requirements == std::vector<Module>{{"github.com/a/b", "v1.2.3"},
                                                {"github.com/c/d", "v0.0.0-20240102030405-0123456789ab"},
                                                {"github.com/E/f", "v2.0.0+incompatible"}});
  CHECK(mod.exclusions == std::vector<Module>{{"github.com/a/b", "v1.2.2"}, {"github.com/a/b", "v1.2.1"}});
  REQUIRE(mod.replacements.size() == 2);
  CHECK(mod.replacements[0].new_path == "../b");
  CHECK(mod.replacements[0].new_version.empty());
  CHECK(mod.replacements[1].old_version == "v1.0.0");
  CHECK(mod.replacements[1].new_version == "v1.0.1");
  CHECK(is_retracted(mod, "v1.0.3"));
  CHECK(is_retracted(mod, "v1.1.0"));
  CHECK_FALSE(is_retracted(mod, "v1.0.6"));
}

TEST_CASE("from 1.17 on a module's requirements are complete", "[go][mod]") {
  const auto pruned = [](const std::string& version) {
    return parse_go_mod("module a.b/c\ngo " + version + "\n", "x", GoModFor::dependency).is_pruned();
  };
  CHECK(pruned("1.17"));
  CHECK(pruned("1.22.1"));
  CHECK(pruned("1.23rc1"));
  CHECK(pruned("2.0"));
  CHECK_FALSE(pruned("1.16"));
  CHECK_FALSE(pruned("1.9"));
  CHECK_FALSE(pruned("1"));
  CHECK_FALSE(parse_go_mod("module a.b/c\n", "x", GoModFor::dependency).is_pruned());
}

TEST_CASE("mistakes in a go.mod are told with their line", "[go][mod]") {
  const auto mistake = [](const std::string& text, int line) {
    const auto error = error_of([&] { return parse_go_mod(text, "go.mod", GoModFor::main); });
    INFO(text << ": " << error.message());
    CHECK(error.code() == ErrorCode::malformed);
    REQUIRE(error.position());
    CHECK(error.position()->line == line);
  };
  mistake("module a.b/c\nrequire x\n", 2);
  mistake("module a.b/c\nmodule a.b/d\n", 2);
  mistake("module a.b/c\nreqiure a.b/d v1.0.0\n", 2);
  mistake("module a.b/c\nrequire (\n a.b/d v1.0.0\n", 3);
  mistake("module a.b/c\n/* no */\n", 2);
  mistake("module \"a.b/c\n", 1);
  mistake("module a.b/c\nreplace a.b/d => ../d v1.0.0\n", 2);
  mistake("module a.b/c\nreplace a.b/d => a.b/e\n", 2);
  mistake("module a.b/c\nreplace a.b/d\n", 2);
  mistake("module a.b/c\nretract [v1.0.0\n", 2);
  mistake("module a.b/c\nrequire a.b/\x01 v1.0.0\n", 2);
  mistake("go 1.20\n", 1);
  CHECK(error_of([] { return parse_go_mod("module \xff", "go.mod", GoModFor::main); }).code() == ErrorCode::malformed);
  CHECK(error_of([] { return parse_go_mod(std::string(17 << 20, ' '), "go.mod", GoModFor::main); }).code() ==
        ErrorCode::limit);
}

TEST_CASE("a dependency's go.mod is read for what concerns others", "[go][mod]") {
  const GoMod mod = parse_go_mod("module a.b/c\nfuture (\n x y z\n)\nreplace a => b\nrequire a.b/d v1.0.0\n", "x",
                                 GoModFor::dependency);
  CHECK(mod.replacements.empty());
  CHECK(mod.requirements.size() == 1);
  for (const char* hostile :
       {"require a.b/../d v1.0.0\n", "require a.b/d master\n", "require nodot v1.0.0\n", "require a.b/d v2.0.0\n"}) {
    CHECK(error_of([&] { return parse_go_mod(hostile, "x", GoModFor::dependency); }).code() == ErrorCode::malformed);
  }
}

TEST_CASE("a go.work names folders", "[go][mod]") {
  const GoMod work =
      parse_go_mod("go 1.22\nuse ./a\nuse (\n ./b\n \"../c d\"\n)\nreplace x.y/z => ./z\n", "go.work", GoModFor::work);
  CHECK(work.uses == std::vector<std::string>{"./a", "./b", "../c d"});
  CHECK(work.replacements.size() == 1);
}

TEST_CASE("a go.sum's lines", "[go][sum]") {
  GoSum sums;
  sums.add("github.com/spf13/pflag v1.0.5 h1:iy+VFUOCP1a+8yFto/drg2CJ5u0yRoB7fZw3DKv/JXA=\n"
           "github.com/spf13/pflag v1.0.5/go.mod h1:McXfInJRrz4CZXVZOBLb0bTZqETkiAhM9Iw0y3An2Bg=\n"
           "\n"
           "example.com/later v1.0.0 h9:xyz\r\n",
           "go.sum");
  const ModuleSums* found = sums.find({"github.com/spf13/pflag", "v1.0.5"});
  REQUIRE(found != nullptr);
  CHECK(found->zip == "h1:iy+VFUOCP1a+8yFto/drg2CJ5u0yRoB7fZw3DKv/JXA=");
  CHECK(found->mod == hash_of_go_mod("module github.com/spf13/pflag\n\ngo 1.12\n"));
  CHECK(sums.find({"github.com/spf13/pflag", "v1.0.6"}) == nullptr);

  const auto refusal = [](const std::string& text) { return error_of([&] { GoSum().add(text, "go.sum"); }).code(); };
  CHECK(refusal("a.b/c v1.0.0\n") == ErrorCode::malformed);
  CHECK(refusal("a.b/c v1.0.0 h1:short\n") == ErrorCode::malformed);
  CHECK(refusal("a.b/c v1.0.0 h1:x h1:y\n") == ErrorCode::malformed);
  CHECK(refusal("a.b/../c v1.0.0 h1:iy+VFUOCP1a+8yFto/drg2CJ5u0yRoB7fZw3DKv/JXA=\n") == ErrorCode::malformed);
  CHECK(refusal("a.b/c v1.0.0 h1:iy+VFUOCP1a+8yFto/drg2CJ5u0yRoB7fZw3DKv/JXA=\n"
                "a.b/c v1.0.0 h1:McXfInJRrz4CZXVZOBLb0bTZqETkiAhM9Iw0y3An2Bg=\n") == ErrorCode::conflict);
}

}  // namespace airlock::ecosystem::go
