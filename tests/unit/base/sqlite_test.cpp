#include "base/sqlite_copy.hpp"

#include <array>
#include <latch>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.hpp"
#include "base/files.hpp"
#include "support/errors.hpp"

using namespace airlock::base;
using airlock::test::code_of;
using airlock::test::error_of;

namespace {

std::int64_t count_rows(Database& database) {
  Statement query = database.prepare("SELECT count(*) FROM t");
  REQUIRE(query.step());
  return query.number(0);
}

std::string pragma(Database& database, const std::string& name) {
  Statement query = database.prepare("PRAGMA " + name);
  REQUIRE(query.step());
  return query.text(0);
}

}  // namespace

TEST_CASE("values go in and come out as they were", "[base][sqlite]") {
  const TempDir dir;
  Database database(dir.path() / "x.db", DatabaseMode::read_write);
  database.execute("CREATE TABLE t (a TEXT, b INTEGER, c BLOB, d TEXT); CREATE INDEX i ON t (a)");
  const std::string bytes("\0\xFF\0", 3);
  Statement insert = database.prepare("INSERT INTO t VALUES (?1, ?2, ?3, ?4)");
  insert.bind(1, std::string("te\0xt", 5)).bind(2, INT64_MIN).bind_blob(3, as_bytes(bytes)).bind_null(4).run();
  CHECK(database.last_insert_id() == 1);
  CHECK(database.changes() == 1);
  insert.bind(1, std::string_view()).bind(2, 7).bind_blob(3, {}).bind(4, "x").run();

  Statement query = database.prepare("SELECT a, b, c, d FROM t ORDER BY rowid");
  REQUIRE(query.step());
  CHECK(query.text(0) == std::string("te\0xt", 5));
  CHECK(query.number(1) == INT64_MIN);
  CHECK(query.blob(2) == bytes);
  CHECK(query.is_null(3));
  CHECK(query.text(3).empty());
  REQUIRE(query.step());
  CHECK_FALSE(query.is_null(0));
  CHECK(query.text(0).empty());
  CHECK_FALSE(query.is_null(2));
  CHECK(query.blob(2).empty());
  CHECK_FALSE(query.step());
  query.reset();
  CHECK(query.step());
}

TEST_CASE("a bound text may go away before the statement runs", "[base][sqlite]") {
  const TempDir dir;
  Database database(dir.path() / "x.db", DatabaseMode::read_write);
  Statement query = database.prepare("SELECT ?1, ?2");
  {
    std::string text(100, 'a');
    std::string blob(100, 'b');
    query.bind(1, text).bind_blob(2, as_bytes(blob));
    text.assign(100, 'x');
    blob.assign(100, 'x');
  }
  REQUIRE(query.step());
  CHECK(query.text(0) == std::string(100, 'a'));
  CHECK(query.blob(1) == std::string(100, 'b'));
}

TEST_CASE("a use of a kept statement ends where its scope does", "[base][sqlite]") {
  const TempDir dir;
  Database database(dir.path() / "x.db", DatabaseMode::read_write);
  Statement kept = database.prepare("SELECT 1 UNION SELECT 2 ORDER BY 1");
  for (int i = 0; i < 2; ++i) {
    RunningStatement use(kept);
    REQUIRE(use->step());
    CHECK((*use).number(0) == 1);
  }
  try {
    RunningStatement use(kept);
    REQUIRE(use->step());
    throw Error(ErrorCode::internal, "in the middle");
  } catch (const Error&) {
    REQUIRE(kept.step());
    CHECK(kept.number(0) == 1);
  }
}

TEST_CASE("a database that is read and written is durable and checks its keys", "[base][sqlite]") {
  const TempDir dir;
  Database database(dir.path() / "x.db", DatabaseMode::read_write);
  CHECK(pragma(database, "journal_mode") == "wal");
  CHECK(pragma(database, "synchronous") == "2");
  CHECK(pragma(database, "foreign_keys") == "1");
}

TEST_CASE("a transaction that is not committed leaves nothing", "[base][sqlite]") {
  const TempDir dir;
  Database database(dir.path() / "x.db", DatabaseMode::read_write);
  database.execute("CREATE TABLE t (a)");
  {
    const Transaction transaction(database);
    database.execute("INSERT INTO t VALUES (1)");
  }
  CHECK(count_rows(database) == 0);
  {
    Transaction transaction(database);
    database.execute("INSERT INTO t VALUES (1)");
    transaction.commit();
  }
  CHECK(count_rows(database) == 1);
}

