#include "http/server_check.hpp"

#include "support/catch.hpp"

namespace airlock::http {

namespace {

constexpr std::size_t k_target_limit = 100;

RequestHead head_with(Headers headers, std::string method = "GET", std::string target = "/", int version = 11) {
  if (!headers.find("Host")) {
    headers.add("Host", "mirror.example:8480");
  }
  return {std::move(method), std::move(target), version, std::move(headers)};
}

int refusal_of(const RequestHead& head) {
  return check_head(head, k_target_limit).refusal;
}

}  // namespace

TEST_CASE("a plain request passes", "[http][server][check]") {
  const auto verdict = check_head(head_with({}), k_target_limit);
  CHECK(verdict.refusal == 0);
  CHECK(verdict.framing == Framing::none);
  CHECK(verdict.keep_alive);
  CHECK_FALSE(verdict.expects_continue);
}

TEST_CASE("the body's framing has one meaning or none", "[http][server][check]") {
  struct Row {
    Headers headers;
    int version;
    int refusal;
    Framing framing;
  };
  const std::vector<Row> rows{
      {{{"Content-Length", "5"}}, 11, 0, Framing::counted},
      {{{"Content-Length", "0"}}, 11, 0, Framing::none},
      {{{"Content-Length", "00005"}}, 11, 0, Framing::counted},
      {{{"Content-Length", "5"}}, 10, 0, Framing::counted},
      {{{"Transfer-Encoding", "chunked"}}, 11, 0, Framing::chunked},
      {{{"Transfer-Encoding", "Chunked"}}, 11, 0, Framing::chunked},
      {{{"Content-Length", "5"}, {"Content-Length", "5"}}, 11, 400, Framing::none},
      {{{"Content-Length", "5"}, {"Content-Length", "6"}}, 11, 400, Framing::none},
      {{{"Content-Length", "5,5"}}, 11, 400, Framing::none},
      {{{"Content-Length", "5, 5"}}, 11, 400, Framing::none},
      {{{"Content-Length", "+5"}}, 11, 400, Framing::none},
      {{{"Content-Length", "-1"}}, 11, 400, Framing::none},
      {{{"Content-Length", "0x5"}}, 11, 400, Framing::none},
      {{{"Content-Length", "5 "}}, 11, 400, Framing::none},
      {{{"Content-Length", ""}}, 11, 400, Framing::none},
      {{{"Content-Length", "18446744073709551621"}}, 11, 413, Framing::none},
      {{{"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}}, 11, 400, Framing::none},
      {{{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}, 11, 400, Framing::none},
      {{{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}, 11, 501, Framing::none},
      {{{"Transfer-Encoding", "chunked, chunked"}}, 11, 501, Framing::none},
      {{{"Transfer-Encoding", "gzip, chunked"}}, 11, 501, Framing::none},
      {{{"Transfer-Encoding", "xchunked"}}, 11, 501, Framing::none},
      {{{"Transfer-Encoding", "identity"}}, 11, 501, Framing::none},
      {{{"Transfer-Encoding", "chunked;x=1"}}, 11, 501, Framing::none},
      {{{"Transfer-Encoding", ""}}, 11, 501, Framing::none},
      {{{"Transfer-Encoding", "chunked"}}, 10, 400, Framing::none},
  };
  for (const Row& row : rows) {
    CAPTURE(row.headers.fields(), row.version);
    const auto verdict = check_head(head_with(row.headers, "PUT", "/", row.version), k_target_limit);
    CHECK(verdict.refusal == row.refusal);
    CHECK(verdict.framing == row.framing);
  }
}

TEST_CASE("there is exactly one well-formed Host", "[http][server][check]") {
  CHECK(refusal_of({"GET", "/", 11, {}}) == 400);
  CHECK(refusal_of({"GET", "/", 10, {}}) == 0);
  CHECK(refusal_of({"GET", "/", 11, {{"Host", "a.example"}, {"host", "a.example"}}}) == 400);
  for (const char* good : {"a", "a.example", "a_b.example:1", "127.0.0.1:8480", "[::1]", "[fe80::1:2]:443"}) {
    CAPTURE(good);
    CHECK(is_well_formed_host(good));
  }
  for (const char* bad : {"", ":80", "a:", "a:b", "a:123456", "a b", "a/b", "a,b", "user@a", "a\"b", "a\x80", "[]",
                          "[::1", "[::g]", "[::1]x", "a%2f", "a<b>"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_well_formed_host(bad));
    CHECK(refusal_of({"GET", "/", 11, {{"Host", bad}}}) == 400);
  }
}

TEST_CASE("method and target are of known kinds", "[http][server][check]") {
  CHECK(refusal_of(head_with({}, "LOCK")) == 0);
  CHECK(refusal_of(head_with({}, "get")) == 501);
  CHECK(refusal_of(head_with({}, "CONNECT", "a.example:443")) == 501);
  CHECK(refusal_of(head_with({}, "TRACE")) == 501);
  CHECK(refusal_of(head_with({}, "OPTIONS", "*")) == 400);
  CHECK(refusal_of(head_with({}, "GET", "http://a.example/")) == 400);
  CHECK(refusal_of(head_with({}, "GET", "")) == 400);
  CHECK(refusal_of(head_with({}, "GET", "/a b")) == 400);
  CHECK(refusal_of(head_with({}, "GET", "/a#b")) == 400);
  CHECK(refusal_of(head_with({}, "GET", "/\x80")) == 400);
  CHECK(refusal_of(head_with({}, "GET", "/" + std::string(100, 'a'))) == 414);
}

TEST_CASE("Expect is 100-continue or refused, and only counts with a body", "[http][server][check]") {
  CHECK(check_head(head_with({{"Expect", "100-Continue"}, {"Content-Length", "1"}}), 100).expects_continue);
  CHECK_FALSE(check_head(head_with({{"Expect", "100-continue"}}), 100).expects_continue);
  CHECK(refusal_of(head_with({{"Expect", "something"}})) == 417);
  CHECK(refusal_of(head_with({{"Expect", "something"}}, "GET", "/", 10)) == 0);
}

TEST_CASE("connections stay open as the version and the client say", "[http][server][check]") {
  const auto keeps = [](const char* connection, int version) {
    Headers headers;
    if (*connection != '\0') {
      headers.add("Connection", connection);
    }
    return check_head(head_with(headers, "GET", "/", version), 100).keep_alive;
  };
  CHECK(keeps("", 11));
  CHECK_FALSE(keeps("close", 11));
  CHECK_FALSE(keeps("x, Close", 11));
  CHECK_FALSE(keeps("", 10));
  CHECK(keeps("Keep-Alive", 10));
  CHECK_FALSE(keeps("keep-alive, close", 10));
}

TEST_CASE("a target is split before it is decoded", "[http][server][check]") {
  const auto target = parse_target("/npm/@scope%2fname/-/a%20b?x=1&y=a%2Bb+c&flag&=&&z=%3D");
  REQUIRE(target.has_value());
  CHECK(target->segments == std::vector<std::string>{"npm", "@scope/name", "-", "a b"});
  CHECK(target->query == std::vector<std::pair<std::string, std::string>>{
                             {"x", "1"}, {"y", "a+b c"}, {"flag", ""}, {"", ""}, {"z", "="}});
  CHECK(parse_target("/")->segments == std::vector<std::string>{""});
  CHECK(parse_target("/v2/")->segments == std::vector<std::string>{"v2", ""});
  CHECK(parse_target("/go/x/%21foo/@v/list")->segments[2] == "!foo");
  CHECK(parse_target("/a..b/...")->segments == std::vector<std::string>{"a..b", "..."});
}

TEST_CASE("targets with more than one meaning are refused", "[http][server][check]") {
  const std::string bad =
      GENERATE("", "a", "//", "/a//b", "/./a", "/a/..", "/../etc/passwd", "/%2e%2e/x", "/.%2E/x", "/a/%2e", "/a%00b",
               "/a%0ab", "/a\\b", "/a%5cb", "/a%", "/a%2", "/a%zz", "/a%7f", "/%2fetc", "/a%2f", "/a%2f%2fb",
               "/a%2f..%2fb", "/..%2f..%2fetc", "/x?a=%", "/x?%00=1");
  CAPTURE(bad);
  CHECK_FALSE(parse_target(bad).has_value());
}

}  // namespace airlock::http
