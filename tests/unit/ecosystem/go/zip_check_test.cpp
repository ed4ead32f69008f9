#include "ecosystem/go/zip_check.hpp"

#include "ecosystem/go/dirhash.hpp"
#include "ecosystem/go/module_path.hpp"
#include "support/errors.hpp"
#include "support/zip_text.hpp"

namespace airlock::ecosystem::go {

using base::ErrorCode;
using test::code_of;
using test::zip_text;

namespace {

const Module k_module{"github.com/Team/lib", "v1.2.3"};
const std::string k_pin = "h1:" + std::string(43, 'A') + "=";

model::FileRow row(std::string_view extension) {
  model::FileRow row;
  row.ecosystem = "go";
  row.path = file_path(k_module, extension);
  row.pin = k_pin;
  return row;
}

std::string hash_of(std::string_view bytes, std::string_view extension = ".zip") {
  const auto check = pin_check(row(extension));
  REQUIRE(check);
  check->write(base::as_bytes(bytes.substr(0, bytes.size() / 2)));
  check->write(base::as_bytes(bytes.substr(bytes.size() / 2)));
  return check->finish();
}

std::string named(const std::string& name) {
  return "github.com/Team/lib@v1.2.3/" + name;
}

}  // namespace

TEST_CASE("the hash of a module does not depend on how it is packed", "[go][zip]") {
  const std::string expected = dirhash({{named("go.mod"), base::sha256("module github.com/Team/lib\n")},
                                        {named("a/b.go"), base::sha256("package a\n")}});
  CHECK(hash_of(zip_text({{.name = named("go.mod"), .content = "module github.com/Team/lib\n"},
                          {.name = named("a/b.go"), .content = "package a\n"}})) == expected);
  CHECK(hash_of(zip_text(
            {{.name = named("a/b.go"), .content = "package a\n", .deflated = false},
             {.name = named("go.mod"), .content = "module github.com/Team/lib\n", .descriptor = false}})) == expected);
  CHECK(hash_of(zip_text({{.name = named("a/b.go"), .content = "package b\n"},
                          {.name = named("go.mod"), .content = "module github.com/Team/lib\n"}})) != expected);
  CHECK(hash_of("module github.com/Team/lib\n", ".mod") ==
        dirhash({{"go.mod", base::sha256("module github.com/Team/lib\n")}}));
}

TEST_CASE("what may not stand in a module's zip is refused", "[go][zip]") {
  for (const std::string& name :
       {std::string("go.mod"), named("../x"), named("a/../x"), named("/x"), named("a//b"), named("a:b"), named("con"),
        named("sub/go.mod"), named("GO.MOD"), named(""), std::string("github.com/team/lib@v1.2.3/x"), named("a\\b"),
        named("a."), std::string("/etc/passwd")}) {
    INFO(name);
    CHECK(code_of([&] { return hash_of(zip_text({{.name = name, .content = "x"}})); }) == ErrorCode::malformed);
  }
  CHECK(code_of([] {
          return hash_of(zip_text({{.name = named("a"), .content = "x"}, {.name = named("A"), .content = "y"}}));
        }) == ErrorCode::malformed);
  CHECK(code_of([] { return hash_of("<html>sign in</html>"); }) == ErrorCode::malformed);
  CHECK(code_of([] { return hash_of(""); }) == ErrorCode::malformed);
}

TEST_CASE("only pins of this kind are looked at", "[go][zip]") {
  CHECK(pin_check(row(".info")) == nullptr);
  model::FileRow other = row(".zip");
  other.pin = "sha256:" + std::string(64, '0');
  CHECK(pin_check(other) == nullptr);
  other.pin.clear();
  CHECK(pin_check(other) == nullptr);
  other = row(".zip");
  other.path = "x/y.zip";
  CHECK(pin_check(other) == nullptr);
}

}  // namespace airlock::ecosystem::go
