// Requests that other servers were seen to accept and that could smuggle a second one (docs: the parser
// table).
#include <algorithm>
#include <atomic>

#include "http_fixture.hpp"

namespace airlock::http {

namespace {

Router counting_router(std::atomic<int>& calls) {
  Router router;
  const auto handler = [&calls](const ServerRequest& request) {
    base::read_all(*request.body, 1'000'000);
    ++calls;
    return ServerResponse::text(201, "taken");
  };
  router.add("POST", "/", handler);
  router.add("GET", "/", handler);
  return router;
}

std::string with_nul(std::string text) {
  std::ranges::replace(text, '~', '\0');
  return text;
}

}  // namespace

TEST_CASE("requests with two meanings are refused and the connection closed", "[http][server][hostile]") {
  struct Row {
    const char* what;
    std::string request;
    std::vector<int> statuses;  // 0: closed without an answer
  };
  const std::string post = "POST / HTTP/1.1\r\nHost: a.example\r\n";
  const std::string smuggled = "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n";
  const std::vector<Row> rows{
      {"length, then encoding",
       post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
       {400}},
      {"encoding, then length",
       post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + smuggled,
       {400}},
      {"two lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", {400}},
      {"the same length twice", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", {400}},
      {"a list of lengths", post + "Content-Length: 5,5\r\n\r\nhello", {400}},
      {"+5", post + "Content-Length: +5\r\n\r\nhello", {400}},
      {"-1", post + "Content-Length: -1\r\n\r\nhello", {400}},
      {"overflow", post + "Content-Length: 18446744073709551621\r\n\r\nhello", {400, 413}},
      {"space before the colon", post + "Content-Length : 5\r\n\r\nhello", {400}},
      {"bare line feeds", "POST / HTTP/1.1\nHost: a.example\nContent-Length: 5\n\nhello", {400, 505}},
      {"NUL in a value", with_nul(post + "X: a~b\r\n\r\n"), {400}},
      {"bare CR in a value", post + "X: a\rb\r\n\r\n", {400}},
      {"an encoding that is not chunked", post + "Transfer-Encoding: gzip\r\n\r\nhello", {400, 501}},
      {"chunked twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400, 501}},
      {"xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", {400, 501}},
      {"chunked in 1.0", "POST / HTTP/1.0\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", {400}},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", {400}},
      {"two Hosts", "GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n", {400}},
      {"a Host with a path", "GET / HTTP/1.1\r\nHost: a.example/x\r\n\r\n", {400}},
      {"absolute form", "GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", {400}},
      {"authority form", "CONNECT b.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n", {501}},
      {"an unknown method", "BREW / HTTP/1.1\r\nHost: a.example\r\n\r\n", {501}},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 505}},
      {"HTTP/0.9", "GET /\r\n\r\n", {400, 505}},
      {"20 KB of header", post + "X: " + std::string(20'000, 'x') + "\r\n\r\n", {431}},
      {"5000 fields",
       [&] {
         std::string text = post;
         for (int i = 0; i < 5000; ++i) {
           text += "X-" + std::to_string(i) + ": 1\r\n";
         }
         return text + "\r\n";
       }(),
       {431}},
      {"a long target", "GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: a.example\r\n\r\n", {414}},
      {"TLS on a plain port", with_nul("\x16\x03\x01~\x05~~~~~\r\n\r\n"), {400}},
  };
  std::atomic<int> calls{0};
  RunningServer server(counting_router(calls));
  for (const Row& row : rows) {
    CAPTURE(row.what);
    RawClient client(server.port());
    client.send(row.request);
    client.end_sending();
    const std::string answer = client.read_to_end();
    CAPTURE(answer);
    CHECK(std::ranges::count(row.statuses, status_of_response(answer)) == 1);
    CHECK(answer.find("HTTP/1.1 ", 9) == std::string::npos);  // one answer, then the end
    CHECK(answer.find("Connection: close") != std::string::npos);
  }
  CHECK(calls == 0);
}

TEST_CASE("broken chunks end the request with 400 and the connection", "[http][server][hostile]") {
  const std::string body =
      GENERATE(as<std::string>(), "-1\r\nabc\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
               "ffffffffffffffffff\r\nhello\r\n0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n", "5 hello\r\n0\r\n\r\n",
               "\r\nhello\r\n0\r\n\r\n", "5;" + std::string(1'000'000, 'x') + "\r\nhello\r\n0\r\n\r\n",
               "0\r\nContent-Length: 5\r\n\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::atomic<int> calls{0};
  RunningServer server(counting_router(calls));
  RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n" + body);
  client.end_sending();
  const std::string answer = client.read_to_end();
  CAPTURE(body.substr(0, 40), answer);
  CHECK(calls == 0);
  CHECK(status_of_response(answer) == 400);
  CHECK(answer.find("Connection: close") != std::string::npos);
}

TEST_CASE("noise is refused and the server goes on", "[http][server][hostile]") {
  std::atomic<int> calls{0};
  RunningServer server(counting_router(calls));
  std::uint32_t state = 7;
  for (int i = 0; i < 50; ++i) {
    std::string noise(200, '\0');
    for (char& c : noise) {
      state = state * 1664525 + 1013904223;
      c = static_cast<char>(state >> 24);
    }
    RawClient client(server.port());
    client.send(noise + "\r\n\r\n");
    client.end_sending();
    CHECK(status_of_response(client.read_to_end()) != 201);
  }
  RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  CHECK(status_of_response(client.read_response().value_or("")) == 201);
}

}  // namespace airlock::http
