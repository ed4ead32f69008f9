#include "store/catalog.hpp"

#include <fstream>
#include <thread>

#include "base/error.hpp"
#include "base/files.hpp"
#include "store_fixture.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::store {

namespace fs = std::filesystem;
using base::ErrorCode;
using model::Kind;

namespace {

std::shared_ptr<const Catalog> built(const fs::path& home, const std::vector<CatalogRow>& rows,
                                     std::uint64_t number = 1) {
  CatalogBuilder builder(home, number);
  for (const CatalogRow& row : rows) {
    builder.add(row);
  }
  builder.publish();
  return Catalog::open_current(home);
}

CatalogRow kind_row(std::string path, Kind kind, std::string channel, std::string_view content = "content") {
  CatalogRow row = catalog_row(file_row("oci", std::move(path), content), std::move(channel));
  row.kind = kind;
  if (kind == Kind::known) {
    row.length.reset();
    row.sha256.reset();
  }
  return row;
}

}  // namespace

TEST_CASE("a row is found as it was added", "[store][catalog]") {
  const base::TempDir home;
  CatalogRow row = catalog_row(file_row("tool", "a/1/x"), "site", 7);
  row.platform = "linux/amd64";
  row.pin = "sha512:" + std::string(128, '0');
  const auto catalog = built(home.path(), {row});
  const auto found = catalog->find("tool", "a/1/x");
  REQUIRE(found);
  CHECK(static_cast<const model::FileRow&>(*found) == row);
  CHECK(found->channel == "site");
  CHECK(found->generation == 7);
  CHECK(catalog->number() == 1);
  CHECK_FALSE(catalog->find("tool", "a/1"));
  CHECK_FALSE(catalog->find("file", "a/1/x"));
}

TEST_CASE("rows are listed by prefix, in pages and in order", "[store][catalog]") {
  const base::TempDir home;
  const auto catalog = built(home.path(), {catalog_row(file_row("file", "b/2")), catalog_row(file_row("file", "a")),
                                           catalog_row(file_row("file", "b/1")), catalog_row(file_row("file", "b0")),
                                           catalog_row(file_row("oci", "b/3")), catalog_row(file_row("file", "b/10"))});
  const auto paths = [&](std::string_view prefix, std::string_view after = "", std::size_t limit = 100) {
    std::vector<std::string> result;
    for (const CatalogRow& row : catalog->list("file", prefix, after, limit)) {
      result.push_back(row.path);
    }
    return result;
  };
  using Paths = std::vector<std::string>;
  CHECK(paths("") == Paths{"a", "b/1", "b/10", "b/2", "b0"});
  CHECK(paths("b/") == Paths{"b/1", "b/10", "b/2"});
  CHECK(paths("b/", "", 2) == Paths{"b/1", "b/10"});
  CHECK(paths("b/", "b/10", 2) == Paths{"b/2"});
  CHECK(paths("b/", "a") == Paths{"b/1", "b/10", "b/2"});
  CHECK(paths("b/", "z").empty());
  CHECK(paths("c").empty());
  CHECK(paths("b/", "", 0).empty());
  CHECK(catalog->row_count("file") == 5);
  CHECK(catalog->row_count("npm") == 0);

  std::size_t seen = 0;
  catalog->for_each("file", [&](const CatalogRow& row) {
    CHECK(catalog->find("file", row.path));  // a look-up inside a walk
    return ++seen < 3;
  });
  CHECK(seen == 3);
}

TEST_CASE("digests and aliases lead to rows", "[store][catalog]") {
  const base::TempDir home;
  const base::Digest sha512 = base::Digest::parse("sha512:" + std::string(128, 'c'));
  {
    CatalogBuilder builder(home.path(), 1);
    builder.add(catalog_row(file_row("file", "a", "same")));
    builder.add(catalog_row(file_row("oci", "b", "same")));
    builder.add(catalog_row(file_row("oci", "c", "other")));
    builder.add_alias(sha512, base::sha256("same"));
    builder.publish();
  }
  const auto catalog = Catalog::open_current(home.path());
  CHECK(catalog->find_digest(base::sha256("same")).size() == 2);
  CHECK(catalog->find_digest(base::sha256("none")).empty());
  CHECK(catalog->alias(sha512) == base::sha256("same"));
  CHECK_FALSE(catalog->alias(base::Digest::parse("sha512:" + std::string(128, 'd'))));
}

