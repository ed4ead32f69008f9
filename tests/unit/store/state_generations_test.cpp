// The states of channels: which is active, their rows, and what is counted of them.
#include "base/error.hpp"
#include "base/files.hpp"
#include "store/state_db.hpp"
#include "store_fixture.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::store {

using base::ErrorCode;

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

}  // namespace airlock::store
