#include "mirror/fetches.hpp"

#include "base/files.hpp"
#include "base/sqlite.hpp"
#include "mirror/mirror_db.hpp"
#include "support/catch.hpp"

namespace airlock::mirror {

namespace {

const base::Time k_noon = base::parse_rfc3339("2026-07-01T12:00:00Z");

// A server answers with a file; its content is of no account here.
void fetch(FetchRecorder& recorder, std::string peer, const std::string& content, std::string target = "/files/a.txt",
           std::string method = "GET") {
  http::ServerRequest request;
  request.peer = std::move(peer);
  request.target = std::move(target);
  request.method = std::move(method);
  recorder.record(request, http::ServerResponse::file({}, "text/plain", base::sha256(content).hex()));
}

}  // namespace

TEST_CASE("each client's fetches of a blob are counted with the first and the last time", "[mirror][fetches]") {
  base::TempDir home;
  base::FixedClock clock(k_noon);
  {
    FetchRecorder recorder(home.path(), {.keep = std::chrono::days(10)}, clock);
    fetch(recorder, "192.0.2.1", "a", "/files/a.txt?token=secret");
    recorder.flush();
    clock.set(k_noon + std::chrono::hours(2));
    fetch(recorder, "192.0.2.1", "a", "/files/b.txt");
    fetch(recorder, "192.0.2.1", "a", "/files/a.txt?token=secret");
    fetch(recorder, "192.0.2.2", "a");
    fetch(recorder, "192.0.2.2", "b");
    fetch(recorder, "192.0.2.3", "a", "/files/a.txt", "HEAD");
    http::ServerRequest pull;
    pull.peer = "192.0.2.4";
    pull.target = "/v2/team/app/blobs/sha256:0";
    pull.method = "GET";
    recorder.record(pull, http::ServerResponse::file({}, "text/plain", base::sha256("layer").to_string()));
    recorder.record({}, http::ServerResponse::text(200, "a page that was made for the request"));
  }
  const auto fetches = read_fetches(home.path(), base::sha256("a"));
  REQUIRE(fetches.size() == 2);
  CHECK(fetches[0].client == "192.0.2.1");
  CHECK(fetches[0].count == 3);
  CHECK(fetches[0].first == k_noon);
  CHECK(fetches[0].last == k_noon + std::chrono::hours(2));
  CHECK(fetches[0].path == "/files/a.txt");  // what follows '?' may be secret
  CHECK(read_fetches(home.path(), base::sha256("c")).empty());
  CHECK(read_fetches(home.path(), base::sha256("layer")).size() == 1);  // a registry's entity tag
}

TEST_CASE("nothing is recorded where nobody asked for it", "[mirror][fetches]") {
  base::TempDir home;
  base::FixedClock clock(k_noon);
  {
    FetchRecorder recorder(home.path(), {}, clock);
    fetch(recorder, "192.0.2.1", "a");
  }
  CHECK_FALSE(std::filesystem::exists(mirror_db_path(home.path())));
  CHECK(read_fetches(home.path(), base::sha256("a")).empty());
}

TEST_CASE("what is old goes, and the oldest beyond the limit", "[mirror][fetches]") {
  base::TempDir home;
  base::FixedClock clock(k_noon);
  const FetchLimits limits{.keep = std::chrono::days(10), .most_rows = 20};
  {
    FetchRecorder recorder(home.path(), limits, clock);
    fetch(recorder, "192.0.2.1", "old");
  }
  clock.set(k_noon + std::chrono::days(11));
  {
    FetchRecorder recorder(home.path(), limits, clock);
    fetch(recorder, "192.0.2.1", "new");
  }
  CHECK(read_fetches(home.path(), base::sha256("old")).empty());
  CHECK(read_fetches(home.path(), base::sha256("new")).size() == 1);
  clock.set(k_noon + std::chrono::days(12));
  {
    FetchRecorder recorder(home.path(), limits, clock);
    for (int i = 0; i < 40; ++i) {
      fetch(recorder, "192.0.2." + std::to_string(i), "many");
    }
  }
  CHECK(read_fetches(home.path(), base::sha256("new")).empty());
  CHECK(read_fetches(home.path(), base::sha256("many")).size() == 18);
}

TEST_CASE("a home whose server never recorded fetches has none", "[mirror][fetches]") {
  base::TempDir home;
  {
    base::Database database(mirror_db_path(home.path()), base::DatabaseMode::read_write);
    database.execute("CREATE TABLE wants (x); PRAGMA user_version=1");
  }
  CHECK(read_fetches(home.path(), base::sha256("a")).empty());
}

}  // namespace airlock::mirror
