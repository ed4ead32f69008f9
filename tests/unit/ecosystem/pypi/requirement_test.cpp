#include "ecosystem/pypi/requirement.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::pypi {

using base::ErrorCode;
using test::code_of;

namespace {
const MarkerEnvironment k_linux = {{"python_version", "3.11"}, {"python_full_version", "3.11.2"},
                                   {"sys_platform", "linux"},  {"platform_system", "Linux"},
                                   {"os_name", "posix"},       {"platform_machine", "x86_64"},
                                   {"platform_release", ""},   {"implementation_name", "cpython"}};
bool holds(std::string_view marker, std::string_view extra = "") {
  return Marker::parse(marker).holds(k_linux, extra);
}
}  // namespace

TEST_CASE("requirements are taken apart", "[ecosystem][pypi]") {
  const Requirement one =
      Requirement::parse("Requests_X [Socks, security] >= 2.8.1, == 2.8.* ; python_version < '3.9'");
  CHECK(one.name == "requests-x");
  CHECK(one.extras == std::set<std::string>{"socks", "security"});
  CHECK(one.specifiers.to_string() == ">=2.8.1,==2.8.*");
  REQUIRE(one.marker);
  CHECK_FALSE(one.marker->holds(k_linux, ""));
  CHECK(Requirement::parse("a (>=1,<2)").specifiers.to_string() == ">=1,<2");
  CHECK(Requirement::parse("a>=1;extra=='x'").marker->holds(k_linux, "x"));
  CHECK(Requirement::parse("a @ https://host.example/a;b ; os_name=='posix'").url == "https://host.example/a;b");
  CHECK(Requirement::parse("a[]").extras.empty());
}

TEST_CASE("broken requirements are refused", "[ecosystem][pypi]") {
  for (const char* text :
       {"", "-a", "a b", "a[", "a[x", "a[x y]", "a>=", "a>=x", "a(>=1", "a @", "a; ", "a; os_name", "a; nothing == 'x'",
        "a; os_name == 'x", "a; (os_name == 'x'", "a; os_name == 'x' and", "../a", "a=1", "a>=1 <2"}) {
    INFO(text);
    CHECK(code_of([&] { return Requirement::parse(text).name; }) == ErrorCode::malformed);
  }
  std::string deep = "a; " + std::string(2000, '(') + "os_name=='x'" + std::string(2000, ')');
  CHECK(code_of([&] { return Requirement::parse(deep).name; }) == ErrorCode::malformed);
}

TEST_CASE("markers are evaluated", "[ecosystem][pypi]") {
  CHECK(holds("python_version >= '3.8'"));
  CHECK(holds("python_version < '3.9' or sys_platform == 'linux'"));
  CHECK_FALSE(holds("python_version < '3.9' or sys_platform == 'linux' and os_name == 'nt'"));
  CHECK(holds("(python_version < '3.9' or sys_platform == 'linux') and os.name == 'posix'"));
  CHECK(holds("'3.8' <= python_version"));
  CHECK(holds("python_version in '3.10 3.11'"));
  CHECK(holds("platform_machine not in 'arm64 aarch64'"));
  CHECK(holds("sys_platform != 'win32'"));
  CHECK(holds("python_version ~= '3.10'"));
  CHECK(holds("extra == 'Foo_Bar'", "foo-bar"));
  CHECK_FALSE(holds("extra == 'foo'"));
  CHECK(holds("platform_release == ''"));
}

}  // namespace airlock::ecosystem::pypi
