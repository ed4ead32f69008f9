// Content that is not what was announced, wanted, or begun must never reach the end as if it were.
#include "http_fixture.hpp"
#include "support/fault_server.hpp"

namespace airlock::http {

using test::FaultAnswer;
using test::FaultRange;
using test::FaultServer;

namespace {

base::Error failure_of(const FaultServer& server, Download download = {}) {
  Client client(quick_options());
  download.url = url_of(server.url("/f"));
  base::StringSink sink(1'000'000);
  return test::error_of([&] { client.download(download, sink); });
}

FaultAnswer version(const char* tag, std::string body) {
  return {.fields = {{"ETag", tag}}, .body = std::move(body)};
}

}  // namespace

TEST_CASE("another entity tag between two parts is a mixture", "[http][client][mixture]") {
  FaultServer server;
  auto first = version("\"v1\"", std::string(10'000, 'a'));
  first.cut_after = 5000;
  auto second = version("\"v2\"", std::string(10'000, 'b'));
  second.range = GENERATE(FaultRange::obey, FaultRange::ignore);
  server.script("/f", {first, second});
  const auto error = failure_of(server);
  CHECK(error.code() == base::ErrorCode::upstream);
  CHECK(error.message().find("changed while it was read") != std::string::npos);
}

TEST_CASE("a weak entity tag is compared too, but not sent as a condition", "[http][client][mixture]") {
  FaultServer server;
  auto first = version("W/\"v1\"", std::string(10'000, 'a'));
  first.cut_after = 5000;
  server.script("/f", {first, version("W/\"v2\"", std::string(10'000, 'b'))});
  CHECK(failure_of(server).code() == base::ErrorCode::upstream);
  CHECK_FALSE(server.requests().back().field("If-Range").has_value());
}

TEST_CASE("another modification time between two parts is a mixture", "[http][client][mixture]") {
  FaultServer server;
  server.script("/f",
                {{.fields = {{"Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"}},
                  .body = std::string(10'000, 'a'),
                  .cut_after = 5000},
                 {.fields = {{"Last-Modified", "Sun, 06 Nov 1994 08:49:38 GMT"}}, .body = std::string(10'000, 'b')}});
  CHECK(failure_of(server).code() == base::ErrorCode::upstream);
}

TEST_CASE("without a version a body goes on after a break only where a digest will tell", "[http][client][mixture]") {
  FaultServer server;
  server.script("/f", {{.body = std::string(10'000, 'a'), .cut_after = 5000}, {.body = std::string(10'000, 'b')}});
  const auto error = failure_of(server, {.proven = false});
  CHECK(error.code() == base::ErrorCode::upstream);
  CHECK(error.message().find("nothing tells whether the rest") != std::string::npos);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("another length between two parts is a mixture", "[http][client][mixture]") {
  FaultServer server;
  const auto size = GENERATE(9'000, 11'000);
  const auto range = GENERATE(FaultRange::obey, FaultRange::ignore);
  server.script("/f", {{.body = std::string(10'000, 'a'), .cut_after = 5000},
                       {.body = std::string(static_cast<std::size_t>(size), 'b'), .range = range}});
  const auto error = failure_of(server);
  CHECK(error.code() == base::ErrorCode::upstream);
  CHECK(error.message().find("changed while it was read") != std::string::npos);
}

TEST_CASE("a whole that became shorter than what is there is a mixture", "[http][client][mixture]") {
  FaultServer server;
  server.script("/f", {{.fields = {{"Transfer-Encoding", "chunked"}},
                        .body = "1388\r\n" + std::string(5000, 'a'),
                        .cut_after = 5006,
                        .no_length = true},
                       {.body = std::string(4000, 'b'), .range = FaultRange::ignore}});
  CHECK(failure_of(server).code() == base::ErrorCode::upstream);
}

TEST_CASE("a length other than the one that is expected is refused before a byte arrives", "[http][client][mixture]") {
  FaultServer server;
  server.script("/f", {{.body = std::string(100, 'a')}});
  Client client(quick_options());
  base::StringSink sink(1000);
  Download download{.url = url_of(server.url("/f"))};
  download.total = 99;
  CHECK(test::code_of([&] { client.download(download, sink); }) == base::ErrorCode::upstream);
  CHECK(sink.take().empty());
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a login page in place of a file is recognised", "[http][client][mixture]") {
  FaultServer server;
  server.script("/f", {{.fields = {{"Content-Type", "text/html; charset=utf-8"}}, .body = "<html>sign in</html>"}});
  const auto error = failure_of(server, {.total = 12345});
  CHECK(error.code() == base::ErrorCode::upstream);
  CHECK(error.hint().find("HTML") != std::string::npos);
}

TEST_CASE("answers that contradict themselves or the question are refused", "[http][client][mixture]") {
  struct Row {
    const char* what;
    FaultAnswer answer;
  };
  const std::string ten(10, 'x');
  const auto partial = [&](const char* range, std::string body) {
    return FaultAnswer{.status = 206, .fields = {{"Content-Range", range}}, .body = std::move(body)};
  };
  const std::vector<Row> rows{
      {"206 without Content-Range", {.status = 206, .body = ten}},
      {"a later part", partial("bytes 30-39/100", ten)},
      {"an earlier part that ends too early", partial("bytes 0-9/100", ten)},
      {"more than was asked for", partial("bytes 20-99/100", std::string(80, 'x'))},
      {"a malformed Content-Range", partial("bytes 20-10/100", ten)},
      {"a length that contradicts the range", partial("bytes 20-29/100", std::string(9, 'x'))},
      {"a whole that ends before the part", {.body = ten}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    FaultServer server;
    server.script("/f", {row.answer});
    CHECK(failure_of(server, {.offset = 20, .length = 10}).code() == base::ErrorCode::upstream);
    CHECK(server.requests().size() == 1);
  }
}

TEST_CASE("a range past the end is an error where bytes are wanted", "[http][client][mixture]") {
  FaultServer server;
  server.script("/f", {{.body = "0123456789"}});
  CHECK(failure_of(server, {.offset = 20, .length = 10}).code() == base::ErrorCode::upstream);
  CHECK(failure_of(server, {.offset = 20}).code() == base::ErrorCode::upstream);
}

TEST_CASE("chunks beyond the expected length are refused", "[http][client][mixture]") {
  FaultServer server;
  server.script(
      "/f", {{.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\naaaaa\r\n6\r\nbbbbbb\r\n0\r\n\r\n"}});
  const auto error = failure_of(server, {.total = 10});
  CHECK(error.code() == base::ErrorCode::upstream);
  CHECK(error.message().find("more bytes") != std::string::npos);
}

}  // namespace airlock::http
