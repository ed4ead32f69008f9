#include "ecosystem/pypi/names.hpp"

#include "ecosystem/pypi/rows.hpp"
#include "support/catch.hpp"

namespace airlock::ecosystem::pypi {

TEST_CASE("names are normalised as PEP 503 says", "[ecosystem][pypi]") {
  CHECK(normalised("Foo.Bar_-baz") == "foo-bar-baz");
  CHECK(is_name("a"));
  CHECK_FALSE(is_name(""));
  CHECK_FALSE(is_name("-a"));
  CHECK_FALSE(is_name("a/b"));
  CHECK_FALSE(is_name("a b"));
  CHECK(is_normalised("a-b"));
  CHECK_FALSE(is_normalised("a_b"));
}

TEST_CASE("file names are taken apart", "[ecosystem][pypi]") {
  const auto wheel = parse_file_name("Foo_Bar-1.0-2b-py2.py3-none-any.whl", "foo-bar");
  REQUIRE(wheel);
  CHECK(wheel->kind == FileName::Kind::wheel);
  CHECK(wheel->version_text == "1.0");
  CHECK(wheel->build == "2b");
  CHECK(wheel->pythons == std::vector<std::string>{"py2", "py3"});
  const auto sdist = parse_file_name("foo-bar-1.0.post1.tar.gz", "foo-bar");
  REQUIRE(sdist);
  CHECK(sdist->kind == FileName::Kind::sdist);
  CHECK(sdist->version_text == "1.0.post1");
  CHECK(parse_file_name("foo-bar-1.0-1.zip", "foo-bar")->version.is_postrelease());
}

TEST_CASE("hostile and foreign file names are none", "[ecosystem][pypi]") {
  for (const char* name : {"other-1.0.tar.gz", "foo-1.0.exe", "foo-1.0.egg", "foo.tar.gz", "../foo-1.0.tar.gz",
                           "foo-1.0/x.tar.gz", "foo-1.0\\x.tar.gz", "foo-1.0-py3-none.whl", "foo-x-py3-none-any.whl",
                           "foo-1.0-b-py3-none-any.whl", "foo-1.0--py3-none-any.whl", "foo-1.0-py3-none-.whl",
                           "foo-1.0 .tar.gz", "foo-1.0\n.tar.gz", ".foo-1.0.tar.gz", ""}) {
    INFO(name);
    CHECK_FALSE(parse_file_name(name, "foo"));
  }
}

TEST_CASE("paths of rows are taken apart", "[ecosystem][pypi]") {
  const auto entry = parse_row_path("foo/foo-1.0-py3-none-any.whl.json");
  REQUIRE(entry);
  CHECK(entry->kind == RowPath::Kind::entry);
  CHECK(entry->file == "foo-1.0-py3-none-any.whl");
  CHECK(parse_row_path("foo/foo-1.0-py3-none-any.whl.metadata")->kind == RowPath::Kind::metadata);
  CHECK(parse_row_path("foo/foo-1.0.tar.gz")->kind == RowPath::Kind::file);
  CHECK_FALSE(parse_row_path("Foo/foo-1.0.tar.gz"));
  CHECK_FALSE(parse_row_path("foo/bar-1.0.tar.gz"));
  CHECK_FALSE(parse_row_path("foo"));
}

}  // namespace airlock::ecosystem::pypi
