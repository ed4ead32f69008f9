#include "store/denials.hpp"
#include "store/state_db.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "store/catalog_files.hpp"
#include "store_fixture.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::store {

using base::ErrorCode;
using base::Time;

namespace {

const ChannelKey k_one{.producer = std::string(64, 'p'), .channel = "one"};
const ChannelKey k_other_producer{.producer = std::string(64, 'q'), .channel = "one"};

Time at(long seconds) {
  return Time(std::chrono::seconds(seconds));
}

// What step 3 of the schema added, taken away again; roots were kept by channel then.
constexpr std::string_view k_back_to_step_2 =
    "CREATE TABLE roots (channel INTEGER NOT NULL REFERENCES channels, version INTEGER NOT NULL, bytes BLOB NOT NULL, "
    "  PRIMARY KEY (channel, version));"
    "DROP TABLE producer_roots; DROP TABLE withheld; DROP TABLE imported; "
    "ALTER TABLE generations DROP COLUMN last_active; PRAGMA user_version=2";

struct Home {
  base::TempDir folder;
  StateDb state{folder.path(), StateDb::Access::change};
};

}  // namespace

TEST_CASE("a home without state is named to readers and made for writers", "[store][state_db]") {
  const base::TempDir folder;
  const auto error = test::error_of([&] { return StateDb(folder.path() / "home", StateDb::Access::read).channels(); });
  CHECK(error.code() == ErrorCode::not_found);
  CHECK_FALSE(error.hint().empty());
  { StateDb(folder.path() / "home", StateDb::Access::change); }
  CHECK(StateDb(folder.path() / "home", StateDb::Access::read).generations().empty());
}

TEST_CASE("one process at a time may change a home, others may read it", "[store][state_db]") {
  Home home;
  home.state.raise_time_floor(at(5));
  CHECK(test::code_of([&] { return StateDb(home.folder.path(), StateDb::Access::change).channels(); }) ==
        ErrorCode::busy);
  CHECK(StateDb(home.folder.path(), StateDb::Access::read).time_floor() == at(5));
}

TEST_CASE("a folder for proofs that a killed process left goes with the next change, one in use does not",
          "[store][state_db]") {
  const base::TempDir folder;
  const auto left = folder.path() / ".airlock-proof-Ab3dEf";
  base::make_directories(left);
  base::write_file_atomic(left / "head-1.airlock", "x");
  const StateDb state(folder.path(), StateDb::Access::change);
  CHECK_FALSE(std::filesystem::exists(left));
  std::filesystem::path used;
  {
    const base::TempDir scratch = state.proof_folder();
    used = scratch.path();
    CHECK(used.parent_path() == folder.path());
    CHECK(test::code_of([&] { return StateDb(folder.path(), StateDb::Access::change).channels(); }) == ErrorCode::busy);
    const StateDb reader(folder.path(), StateDb::Access::read);
    CHECK(std::filesystem::exists(used));
    CHECK(test::code_of([&] { return reader.proof_folder().path(); }) == ErrorCode::internal);
  }
  CHECK_FALSE(std::filesystem::exists(used));
}

TEST_CASE("trust state is kept for each producer and channel", "[store][state_db]") {
  Home home;
  home.state.add_root(k_one.producer, 3, "root three");
  home.state.add_root(k_one.producer, 2, std::string("root\0two", 8));
  home.state.add_root(k_other_producer.producer, 9, "other");
  CHECK(home.state.channels().empty());
  CHECK(home.state.roots(k_one.producer) == std::vector<std::string>{std::string("root\0two", 8), "root three"});
  home.state.set_role(k_one, "snapshot", "first");
  home.state.set_role(k_one, "snapshot", "second");
  CHECK(home.state.role(k_one, "snapshot") == "second");
  CHECK_FALSE(home.state.role(k_one, "timestamp"));
  CHECK_FALSE(home.state.role(k_other_producer, "snapshot"));
  CHECK(home.state.channels() == std::vector<ChannelKey>{k_one});
}

TEST_CASE("the time floor rises and never falls", "[store][state_db]") {
  Home home;
  CHECK_FALSE(home.state.time_floor());
  home.state.raise_time_floor(at(100));
  home.state.raise_time_floor(at(50));
  CHECK(home.state.time_floor() == at(100));
  CHECK_FALSE(home.state.last_wall());
  home.state.raise_last_wall(at(70));
  home.state.raise_last_wall(at(60));
  CHECK(home.state.last_wall() == at(70));
  home.state.reset_last_wall(at(60));
  CHECK(home.state.last_wall() == at(60));
}

