// What a home remembers of whom it trusts: roots, roles, floors, and that it was restored.
#include "base/files.hpp"
#include "store/state_db.hpp"
#include "store_fixture.hpp"
#include "support/catch.hpp"

namespace airlock::store {

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

}  // namespace airlock::store
