// The server as a client sees it.
#include <mutex>

#include "http_fixture.hpp"

namespace airlock::http {

namespace {

Router file_router(const std::string& content) {
  Router router;
  router.add("GET", "/f", [slice = file_with(content)](const ServerRequest&) {
    return ServerResponse::file(slice, "application/octet-stream", "v1");
  });
  return router;
}

Response ask(RunningServer& server, std::string_view path, Headers headers = {}, std::string method = "GET") {
  Client client(quick_options());
  return client.send(
      {.method = std::move(method), .url = server.url(path), .headers = std::move(headers), .retry = false});
}

}  // namespace

TEST_CASE("a handler sees the whole request", "[http][server]") {
  Router router;
  router.add("GET", "/v2/{name+}/tags/{tag}", [](const ServerRequest& request) {
    CHECK(request.method == "GET");
    CHECK(request.target == "/v2/a/b/tags/x%2fy?n=5&last=a%20b");
    CHECK(request.parameter("name") == "a/b");
    CHECK(request.parameter("tag") == "x/y");
    CHECK(request.query_value("n") == "5");
    CHECK(request.query_value("last") == "a b");
    CHECK_FALSE(request.query_value("none").has_value());
    CHECK(request.headers.find("x-ask") == "1");
    CHECK(request.peer == "127.0.0.1");
    CHECK_FALSE(request.tls);
    CHECK(request.body_length == std::uint64_t{0});
    CHECK(base::read_all(*request.body, 10).empty());
    return ServerResponse::text(200, request.base_url);
  });
  RunningServer server(std::move(router));
  const Response response = ask(server, "/v2/a/b/tags/x%2fy?n=5&last=a%20b", {{"X-Ask", "1"}});
  CHECK(response.status == 200);
  CHECK(response.body == "http://127.0.0.1:" + std::to_string(server.port()));
}

TEST_CASE("a configured base URL is what handlers get", "[http][server]") {
  Router router;
  router.add("GET", "/", [](const ServerRequest& request) { return ServerResponse::text(200, request.base_url); });
  ServerOptions options;
  options.base_url = "https://mirror.site.example/";
  RunningServer server(std::move(router), options);
  CHECK(ask(server, "/").body == "https://mirror.site.example");
}

TEST_CASE("a file is served whole, in parts, by condition and by HEAD", "[http][server]") {
  const std::string content = pattern_text(300'000);
  RunningServer server(file_router(content));
  const Response whole = ask(server, "/f");
  CHECK(whole.status == 200);
  CHECK(whole.body == content);
  CHECK(whole.headers.find("ETag") == "\"v1\"");
  CHECK(whole.headers.find("Accept-Ranges") == "bytes");
  CHECK(whole.headers.find("Date").has_value());

  const Response part = ask(server, "/f", {{"Range", "bytes=1000-1999"}});
  CHECK(part.status == 206);
  CHECK(part.body == content.substr(1000, 1000));
  CHECK(part.headers.find("Content-Range") == "bytes 1000-1999/300000");
  CHECK(ask(server, "/f", {{"Range", "bytes=-5"}}).body == content.substr(299'995));
  CHECK(ask(server, "/f", {{"Range", "bytes=300000-"}}).status == 416);
  CHECK(ask(server, "/f", {{"Range", "bytes=500-0"}}).status == 416);
  CHECK(ask(server, "/f", {{"Range", "bytes=0-1"}, {"If-Range", "\"v0\""}}).body == content);

  const Response same = ask(server, "/f", {{"If-None-Match", "\"v1\""}});
  CHECK(same.status == 304);
  CHECK(same.body.empty());

  const Response head = ask(server, "/f", {}, "HEAD");
  CHECK(head.status == 200);
  CHECK(head.headers.find("Content-Length") == "300000");
  CHECK(head.body.empty());
}

TEST_CASE("a download from our own server resumes by range", "[http][server]") {
  const std::string content = pattern_text(2'000'000);
  RunningServer server(file_router(content));
  Client client(quick_options());
  base::StringSink sink(3'000'000);
  client.download({.url = server.url("/f"), .offset = 123'456, .length = 1'000'000}, sink);
  CHECK(sink.take() == content.substr(123'456, 1'000'000));
}

TEST_CASE("a writer's body arrives whole, and broken where it failed", "[http][server]") {
  Router router;
  router.add("GET", "/lines", [](const ServerRequest&) {
    ServerResponse response;
    response.body = [](base::ByteSink& sink) {
      for (int i = 0; i < 20'000; ++i) {
        sink.write(base::as_bytes("line\n"));
      }
    };
    return response;
  });
  router.add("GET", "/counted", [](const ServerRequest&) {
    ServerResponse response;
    response.headers.set("Content-Length", "200000");
    response.body = [](base::ByteSink& sink) { sink.write(base::as_bytes(std::string(200'000, 'x'))); };
    return response;
  });
  router.add("GET", "/early", [](const ServerRequest&) {
    ServerResponse response;
    response.body = [](base::ByteSink& sink) {
      sink.write(base::as_bytes("a little"));
      throw base::Error(base::ErrorCode::not_found, "secret path /srv/x");
    };
    return response;
  });
  router.add("GET", "/late", [](const ServerRequest&) {
    ServerResponse response;
    response.body = [](base::ByteSink& sink) {
      sink.write(base::as_bytes(std::string(200'000, 'x')));
      throw std::runtime_error("x");
    };
    return response;
  });
  router.add("GET", "/short", [](const ServerRequest&) {
    ServerResponse response;
    response.headers.set("Content-Length", "300000");
    response.body = [](base::ByteSink& sink) { sink.write(base::as_bytes(std::string(200'000, 'x'))); };
    return response;
  });
  RunningServer server(std::move(router));
  CHECK(ask(server, "/lines").body.size() == 100'000);
  CHECK(ask(server, "/counted").headers.find("Content-Length") == "200000");
  const Response early = ask(server, "/early");
  CHECK(early.status == 404);
  CHECK(early.body.find("/srv/x") == std::string::npos);
  CHECK(test::code_of([&] { ask(server, "/late"); }) == base::ErrorCode::network);
  CHECK(test::code_of([&] { ask(server, "/short"); }) == base::ErrorCode::network);
  CHECK(ask(server, "/lines").status == 200);
}

TEST_CASE("errors become statuses, and the client learns an id and nothing else", "[http][server]") {
  using base::ErrorCode;
  const auto [code, status] = GENERATE(table<ErrorCode, int>({{ErrorCode::not_found, 404},
                                                              {ErrorCode::usage, 400},
                                                              {ErrorCode::malformed, 400},
                                                              {ErrorCode::limit, 413},
                                                              {ErrorCode::auth, 403},
                                                              {ErrorCode::untrusted, 403},
                                                              {ErrorCode::conflict, 409},
                                                              {ErrorCode::unsupported, 501},
                                                              {ErrorCode::busy, 503},
                                                              {ErrorCode::no_space, 507},
                                                              {ErrorCode::io, 500},
                                                              {ErrorCode::internal, 500}}));
  Router router;
  router.add("GET", "/x", [code = code](const ServerRequest&) -> ServerResponse {
    throw base::Error(code, "cannot open /srv/secret").with_context("while reading /srv/other");
  });
  ServerOptions options;
  std::string logged;
  std::string logged_id;
  options.on_error = [&](std::string_view id, const ServerRequest& request, const base::Error& error) {
    logged = request.target + " " + error.message();
    logged_id = std::string(id);
  };
  RunningServer server(std::move(router), options);
  const Response response = ask(server, "/x");
  CHECK(response.status == status);
  CHECK(response.body.find("/srv") == std::string::npos);
  CHECK(response.body.find(logged_id) != std::string::npos);
  CHECK(response.headers.find("X-Request-Id") == logged_id);
  CHECK(logged == "/x cannot open /srv/secret");
}

TEST_CASE("other exceptions are internal errors and the server goes on", "[http][server]") {
  Router router;
  router.add("GET", "/x", [](const ServerRequest&) -> ServerResponse { throw std::out_of_range("at"); });
  router.add("GET", "/header", [](const ServerRequest&) {
    auto response = ServerResponse::text(200, "x");
    response.headers.set("X-A", "1\r\nX-B: 2");
    return response;
  });
  RunningServer server(std::move(router));
  CHECK(ask(server, "/x").status == 500);
  const Response response = ask(server, "/header");
  CHECK(response.status == 500);
  CHECK_FALSE(response.headers.find("X-B").has_value());
}

TEST_CASE("paths and methods without a handler say so", "[http][server]") {
  Router router;
  router.add("GET", "/a/{x+}", [](const ServerRequest&) { return ServerResponse::text(200, "ok"); });
  RunningServer server(std::move(router));
  CHECK(ask(server, "/b").status == 404);
  const Response other = ask(server, "/a/b", {}, "DELETE");
  CHECK(other.status == 405);
  CHECK(other.headers.find("Allow") == "GET, HEAD");
  CHECK(ask(server, "/a/b%2fc").status == 400);
  CHECK(ask(server, "/a/%2e%2e/b").status == 400);
  CHECK(ask(server, "/a/b", {}, "BREW").status == 501);
}

TEST_CASE("each answer is recorded", "[http][server]") {
  std::mutex mutex;
  std::vector<AccessRecord> records;
  ServerOptions options;
  options.on_access = [&](const AccessRecord& record) {
    const std::lock_guard lock(mutex);
    records.push_back(record);
  };
  {
    RunningServer server(file_router("0123456789"), options);
    Client client(quick_options());  // one connection, so that the records come in order
    client.send({.url = server.url("/f"), .headers = {{"Range", "bytes=0-3"}}});
    client.send({.url = server.url("/none")});
    server.server().stop();
  }
  REQUIRE(records.size() == 2);
  CHECK(records[0].status == 206);
  CHECK(records[0].bytes == 4);
  CHECK(records[0].target == "/f");
  CHECK(records[0].method == "GET");
  CHECK(records[0].peer == "127.0.0.1");
  CHECK(records[1].status == 404);
}

}  // namespace airlock::http
