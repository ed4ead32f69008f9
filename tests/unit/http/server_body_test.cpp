// Bodies of requests: counted, chunked, too large, unread, with and without Expect.
#include "http_fixture.hpp"

namespace airlock::http {

namespace {

constexpr std::string_view k_head = " HTTP/1.1\r\nHost: a.example\r\n";

Router echo_router() {
  Router router;
  router.add(
      "PUT", "/echo",
      [](const ServerRequest& request) { return ServerResponse::text(200, base::read_all(*request.body, 1'000'000)); },
      {.body_limit = 100'000});
  router.add("PUT", "/ignore", [](const ServerRequest&) { return ServerResponse::text(200, "ignored"); },
             {.body_limit = 10'000'000});
  router.add("GET", "/ping", [](const ServerRequest&) { return ServerResponse::text(200, "pong"); });
  return router;
}

std::string request(std::string_view line, std::string_view rest) {
  return std::string(line) + std::string(k_head) + std::string(rest);
}

}  // namespace

TEST_CASE("counted and chunked bodies arrive whole, one after the other", "[http][server][body]") {
  RunningServer server(echo_router());
  RawClient client(server.port());
  client.send(request("PUT /echo", "Content-Length: 5\r\n\r\nhello"));
  CHECK(body_of_response(client.read_response().value_or("")) == "hello");
  client.send(request("PUT /echo", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"));
  CHECK(body_of_response(client.read_response().value_or("")) == "hello world");
  client.send(request("PUT /echo", "Transfer-Encoding: chunked\r\n\r\n0\r\nX-Trailer: 1\r\n\r\n"));
  CHECK(status_of_response(client.read_response().value_or("")) == 200);
  client.send(request("GET /ping", "\r\n"));
  CHECK(body_of_response(client.read_response().value_or("")) == "pong");
}

TEST_CASE("a body in small pieces arrives whole", "[http][server][body]") {
  RunningServer server(echo_router());
  RawClient client(server.port());
  const std::string text =
      request("PUT /echo", "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n3\r\nabc\r\n0\r\n\r\n");
  for (const char c : text) {
    REQUIRE(client.send({&c, 1}));
  }
  CHECK(body_of_response(client.read_response().value_or("")) == "0123456789abc");
}

TEST_CASE("requests that come together are answered in order", "[http][server][body]") {
  RunningServer server(echo_router());
  RawClient client(server.port());
  client.send(request("GET /ping", "\r\n") + request("PUT /echo", "Content-Length: 2\r\n\r\nab") +
              request("PUT /echo", "Transfer-Encoding: chunked\r\n\r\n2\r\ncd\r\n0\r\n\r\n") +
              request("GET /ping", "Connection: close\r\n\r\n"));
  CHECK(body_of_response(client.read_response().value_or("")) == "pong");
  CHECK(body_of_response(client.read_response().value_or("")) == "ab");
  CHECK(body_of_response(client.read_response().value_or("")) == "cd");
  CHECK(body_of_response(client.read_to_end()) == "pong");
}

TEST_CASE("an HTTP/1.0 client is answered in its own way", "[http][server][body]") {
  Router router = echo_router();
  router.add("GET", "/written", [](const ServerRequest& request) {
    ServerResponse response;
    response.body = [text = request.base_url](base::ByteSink& sink) { sink.write(base::as_bytes(text)); };
    return response;
  });
  RunningServer server(std::move(router));
  RawClient client(server.port());
  client.send("GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const std::string kept = client.read_response().value_or("");
  CHECK(kept.find("Connection: keep-alive") != std::string::npos);
  client.send("GET /written HTTP/1.0\r\n\r\n");
  const std::string written = client.read_to_end();
  CHECK(written.find("Transfer-Encoding") == std::string::npos);
  CHECK(body_of_response(written) == "http://127.0.0.1:" + std::to_string(server.port()));
}

TEST_CASE("a body larger than the route takes is 413", "[http][server][body]") {
  RunningServer server(echo_router());
  RawClient counted(server.port());
  counted.send(request("PUT /echo", "Content-Length: 100001\r\n\r\n"));
  CHECK(status_of_response(counted.read_response().value_or("")) == 413);

  RawClient chunked(server.port());
  chunked.send(request("PUT /echo", "Transfer-Encoding: chunked\r\n\r\n"));
  const std::string chunk = "4000\r\n" + std::string(0x4000, 'x') + "\r\n";
  for (int i = 0; i < 7; ++i) {
    chunked.send(chunk);
  }
  CHECK(status_of_response(chunked.read_response().value_or("")) == 413);
}

TEST_CASE("a small unread body is drained and the connection goes on", "[http][server][body]") {
  RunningServer server(echo_router());
  RawClient client(server.port());
  client.send(request("PUT /ignore", "Content-Length: 20000\r\n\r\n" + std::string(20'000, 'x')));
  CHECK(body_of_response(client.read_response().value_or("")) == "ignored");
  client.send(request("PUT /ignore", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
  CHECK(body_of_response(client.read_response().value_or("")) == "ignored");
  client.send(request("GET /ping", "\r\n"));
  CHECK(body_of_response(client.read_response().value_or("")) == "pong");
}

TEST_CASE("a large unread body closes the connection, and the answer is still seen", "[http][server][body]") {
  RunningServer server(echo_router());
  RawClient client(server.port());
  client.send(request("PUT /ignore", "Content-Length: 900000\r\n\r\n"));
  client.send(std::string(900'000, 'x'));
  const std::string answer = client.read_to_end();
  CHECK(status_of_response(answer) == 200);
  CHECK(answer.find("Connection: close") != std::string::npos);
}

TEST_CASE("100 Continue is sent when the body is read, and only then", "[http][server][body]") {
  RunningServer server(echo_router());
  RawClient reading(server.port());
  reading.send(request("PUT /echo", "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
  CHECK(reading.read_response() == "HTTP/1.1 100 Continue\r\n\r\n");
  reading.send("hello");
  CHECK(body_of_response(reading.read_response().value_or("")) == "hello");

  for (const char* line : {"PUT /ignore", "PUT /nowhere"}) {
    RawClient refused(server.port());
    refused.send(request(line, "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
    const std::string answer = refused.read_to_end();
    CHECK(answer.find("100 Continue") == std::string::npos);
    CHECK(answer.find("Connection: close") != std::string::npos);
  }
  RawClient large(server.port());
  large.send(request("PUT /echo", "Content-Length: 100001\r\nExpect: 100-continue\r\n\r\n"));
  CHECK(status_of_response(large.read_to_end()) == 413);
}

TEST_CASE("a client that goes away in the middle of its body harms nobody", "[http][server][body]") {
  RunningServer server(echo_router());
  for (int i = 0; i < 20; ++i) {
    RawClient client(server.port());
    client.send(request("PUT /echo",
                        i % 2 == 0 ? "Content-Length: 5000\r\n\r\nabc" : "Transfer-Encoding: chunked\r\n\r\n5\r\nab"));
    client.close();
  }
  RawClient client(server.port());
  client.send(request("GET /ping", "\r\n"));
  CHECK(body_of_response(client.read_response().value_or("")) == "pong");
}

TEST_CASE("an upload through our own client streams", "[http][server][body]") {
  const std::string content = pattern_text(5'000'000);
  Router router;
  router.add("PUT", "/up",
             [](const ServerRequest& request) {
               base::NullSink null;
               base::HashingSink hash(null);
               base::copy(*request.body, hash);
               return ServerResponse::text(200, hash.finish().hex());
             },
             {.body_limit = 10'000'000});
  RunningServer server(std::move(router));
  Client client(quick_options());
  base::Hasher hasher;
  hasher.update(content);
  base::StringSource source(content);
  Request upload{.method = "PUT", .url = server.url("/up")};
  upload.body_source = &source;
  upload.body_length = GENERATE(std::optional<std::uint64_t>(5'000'000), std::optional<std::uint64_t>());
  CHECK(client.send(upload).body == hasher.finish().hex());
}

}  // namespace airlock::http