TEST_CASE("a home that is made here is its owner's alone, and so is its lock", "[store][state_db]") {
  const base::TempDir folder;
  const auto home = folder.path() / "home";
  const auto mode = [](const std::filesystem::path& path) {
    return std::filesystem::status(path).permissions() & std::filesystem::perms::all;
  };
  { const StateDb state(home, StateDb::Access::change); }
  CHECK(mode(home) == std::filesystem::perms(0700));
  CHECK(mode(home / "lock") == std::filesystem::perms(0600));
  // One that an older airlock made.
  std::filesystem::permissions(home / "lock", std::filesystem::perms(0644));
  { const StateDb state(home, StateDb::Access::change); }
  CHECK(mode(home / "lock") == std::filesystem::perms(0600));
}

TEST_CASE("nothing of a change stays unless it is committed", "[store][state_db]") {
  Home home;
  {
    const auto change = home.state.change();
    home.state.add_blob(base::sha256("x"), 1);
    home.state.set_role(k_one, "targets", "bytes");
    home.state.add_row(home.state.add_generation(generation("one", 1)), file_row("file", "a"));
    home.state.audit(at(1), "import", "{}");
    home.state.raise_time_floor(at(1));
    CHECK(home.state.has_blob(base::sha256("x")));
  }
  CHECK_FALSE(home.state.has_blob(base::sha256("x")));
  CHECK_FALSE(home.state.role(k_one, "targets"));
  CHECK(home.state.generations().empty());
  CHECK(home.state.audit_entries().empty());
  CHECK_FALSE(home.state.time_floor());
  CHECK_FALSE(home.state.last_serial(k_one));
}

TEST_CASE("readers see a change when it is committed, and not before", "[store][state_db]") {
  Home home;
  home.state.raise_time_floor(at(1));
  const StateDb reader(home.folder.path(), StateDb::Access::read);
  {
    auto change = home.state.change();
    home.state.add_blob(base::sha256("x"), 1);
    CHECK_FALSE(reader.has_blob(base::sha256("x")));
    change.commit();
  }
  CHECK(reader.has_blob(base::sha256("x")));
}

TEST_CASE("blobs that count as present are listed by digest", "[store][state_db]") {
  Home home;
  home.state.add_blob(base::sha256("x"), 1);
  home.state.add_blob(base::sha256("x"), 1);
  home.state.add_blob(base::sha256("yy"), 2);
  CHECK(home.state.blob_length(base::sha256("yy")) == 2);
  std::vector<base::Digest> seen;
  home.state.for_each_blob([&](const base::Digest& digest, std::uint64_t) { seen.push_back(digest); });
  CHECK(seen.size() == 2);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
  home.state.remove_blob(base::sha256("x"));
  CHECK_FALSE(home.state.has_blob(base::sha256("x")));
}

TEST_CASE("one generation of a channel is active, and serials are remembered", "[store][state_db]") {
  Home home;
  const auto first = home.state.add_generation(generation("one", 4));
  const auto second = home.state.add_generation(generation("one", 5));
  const auto other = home.state.add_generation(generation("two", 1));
  home.state.set_active(first);
  home.state.set_active(other);
  home.state.set_active(second);
  const auto all = home.state.generations();
  REQUIRE(all.size() == 3);
  CHECK(all[0].id == other);
  CHECK(all[0].active);
  CHECK(all[1].active);
  CHECK_FALSE(all[2].active);
  CHECK(all[2].serial == 4);
  CHECK(all[2].created == generation("one", 4).created);
  CHECK(home.state.last_serial(k_one) == 5);

  CHECK(test::code_of([&] {
          home.state.drop_generation(second);
          return 0;
        }) == ErrorCode::conflict);
  home.state.set_active(first);
  home.state.drop_generation(second);
  CHECK_FALSE(home.state.generation(second));
  CHECK(home.state.last_serial(k_one) == 5);  // replay of a dropped state stays refused
  CHECK(home.state.add_generation(generation("one", 6)) > other);
  CHECK(test::code_of([&] {
          home.state.set_active(99);
          return 0;
        }) == ErrorCode::not_found);
  CHECK(test::code_of([&] {
          home.state.drop_generation(99);
          return 0;
        }) == ErrorCode::not_found);
}