TEST_CASE("a second writer is busy", "[base][sqlite]") {
  const TempDir dir;
  Database one(dir.path() / "x.db", DatabaseMode::read_write);
  one.execute("CREATE TABLE t (a)");
  Database two(dir.path() / "x.db", DatabaseMode::read_write);
  two.execute("PRAGMA busy_timeout=10");
  const Transaction transaction(one);
  CHECK(code_of([&] { return Transaction(two), 0; }) == ErrorCode::busy);
  CHECK(count_rows(two) == 0);
}

TEST_CASE("many may create and migrate one database at the same time", "[base][sqlite]") {
  constexpr int k_threads = 8;
  constexpr int k_rounds = 25;  // they seldom meet in the moment that matters
  const TempDir dir;
  const std::array<std::string_view, 2> steps = {"CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"};
  for (int round = 0; round < k_rounds; ++round) {
    const auto file = dir.path() / std::to_string(round);
    std::latch ready(k_threads);
    std::mutex mutex;
    std::vector<std::string> failures;
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < k_threads; ++i) {
        threads.emplace_back([&] {
          ready.arrive_and_wait();
          try {
            Database database(file, DatabaseMode::read_write);
            database.migrate(steps);
          } catch (const Error& error) {
            const std::lock_guard lock(mutex);
            failures.push_back(error.message());
          }
        });
      }
    }
    CHECK(failures == std::vector<std::string>());
    Database database(file, DatabaseMode::read_write);
    CHECK(count_rows(database) == 1);
  }
}

TEST_CASE("mistakes in statements are named", "[base][sqlite]") {
  const TempDir dir;
  Database database(dir.path() / "x.db", DatabaseMode::read_write);
  const Error error = error_of([&] { return database.prepare("SELECT x FROM nowhere"); });
  CHECK(error.code() == ErrorCode::io);
  CHECK(error.message().find("nowhere") != std::string::npos);
  CHECK(error.message().find("x.db") != std::string::npos);
  CHECK(code_of([&] {
          database.execute("nonsense");
          return 0;
        }) == ErrorCode::io);
  database.execute("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1)");
  Statement insert = database.prepare("INSERT INTO t VALUES (1)");
  CHECK(code_of([&] {
          insert.run();
          return 0;
        }) == ErrorCode::io);
  CHECK(code_of([&] {
          insert.bind(5, 1);
          return 0;
        }) == ErrorCode::internal);
  CHECK(code_of([&] { return database.prepare("SELECT \"text\""); }) == ErrorCode::io);
}

