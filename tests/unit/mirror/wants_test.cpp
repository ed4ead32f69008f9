#include "mirror/wants.hpp"

#include <map>
#include <string>
#include <thread>

#include "base/files.hpp"
#include "base/sqlite.hpp"
#include "mirror/mirror_db.hpp"
#include "support/catch.hpp"

namespace airlock::mirror {

namespace {

const base::Time k_noon = base::parse_rfc3339("2026-07-01T12:00:00Z");

}  // namespace

TEST_CASE("misses are counted with the first and the last time", "[mirror][wants]") {
  base::TempDir home;
  base::FixedClock clock(k_noon);
  {
    WantsRecorder recorder(home.path(), clock);
    recorder.record("oci", "docker.io/library/nginx:1");
    recorder.record("npm", "left-pad");
    recorder.flush();
    clock.set(k_noon + std::chrono::hours(1));
    recorder.record("oci", "docker.io/library/nginx:1");
    recorder.record("oci", "docker.io/library/nginx:1");
  }
  const std::vector<Want> wants = read_wants(home.path());
  REQUIRE(wants.size() == 2);
  CHECK(wants[0].ecosystem == "npm");
  CHECK(wants[1].name == "docker.io/library/nginx:1");
  CHECK(wants[1].count == 3);
  CHECK(wants[1].first == k_noon);
  CHECK(wants[1].last == k_noon + std::chrono::hours(1));
}

TEST_CASE("a home where no server ran has no wants", "[mirror][wants]") {
  base::TempDir home;
  CHECK(read_wants(home.path()).empty());
  CHECK_FALSE(std::filesystem::exists(mirror_db_path(home.path())));
}

TEST_CASE("names that cannot be printed, or are too long, are left out", "[mirror][wants]") {
  base::TempDir home;
  base::FixedClock clock(k_noon);
  WantsRecorder recorder(home.path(), clock);
  recorder.record("npm", "");
  recorder.record("npm", "a\x1b[31m");
  recorder.record("npm", "\xff");
  recorder.record("npm", std::string(1025, 'x'));
  recorder.record("npm", std::string(1024, 'x'));
  recorder.flush();
  CHECK(read_wants(home.path()).size() == 1);
}

TEST_CASE("made-up names neither fill the list nor end it", "[mirror][wants]") {
  base::TempDir home;
  base::FixedClock clock(k_noon);
  {
    base::Database database = open_mirror_db(home.path());
    database.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) INSERT INTO wants "
        "SELECT 'npm', 'name' || i, 1, '2026-07-01T00:00:00Z', "
        "CASE i WHEN 7 THEN '2026-06-01T00:00:00Z' WHEN 8 THEN '2026-06-02T00:00:00Z' ELSE '2026-07-01T00:00:00Z' END "
        "FROM n");
  }
  WantsRecorder recorder(home.path(), clock);
  recorder.record("npm", "one too many");
  recorder.record("npm", "name7");
  recorder.flush();
  std::map<std::string, std::uint64_t> counts;
  for (const Want& want : read_wants(home.path())) {
    counts[want.name] = want.count;
  }
  CHECK(counts.size() == 100'000);
  CHECK(counts["one too many"] == 1);
  CHECK(counts["name7"] == 2);  // asked for again
  CHECK_FALSE(counts.contains("name8"));
}

TEST_CASE("many threads record at once", "[mirror][wants]") {
  base::TempDir home;
  base::FixedClock clock(k_noon);
  {
    WantsRecorder recorder(home.path(), clock);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) {
          recorder.record("go", "module" + std::to_string(i % 10));
        }
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
  }
  std::uint64_t total = 0;
  for (const Want& want : read_wants(home.path())) {
    total += want.count;
  }
  CHECK(total == 4000);
}

TEST_CASE("a database that cannot be written is told once", "[mirror][wants]") {
  base::TempDir home;
  base::FixedClock clock(k_noon);
  int told = 0;
  {
    WantsRecorder recorder(home.path() / "absent", clock, [&](std::string_view) { ++told; });
    for (int i = 0; i < 3; ++i) {
      recorder.record("npm", "a");
      recorder.flush();
    }
  }
  CHECK(told == 1);
}

}  // namespace airlock::mirror
