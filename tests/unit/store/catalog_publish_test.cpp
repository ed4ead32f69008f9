// Switching from one catalog to the next, and making it from what is active in a state.
#include <fstream>
#include <thread>

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/sqlite.hpp"
#include "store/catalog.hpp"
#include "store/catalog_files.hpp"
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

TEST_CASE("the catalog is the union of the active generations", "[store][state_db]") {
  Home home;
  const auto& path = home.folder.path();
  const base::Digest sha512 = base::Digest::parse("sha512:" + std::string(128, 'e'));
  model::FileRow tag = file_row("oci", "h/r:1", "old");
  tag.kind = model::Kind::tag;
  const auto first = home.state.add_generation(generation("one", 1));
  home.state.add_row(first, file_row("file", "a"));
  home.state.add_row(first, tag);
  const auto second = home.state.add_generation(generation("two", 1));
  home.state.add_row(second, file_row("file", "b"));
  tag.sha256 = base::sha256("new");
  home.state.add_row(second, tag);
  const auto held = home.state.add_generation(generation("three", 1));
  home.state.add_row(held, file_row("file", "c"));
  home.state.add_alias(sha512, base::sha256("content"));
  home.state.set_active(second);
  home.state.set_active(first);

  publish_catalog(home.state, path);
  CHECK(catalog_is_current(home.state, path));
  // As an airlock before this one left it.
  base::Database(catalog_file(path, current_catalog_number(path)), base::DatabaseMode::read_write)
      .execute("UPDATE info SET value='1' WHERE key='format'");
  CHECK_FALSE(catalog_is_current(home.state, path));
  publish_catalog(home.state, path);
  CHECK(catalog_is_current(home.state, path));
  auto catalog = Catalog::open_current(path);
  CHECK(catalog->find("file", "a")->channel == "one");
  CHECK(catalog->find("file", "b")->generation == second);
  CHECK_FALSE(catalog->find("file", "c"));
  CHECK(catalog->find("oci", "h/r:1")->sha256 == base::sha256("new"));  // the newest import wins
  CHECK(catalog->alias(sha512) == base::sha256("content"));

  // Rollback: another generation of the channel is active, and nothing else changes.
  const auto third = home.state.add_generation(generation("one", 2));
  home.state.add_row(third, file_row("file", "a", "changed"));
  home.state.set_active(third);
  publish_catalog(home.state, path);
  CHECK(Catalog::open_current(path)->find("file", "a")->sha256 == base::sha256("changed"));
  home.state.set_active(first);
  publish_catalog(home.state, path);
  CHECK(Catalog::open_current(path)->find("file", "a")->sha256 == base::sha256("content"));
  CHECK(Catalog::open_current(path)->number() > catalog->number());
}

TEST_CASE("a conflict between channels shows before anything changed", "[store][state_db]") {
  Home home;
  const auto& path = home.folder.path();
  const auto first = home.state.add_generation(generation("one", 1));
  home.state.add_row(first, file_row("file", "a"));
  home.state.set_active(first);
  publish_catalog(home.state, path);
  {
    const auto change = home.state.change();
    const auto second = home.state.add_generation(generation("two", 1));
    home.state.add_row(second, file_row("file", "a", "other"));
    home.state.set_active(second);
    CHECK(test::code_of([&] { return prepare_catalog(home.state, path)->number(); }) == ErrorCode::untrusted);
  }
  CHECK(home.state.generations().size() == 1);
  CHECK(catalog_is_current(home.state, path));
  CHECK(Catalog::open_current(path)->number() == 1);
}

TEST_CASE("a crash between commit and switch is seen and mended", "[store][state_db]") {
  Home home;
  const auto& path = home.folder.path();
  const auto first = home.state.add_generation(generation("one", 1));
  home.state.add_row(first, file_row("file", "a"));
  {
    auto change = home.state.change();
    home.state.set_active(first);
    const auto prepared = prepare_catalog(home.state, path);
    change.commit();
    // publish() never came
  }
  CHECK(Catalog::open_current(path) == nullptr);
  CHECK_FALSE(catalog_is_current(home.state, path));
  publish_catalog(home.state, path);
  CHECK(catalog_is_current(home.state, path));
  CHECK(Catalog::open_current(path)->find("file", "a"));
}

TEST_CASE("after a restored backup no catalog number is used twice", "[store][state_db]") {
  const base::TempDir folder;
  {
    CatalogBuilder ahead(folder.path(), 41);  // from a state that the backup does not know
    ahead.publish();
  }
  StateDb state(folder.path(), StateDb::Access::change);
  publish_catalog(state, folder.path());
  CHECK(Catalog::open_current(folder.path())->number() == 42);
}

}  // namespace airlock::store