TEST_CASE("a database must exist to be read, and cannot be written then", "[base][sqlite]") {
  const auto mode = GENERATE(DatabaseMode::read_only, DatabaseMode::immutable);
  const TempDir dir;
  const fs::path path = dir.path() / "a ?#%20 database.db";
  CHECK(code_of([&] { return Database(path, mode); }) == ErrorCode::not_found);
  CHECK_FALSE(fs::exists(path));
  {
    Database database(path, DatabaseMode::bulk);
    database.execute("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
  }
  CHECK(fs::exists(path));
  Database database(path, mode);
  CHECK(count_rows(database) == 1);
  CHECK(code_of([&] {
          database.execute("INSERT INTO t VALUES (2)");
          return 0;
        }) == ErrorCode::io);
}

TEST_CASE("an immutable database takes no lock and makes no file", "[base][sqlite]") {
  const TempDir dir;
  const fs::path path = dir.path() / "x.db";
  {
    Database database(path, DatabaseMode::bulk);
    CHECK(pragma(database, "journal_mode") == "off");
    database.execute("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
  }
  fs::permissions(dir.path(), fs::perms::owner_read | fs::perms::owner_exec);
  Database database(path, DatabaseMode::immutable);
  CHECK(count_rows(database) == 1);
  fs::permissions(dir.path(), fs::perms::owner_all);
  CHECK(std::distance(fs::directory_iterator(dir.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("a file that is no database is refused when it is opened", "[base][sqlite]") {
  const TempDir dir;
  write_file_atomic(dir.path() / "x.db", std::string(5000, 'x'));
  const auto mode = GENERATE(DatabaseMode::read_write, DatabaseMode::read_only, DatabaseMode::immutable);
  CHECK(code_of([&] { return Database(dir.path() / "x.db", mode); }) == ErrorCode::malformed);
}

TEST_CASE("schema steps run once each, in order", "[base][sqlite]") {
  const TempDir dir;
  const fs::path path = dir.path() / "x.db";
  const std::array<std::string_view, 2> steps = {"CREATE TABLE t (a)",
                                                 "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)"};
  {
    Database database(path, DatabaseMode::read_write);
    database.migrate(std::span(steps).first(1));
    CHECK(count_rows(database) == 0);
    database.migrate(steps);
    CHECK(count_rows(database) == 2);
    database.migrate(steps);
    CHECK(count_rows(database) == 2);
  }
  Database database(path, DatabaseMode::read_write);
  const Error error = error_of([&] {
    database.migrate(std::span(steps).first(1));
    return 0;
  });
  CHECK(error.code() == ErrorCode::unsupported);
  CHECK(error.hint().find("newer airlock") != std::string::npos);
}

TEST_CASE("a schema step that fails leaves the schema as it was", "[base][sqlite]") {
  const TempDir dir;
  Database database(dir.path() / "x.db", DatabaseMode::read_write);
  const std::array<std::string_view, 1> broken = {"CREATE TABLE t (a); nonsense"};
  CHECK(code_of([&] {
          database.migrate(broken);
          return 0;
        }) == ErrorCode::io);
  CHECK(pragma(database, "user_version") == "0");
  const std::array<std::string_view, 1> good = {"CREATE TABLE t (a)"};
  CHECK_NOTHROW(database.migrate(good));
}

TEST_CASE("a database moves, and its statements stay usable", "[base][sqlite]") {
  const TempDir dir;
  Database one(dir.path() / "x.db", DatabaseMode::read_write);
  one.execute("CREATE TABLE t (a)");
  Statement query = one.prepare("SELECT count(*) FROM t");
  Database two(std::move(one));
  CHECK(query.step());
  Database three(dir.path() / "y.db", DatabaseMode::read_write);
  three = std::move(two);
  CHECK(count_rows(three) == 0);
}

TEST_CASE("a copy is one moment of a database that others write to", "[base][sqlite]") {
  const TempDir dir;
  const auto path = dir.path() / "x.db";
  Database database(path, DatabaseMode::read_write);
  database.execute("CREATE TABLE t (a); CREATE TABLE u (a)");
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    Database own(path, DatabaseMode::read_write);
    while (!stop) {
      Transaction transaction(own);
      own.execute("INSERT INTO t VALUES (1); INSERT INTO u VALUES (1)");
      transaction.commit();
    }
  });
  for (int i = 0; i < 5; ++i) {
    const auto copy = dir.path() / ("copy" + std::to_string(i) + ".db");
    copy_database(path, copy);
    Database opened(copy, DatabaseMode::read_write);
    Statement query = opened.prepare("SELECT (SELECT count(*) FROM t) - (SELECT count(*) FROM u)");
    REQUIRE(query.step());
    CHECK(query.number(0) == 0);
  }
  stop = true;
  writer.join();
}

TEST_CASE("a database from elsewhere must have just the schema that its steps make", "[base][sqlite]") {
  const TempDir dir;
  const std::array<std::string_view, 2> steps = {"CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)",
                                                 "CREATE INDEX i ON t (a)"};
  const auto path = dir.path() / "x.db";
  const auto check = [&] { require_schema(Database(path, DatabaseMode::read_only), steps); };
  {
    Database database(path, DatabaseMode::read_write);
    database.migrate(std::span(steps).first(1));
    CHECK_NOTHROW(check());  // an older one is as good
    database.migrate(steps);
    CHECK_NOTHROW(check());
    database.execute("PRAGMA user_version=3");
    CHECK(code_of(check) == ErrorCode::unsupported);
    database.execute("PRAGMA user_version=0");
    CHECK(code_of(check) == ErrorCode::tampered);
    database.execute("PRAGMA user_version=2");
    SECTION("a trigger") {
      database.execute("CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END");
    }
    SECTION("a view") {
      database.execute("CREATE VIEW v AS SELECT 1");
    }
    SECTION("another table") {
      database.execute("CREATE TABLE w (a)");
    }
    SECTION("one index less") {
      database.execute("DROP INDEX i");
    }
  }
  CHECK(code_of(check) == ErrorCode::tampered);
}
