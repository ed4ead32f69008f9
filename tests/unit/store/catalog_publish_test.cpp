// Switching from one catalog to the next.
#include <fstream>
#include <thread>

#include "base/error.hpp"
#include "base/files.hpp"
#include "store/catalog.hpp"
#include "store_fixture.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::store {

namespace fs = std::filesystem;
using base::ErrorCode;

namespace {

void publish(const fs::path& home, std::uint64_t number) {
  CatalogBuilder builder(home, number);
  builder.add(catalog_row(file_row("file", "number-" + std::to_string(number))));
  builder.publish();
}

bool is_there(const fs::path& home, const std::string& name) {
  return fs::exists(home / "catalog" / name);
}

}  // namespace

TEST_CASE("before anything was activated there is no catalog", "[store][catalog_publish]") {
  const base::TempDir home;
  CHECK(Catalog::open_current(home.path()) == nullptr);
  CHECK(CurrentCatalog(home.path()).get() == nullptr);
  CHECK(current_catalog_number(home.path()) == 0);
}

TEST_CASE("readers of an old catalog keep it, new ones get the new one", "[store][catalog_publish]") {
  const base::TempDir home;
  const CurrentCatalog current(home.path());
  publish(home.path(), 1);
  const auto old = current.get();
  CHECK(current.get() == old);
  for (std::uint64_t number = 2; number < 10; ++number) {
    publish(home.path(), number);
  }
  CHECK(current.get()->number() == 9);
  CHECK(current.get()->find("file", "number-9"));
  CHECK(old->find("file", "number-1"));
}

TEST_CASE("only the newest few catalogs stay on disk", "[store][catalog_publish]") {
  const base::TempDir home;
  for (std::uint64_t number = 1; number < 12; ++number) {
    publish(home.path(), number);
  }
  CHECK(is_there(home.path(), "11.db"));
  CHECK(is_there(home.path(), "10.db"));
  CHECK(is_there(home.path(), "9.db"));
  CHECK_FALSE(is_there(home.path(), "8.db"));
  CHECK_FALSE(is_there(home.path(), "2.db"));
}

TEST_CASE("a catalog that is dropped or only prepared changes nothing for readers", "[store][catalog_publish]") {
  const base::TempDir home;
  publish(home.path(), 1);
  {
    CatalogBuilder dropped(home.path(), 2);
    dropped.add(catalog_row(file_row("file", "x")));
  }
  CHECK_FALSE(is_there(home.path(), "2.db"));
  CHECK_FALSE(is_there(home.path(), "2.db.new"));
  {
    CatalogBuilder prepared(home.path(), 2);
    prepared.prepare();
  }
  CHECK(is_there(home.path(), "2.db"));
  CHECK(current_catalog_number(home.path()) == 1);
  publish(home.path(), 2);
  CHECK(Catalog::open_current(home.path())->find("file", "number-2"));
}

TEST_CASE("leftovers of a killed run are no obstacle and go with the next switch", "[store][catalog_publish]") {
  const base::TempDir home;
  publish(home.path(), 1);
  std::ofstream(home.path() / "catalog" / "2.db.new") << "half a database";
  std::ofstream(home.path() / "catalog" / "7.db.new") << "half a database";
  std::ofstream(home.path() / "catalog" / "9.db") << "prepared, never switched to";
  std::ofstream(home.path() / "catalog" / "note.txt") << "not ours";
  publish(home.path(), 2);
  CHECK(Catalog::open_current(home.path())->number() == 2);
  CHECK_FALSE(is_there(home.path(), "7.db.new"));
  CHECK_FALSE(is_there(home.path(), "9.db"));
  CHECK(is_there(home.path(), "1.db"));
  CHECK(is_there(home.path(), "note.txt"));
}

TEST_CASE("a damaged `current` is named with a way out", "[store][catalog_publish]") {
  const base::TempDir home;
  publish(home.path(), 1);
  const std::string content =
      GENERATE(as<std::string>{}, "", "x", "-1", "0", "1x", "99999999999999999999999999", "../1");
  std::ofstream(home.path() / "catalog" / "current", std::ios::trunc) << content;
  const auto error = test::error_of([&] { return current_catalog_number(home.path()); });
  CHECK(error.code() == ErrorCode::malformed);
  CHECK_FALSE(error.hint().empty());
}

TEST_CASE("readers see whole catalogs while others are published", "[store][catalog_publish]") {
  const base::TempDir home;
  publish(home.path(), 1);
  const CurrentCatalog current(home.path());
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> readers;
    for (int t = 0; t < 3; ++t) {
      readers.emplace_back([&] {
        std::uint64_t last = 0;
        while (!done) {
          const auto catalog = current.get();
          const bool good = catalog && catalog->number() >= last &&
                            catalog->find("file", "number-" + std::to_string(catalog->number()));
          wrong += good ? 0 : 1;
          last = catalog ? catalog->number() : last;
        }
      });
    }
    for (std::uint64_t number = 2; number < 12; ++number) {
      publish(home.path(), number);
    }
    done = true;
  }
  CHECK(wrong == 0);
}

}  // namespace airlock::store