TEST_CASE("an immutable path with two contents is refused, naming both channels", "[store][catalog]") {
  const base::TempDir home;
  const Kind kind = GENERATE(Kind::file, Kind::meta, Kind::layout);
  CatalogBuilder builder(home.path(), 1);
  builder.add(kind_row("x", kind, "one", "first"));
  builder.add(kind_row("x", kind, "two", "first"));  // equal content is no conflict
  const auto error = test::error_of([&] {
    builder.add(kind_row("x", kind, "three", "second"));
    return 0;
  });
  CHECK(error.code() == ErrorCode::untrusted);
  CHECK(error.message().find("'two'") != std::string::npos);
  CHECK(error.message().find("'three'") != std::string::npos);
  CHECK(error.message().find("oci 'x'") != std::string::npos);
}

TEST_CASE("a tag in the place of a file is refused too", "[store][catalog]") {
  const base::TempDir home;
  CatalogBuilder builder(home.path(), 1);
  builder.add(kind_row("x", Kind::file, "one", "first"));
  CHECK(test::code_of([&] {
          builder.add(kind_row("x", Kind::tag, "two", "second"));
          return 0;
        }) == ErrorCode::untrusted);
}

TEST_CASE("the last added target of a mutable name is served", "[store][catalog]") {
  const base::TempDir home;
  const auto catalog =
      built(home.path(), {kind_row("h/r:1", Kind::tag, "one", "old"), kind_row("h/r:1", Kind::tag, "two", "new")});
  CHECK(catalog->find("oci", "h/r:1")->sha256 == base::sha256("new"));
  CHECK(catalog->find("oci", "h/r:1")->channel == "two");
  CHECK(catalog->row_count("oci") == 1);
}

TEST_CASE("content wins over a name that is only known, in either order", "[store][catalog]") {
  const base::TempDir home;
  const bool known_first = GENERATE(true, false);
  std::vector<CatalogRow> rows = {kind_row("x", Kind::known, "one"), kind_row("x", Kind::file, "two")};
  if (!known_first) {
    std::swap(rows[0], rows[1]);
  }
  const auto catalog = built(home.path(), rows);
  CHECK(catalog->find("oci", "x")->kind == Kind::file);
}

TEST_CASE("what was withheld stays withheld, in either order", "[store][catalog]") {
  const base::TempDir home;
  const bool withheld_first = GENERATE(true, false);
  std::vector<CatalogRow> rows = {kind_row("x", Kind::withheld, "one"), kind_row("x", Kind::file, "two")};
  if (!withheld_first) {
    std::swap(rows[0], rows[1]);
  }
  const auto catalog = built(home.path(), rows);
  CHECK(catalog->find("oci", "x")->kind == Kind::withheld);
}

TEST_CASE("a catalog serves many threads at once", "[store][catalog]") {
  const base::TempDir home;
  std::vector<CatalogRow> rows;
  for (int i = 0; i < 200; ++i) {
    rows.push_back(catalog_row(file_row("file", "f" + std::to_string(i))));
  }
  const auto catalog = built(home.path(), rows);
  std::atomic<int> found{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 200; ++i) {
          found += catalog->find("file", "f" + std::to_string(i)) ? 1 : 0;
        }
      });
    }
  }
  CHECK(found == 1600);
}

TEST_CASE("a file that is no catalog is refused", "[store][catalog]") {
  const base::TempDir home;
  fs::create_directories(home.path() / "catalog");
  std::ofstream(home.path() / "catalog" / "1.db") << "no database";
  CHECK_THROWS_AS(Catalog::open(home.path() / "catalog" / "1.db"), base::Error);
  CHECK_THROWS_AS(Catalog::open(home.path() / "catalog" / "2.db"), base::Error);
}

}  // namespace airlock::store
