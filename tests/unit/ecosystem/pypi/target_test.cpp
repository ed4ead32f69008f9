#include "ecosystem/pypi/target.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::pypi {

namespace {
Target target(std::string_view platform, Libc libc = {}, std::string_view python = "3.11") {
  return {*PythonVersion::parse(python), model::Platform::parse(platform), libc};
}
std::optional<std::size_t> rank(const Target& target, std::string_view tags) {
  return target.rank(*parse_file_name("a-1-" + std::string(tags) + ".whl", "a"));
}
}  // namespace

TEST_CASE("wheels are ranked as pip ranks them", "[ecosystem][pypi]") {
  const Target linux = target("linux/amd64");
  CHECK(rank(linux, "cp311-cp311-manylinux_2_28_x86_64"));
  CHECK(rank(linux, "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"));
  CHECK_FALSE(rank(linux, "cp311-cp311-manylinux_2_35_x86_64"));
  CHECK(rank(target("linux/amd64", *Libc::parse(Libc::Kind::glibc, "2.36")), "cp311-cp311-manylinux_2_35_x86_64"));
  CHECK_FALSE(rank(linux, "cp311-cp311-musllinux_1_2_x86_64"));
  CHECK(rank(target("linux/amd64", {.kind = Libc::Kind::musl, .major = 1, .minor = 2}),
             "cp311-cp311-musllinux_1_1_x86_64"));
  CHECK_FALSE(rank(linux, "cp312-cp312-manylinux_2_17_x86_64"));
  CHECK(rank(linux, "cp38-abi3-manylinux2010_x86_64"));
  CHECK_FALSE(rank(linux, "cp312-abi3-manylinux2010_x86_64"));
  CHECK(rank(linux, "py2.py3-none-any"));
  CHECK_FALSE(rank(linux, "py2-none-any"));
  CHECK_FALSE(rank(linux, "cp311-cp311-manylinux_2_17_aarch64"));
  CHECK(rank(linux, "cp311-cp311-manylinux_2_17_x86_64") < rank(linux, "cp311-abi3-manylinux_2_17_x86_64"));
  CHECK(rank(linux, "cp39-abi3-manylinux_2_17_x86_64") < rank(linux, "py3-none-any"));
  CHECK(rank(target("darwin/arm64"), "cp311-cp311-macosx_11_0_arm64"));
  CHECK(rank(target("darwin/arm64"), "cp311-cp311-macosx_10_9_universal2"));
  CHECK_FALSE(rank(target("darwin/arm64"), "cp311-cp311-macosx_10_9_x86_64"));
  CHECK(rank(target("windows/amd64"), "cp311-cp311-win_amd64"));
}

TEST_CASE("requires-python is asked with the whole version", "[ecosystem][pypi]") {
  CHECK(target("linux/amd64").accepts_python(">=3.8,<4"));
  CHECK_FALSE(target("linux/amd64").accepts_python(">=3.11.1"));
  CHECK(target("linux/amd64", {}, "3.11.4").accepts_python(">=3.11.1"));
  CHECK(target("linux/amd64").accepts_python("not a specifier"));
  CHECK(target("linux/amd64").accepts_python(""));
}

TEST_CASE("Pythons, libcs and platforms that are none are refused", "[ecosystem][pypi]") {
  for (const char* text : {"", "3", "2.7", "3.x", "3.11.2.1", "3.-1", "3.1000", "py311"}) {
    CHECK_FALSE(PythonVersion::parse(text));
  }
  CHECK_FALSE(Libc::parse(Libc::Kind::glibc, "3.0"));
  CHECK_FALSE(Libc::parse(Libc::Kind::musl, "2.1"));
  CHECK(test::code_of([] { return target("freebsd/amd64").to_string(); }) == base::ErrorCode::unsupported);
  CHECK(test::code_of([] { return target("darwin/386").to_string(); }) == base::ErrorCode::unsupported);
}

}  // namespace airlock::ecosystem::pypi