TEST_CASE("a channel out of service has nothing active and keeps what it was trusted with", "[store][state_db]") {
  Home home;
  const auto first = home.state.add_generation(generation("one", 4));
  const auto other = home.state.add_generation(generation("two", 1));
  home.state.set_active(first);
  home.state.set_active(other);
  home.state.set_role(k_one, "snapshot", "signed");
  home.state.withhold(k_one, base::sha256("unwanted"), at(1000));
  CHECK_FALSE(home.state.out_of_service(k_one));

  home.state.take_out_of_service(k_one, {.reason = "moved", .ticket = "CHG-9", .user = {}, .since = at(1000)});
  CHECK_FALSE(home.state.generation(first)->active);
  CHECK(home.state.generation(other)->active);
  const auto out = home.state.out_of_service(k_one);
  REQUIRE(out);
  CHECK(out->reason == "moved");
  CHECK(out->ticket == "CHG-9");
  CHECK_FALSE(out->user.empty());
  CHECK(out->since == at(1000));
  CHECK_FALSE(home.state.out_of_service(generation("two", 1).channel));
  CHECK(home.state.last_serial(k_one) == 4);
  CHECK(home.state.role(k_one, "snapshot") == "signed");
  CHECK(home.state.withheld(k_one).contains(base::sha256("unwanted")));

  // A newer state does not change it; only one that is activated does.
  const auto second = home.state.add_generation(generation("one", 5));
  CHECK(home.state.out_of_service(k_one));
  home.state.set_active(second);
  CHECK_FALSE(home.state.out_of_service(k_one));
  // Also of a channel of which nothing is here yet.
  const ChannelKey unknown{.producer = std::string(64, 'p'), .channel = "three"};
  home.state.take_out_of_service(unknown, {.reason = "never wanted", .ticket = {}, .user = {}, .since = at(1000)});
  CHECK(home.state.out_of_service(unknown));
}

TEST_CASE("rows of a generation come back in order and go with it", "[store][state_db]") {
  Home home;
  const auto id = home.state.add_generation(generation("one", 1));
  model::FileRow known;
  known.ecosystem = "npm";
  known.path = "x";
  known.kind = model::Kind::known;
  const std::vector<model::FileRow> rows = {file_row("file", "a"), known, file_row("oci", "b")};
  home.state.add_row(id, rows[2]);
  home.state.add_row(id, rows[0]);
  home.state.add_row(id, rows[1]);
  const auto read = [&] {
    std::vector<model::FileRow> result;
    home.state.for_each_row(id, [&](const model::FileRow& row) { result.push_back(row); });
    return result;
  };
  CHECK(read() == rows);
  CHECK_THROWS_AS(home.state.add_row(id, rows[0]), base::Error);
  home.state.drop_generation(id);
  CHECK(read().empty());
}

