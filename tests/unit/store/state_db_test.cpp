// A home's state as a file: who may open and change it, and a home that an older or newer airlock made.
#include "store/state_db.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "base/sqlite.hpp"
#include "store/denials.hpp"
#include "store_fixture.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::store {

using base::ErrorCode;

namespace {

// What step 3 of the schema added, taken away again; roots were kept by channel then.
constexpr std::string_view k_back_to_step_2 =
    "CREATE TABLE roots (channel INTEGER NOT NULL REFERENCES channels, version INTEGER NOT NULL, bytes BLOB NOT NULL, "
    "  PRIMARY KEY (channel, version));"
    "DROP TABLE producer_roots; DROP TABLE withheld; DROP TABLE imported; "
    "ALTER TABLE generations DROP COLUMN last_active; PRAGMA user_version=2";

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

TEST_CASE("a database of a newer airlock is refused with a hint", "[store][state_db]") {
  const base::TempDir folder;
  {
    base::Database database(folder.path() / "airlock.db", base::DatabaseMode::read_write);
    database.execute("PRAGMA user_version=1000");
  }
  const auto access = GENERATE(StateDb::Access::read, StateDb::Access::change);
  CHECK(test::code_of([&] { return StateDb(folder.path(), access).channels(); }) == ErrorCode::unsupported);
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

}  // namespace airlock::store