TEST_CASE("the rows of two generations are given side by side", "[store][state_db]") {
  Home home;
  const auto before = home.state.add_generation(generation("one", 1));
  const auto after = home.state.add_generation(generation("one", 2));
  for (const auto& row : {file_row("file", "a"), file_row("file", "b", "old"), file_row("npm", "a", "gone"),
                          file_row("zz", "head", "old head")}) {
    home.state.add_row(before, row);
  }
  for (const auto& row : {file_row("file", "b", "newer"), file_row("file", "b2", "newer"), file_row("file", "\u00e4"),
                          file_row("oci", "a", "x"), file_row("zz", "head", "new head")}) {
    home.state.add_row(after, row);
  }
  const auto pairs = [&](std::uint64_t first, std::uint64_t second) {
    std::vector<std::string> result;
    home.state.for_each_row_pair(first, second, [&](const model::FileRow* a, const model::FileRow* b) {
      REQUIRE((a != nullptr || b != nullptr));
      const model::FileRow& row = a != nullptr ? *a : *b;
      CHECK((b == nullptr || (b->ecosystem == row.ecosystem && b->path == row.path)));
      result.push_back((a == nullptr             ? "+"
                        : b == nullptr           ? "-"
                        : a->sha256 == b->sha256 ? "="
                                                 : "~") +
                       row.ecosystem + ":" + row.path);
    });
    return result;
  };
  CHECK(pairs(before, after) ==
        std::vector<std::string>{"-file:a", "~file:b", "+file:b2", "+file:\u00e4", "-npm:a", "+oci:a", "~zz:head"});
  CHECK(pairs(before, before) == std::vector<std::string>{"=file:a", "=file:b", "=npm:a", "=zz:head"});
  CHECK(pairs(99, after).size() == 5);
  CHECK(pairs(before, 99).front() == "-file:a");
  CHECK(pairs(98, 99).empty());
  // "newer" once, though two paths have it, and "content" not at all, under whatever path it was.
  CHECK(home.state.bytes_only_in(after, before, "zz") == 6);
  CHECK(home.state.bytes_only_in(after, before, "") == 14);
  CHECK(home.state.bytes_only_in(after, after, "") == 0);
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

TEST_CASE("a database of a newer airlock is refused with a hint", "[store][state_db]") {
  const base::TempDir folder;
  {
    base::Database database(folder.path() / "airlock.db", base::DatabaseMode::read_write);
    database.execute("PRAGMA user_version=1000");
  }
  const auto access = GENERATE(StateDb::Access::read, StateDb::Access::change);
  CHECK(test::code_of([&] { return StateDb(folder.path(), access).channels(); }) == ErrorCode::unsupported);
}

TEST_CASE("a floor only rises, member by member", "[store][state]") {
  const base::TempDir home;
  StateDb state(home.path(), StateDb::Access::change);
  const ChannelKey key{std::string(64, 'p'), "one"};
  CHECK_FALSE(state.floor(key));
  state.raise_floor(key, {.serial = 7, .bundle_id = "seven", .root_version = 2});
  state.raise_floor(key, {.serial = 5, .bundle_id = "five", .root_version = 3, .snapshot_version = 9});
  auto floor = state.floor(key);
  REQUIRE(floor);
  CHECK(floor->serial == 7);
  CHECK(floor->bundle_id == "seven");
  CHECK(floor->root_version == 3);
  CHECK(floor->snapshot_version == 9);
  state.raise_floor(key, {.serial = 8});
  CHECK(state.floor(key)->bundle_id.empty());  // not known of 8
  CHECK_FALSE(state.floor({key.producer, "two"}));
  CHECK(state.channels().size() == 1);
  CHECK_FALSE(state.last_serial(key));
}

TEST_CASE("a floor is lowered to exactly what is asked, and remembers when and why", "[store][state]") {
  const base::TempDir home;
  StateDb state(home.path(), StateDb::Access::change);
  const ChannelKey key{std::string(64, 'p'), "one"};
  state.raise_floor(key, {.serial = 700, .bundle_id = "x", .root_version = 900, .snapshot_version = 800});
  CHECK_FALSE(state.floor_lowering(key));
  state.lower_floor(key, {.serial = 7, .root_version = 2, .snapshot_version = 7},
                    {.time = base::Time(std::chrono::seconds(5)), .reason = "a digit too many"});
  CHECK(state.floor(key)->serial == 7);
  CHECK(state.floor(key)->bundle_id.empty());
  CHECK(state.root_floor(key.producer) == 2);
  CHECK(state.floor(key)->snapshot_version == 7);
  REQUIRE(state.floor_lowering(key));
  CHECK(state.floor_lowering(key)->reason == "a digit too many");
  CHECK(state.floor_lowering(key)->time == base::Time(std::chrono::seconds(5)));
}

TEST_CASE("the log tells which bundle a serial was, whatever became of its generation", "[store][state]") {
  const base::TempDir home;
  StateDb state(home.path(), StateDb::Access::change);
  const auto detail = [](std::string_view channel, int serial, std::string_view bundle_id) {
    return R"({"producer":")" + k_one.producer + R"(","channel":")" + std::string(channel) + R"(","serial":)" +
           std::to_string(serial) + R"(,"bundle_id":)" + std::string(bundle_id) + "}";
  };
  CHECK_FALSE(state.imported_as(k_one, 7));
  state.audit(at(1), "import", detail("one", 7, R"("first")"));
  state.audit(at(2), "import", detail("one", 8, R"("eight")"));
  state.audit(at(3), "import", detail("two", 7, R"("of another channel")"));
  state.audit(at(4), "import-again", detail("one", 7, R"("only once more")"));
  state.audit(at(5), "import", "no JSON");
  state.audit(at(6), "import", detail("one", 7, "5"));
  CHECK(state.imported_as(k_one, 7) == "first");
  CHECK(state.imported_as(k_one, 8) == "eight");
  CHECK_FALSE(state.imported_as(k_one, 9));
  CHECK_FALSE(state.imported_as(k_other_producer, 7));
  state.audit(at(7), "import", detail("one", 7, R"("second")"));
  CHECK(StateDb(home.path(), StateDb::Access::read).imported_as(k_one, 7) == "second");
}

TEST_CASE("a restored state remembers that it is one until it is told otherwise", "[store][state]") {
  const base::TempDir home;
  StateDb state(home.path(), StateDb::Access::change);
  CHECK_FALSE(state.restored());
  state.set_restored(std::nullopt);
  CHECK_FALSE(state.restored());
  state.set_restored(Restored{.backup = base::Time(std::chrono::seconds(1)),
                              .restored = base::Time(std::chrono::seconds(2)),
                              .floors_given = true});
  REQUIRE(state.restored());
  CHECK(state.restored()->backup == base::Time(std::chrono::seconds(1)));
  CHECK(state.restored()->floors_given);
  state.set_restored(std::nullopt);
  CHECK_FALSE(state.restored());
}

TEST_CASE("blobs, rows of a content and rows of a kind are counted by the database", "[store][state]") {
  const base::TempDir home;
  StateDb state(home.path(), StateDb::Access::change);
  CHECK(state.blob_totals().blobs == 0);
  state.add_blob(base::sha256("content"), 7);
  state.add_blob(base::sha256("other"), 5);
  CHECK(state.blob_totals().blobs == 2);
  CHECK(state.blob_totals().bytes == 12);
  const auto first = state.add_generation(generation("one", 1));
  const auto second = state.add_generation(generation("one", 2));
  state.add_row(first, file_row("file", "a"));
  state.add_row(first, file_row("file", "b", "other"));
  auto withheld = file_row("file", "a");
  withheld.kind = model::Kind::withheld;
  state.add_row(second, withheld);
  CHECK(state.count_rows(first, model::Kind::withheld) == 0);
  CHECK(state.count_rows(second, model::Kind::withheld) == 1);
  std::vector<std::pair<std::uint64_t, std::string>> found;
  state.for_each_row_of(base::sha256("content"),
                        [&](std::uint64_t id, const model::FileRow& row) { found.emplace_back(id, row.path); });
  CHECK(found == std::vector<std::pair<std::uint64_t, std::string>>{{first, "a"}, {second, "a"}});
}

TEST_CASE("a state of an older step is read as it is, and brought forward by whoever changes it", "[store][state_db]") {
  const base::TempDir folder;
  { StateDb(folder.path(), StateDb::Access::change); }
  {
    base::Database database(folder.path() / "airlock.db", base::DatabaseMode::read_write);
    database.execute(k_back_to_step_2);
    database.execute("INSERT INTO channels (id, producer, channel) VALUES (1, 'p', 'a'), (2, 'p', 'b');"
                     "INSERT INTO roots VALUES (1, 2, 'two'), (2, 2, 'two'), (2, 3, 'three');"
                     "DROP TABLE revoked; DROP TABLE blocks; DROP TABLE blocked_blobs; PRAGMA user_version=1");
  }
  const std::vector<std::string> both = {"two", "three"};
  {
    const StateDb older(folder.path(), StateDb::Access::read);
    CHECK(older.roots("p").back() == "three");
    CHECK(older.revoked().empty());
    CHECK(older.blocks().empty());
    older.for_each_kept_blob([](const base::Digest&) { FAIL("nothing is kept"); });
    CHECK(Denials(older).empty());
  }
  StateDb state(folder.path(), StateDb::Access::change);
  CHECK(state.roots("p") == both);
  state.set_block({.item = "npm:left-pad", .reason = "why", .ticket = "", .user = "", .since = {}});
  REQUIRE(state.blocks().size() == 1);
  CHECK_FALSE(state.blocks().front().user.empty());
  CHECK(state.remove_block("npm:left-pad"));
  CHECK_FALSE(state.remove_block("npm:left-pad"));
}

TEST_CASE("what a home of an older step withholds stays withheld", "[store][state_db]") {
  const base::TempDir folder;
  {
    StateDb state(folder.path(), StateDb::Access::change);
    auto row = file_row("file", "a", "released since");
    row.kind = model::Kind::withheld;
    state.add_row(state.add_generation(generation("one", 1)), row);
    row = file_row("file", "a", "unwanted");
    row.kind = model::Kind::withheld;
    const auto newest = state.add_generation(generation("one", 2));
    state.add_row(newest, row);
    state.add_row(newest, file_row("file", "b", "wanted"));
    state.add_row(state.add_generation(generation("two", 1)), file_row("file", "c", "unwanted"));
  }
  base::Database(folder.path() / "airlock.db", base::DatabaseMode::read_write).execute(k_back_to_step_2);
  const ChannelKey one = generation("one", 1).channel;
  const std::set<base::Digest> unwanted = {base::sha256("unwanted")};
  CHECK(StateDb(folder.path(), StateDb::Access::read).withheld(one) == unwanted);
  StateDb state(folder.path(), StateDb::Access::change);
  CHECK(state.withheld(one) == unwanted);
  CHECK(state.withheld(generation("two", 1).channel).empty());
  CHECK_FALSE(state.withhold(one, base::sha256("unwanted"), at(1)));
  CHECK(state.release(one, base::sha256("unwanted")));
  CHECK_FALSE(state.release(one, base::sha256("unwanted")));
  CHECK(state.withheld(one).empty());
}

TEST_CASE("what a home of an older step served and imported is known from its log", "[store][state_db]") {
  const base::TempDir folder;
  const ChannelKey one = generation("one", 1).channel;
  {
    StateDb state(folder.path(), StateDb::Access::change);
    for (const std::uint64_t serial : {3u, 4u, 6u}) {
      state.add_generation(generation("one", serial));
    }
    state.set_active(2);
    state.audit(at(1), "import", R"({"producer":")" + one.producer + R"(","channel":"one","serial":5})");
    state.audit(at(2), "import", R"({"producer":"nobody","channel":"one","serial":9})");
    state.audit(at(3), "import", "{}");
    state.audit(at(4), "import", "no JSON");
  }
  base::Database(folder.path() / "airlock.db", base::DatabaseMode::read_write).execute(k_back_to_step_2);
  {
    const StateDb older(folder.path(), StateDb::Access::read);
    CHECK(older.imported_serials(one) == std::set<std::uint64_t>{3, 4, 6});
    CHECK(older.generations().front().last_active == 0);
  }
  StateDb state(folder.path(), StateDb::Access::change);
  CHECK(state.imported_serials(one) == std::set<std::uint64_t>{3, 4, 5, 6});
  const auto all = state.generations();  // newest first
  REQUIRE(all.size() == 3);
  CHECK(all[0].last_active == 0);
  CHECK(all[1].last_active > all[2].last_active);
  CHECK(all[2].last_active > 0);
  state.set_active(3);
  CHECK(state.generation(3)->last_active > all[1].last_active);
  state.drop_generation(1);
  CHECK(state.imported_serials(one).contains(3));
}

TEST_CASE("a denial by another digest means the content that it is known for", "[store][denials]") {
  const base::TempDir folder;
  StateDb state(folder.path(), StateDb::Access::change);
  const base::Digest other = base::Digest::parse("sha512:" + std::string(128, 'a'));
  state.add_alias(other, base::sha256("content"));
  state.set_block({.item = other.to_string(), .reason = "why", .ticket = "", .user = "", .since = {}});
  model::FileRow row;
  row.ecosystem = "npm";
  row.path = "left-pad/-/left-pad-1.3.0.tgz";
  row.sha256 = base::sha256("content");
  const ChannelKey channel{"producer", "site-a"};
  const Denials denials(state);
  REQUIRE(denials.find(channel, row) != nullptr);
  CHECK(denials.find(channel, row)->why == "blocked on this side: why");
  row.sha256 = base::sha256("other content");
  CHECK(denials.find(channel, row) == nullptr);
  row.pin = other.to_string();
  CHECK(denials.find(channel, row) == nullptr);  // the alias says better what it is
}

}  // namespace airlock::store
