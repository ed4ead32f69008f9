#include <thread>
#include <vector>

#include "http_fixture.hpp"
#include "support/environment.hpp"
#include "support/fault_server.hpp"

namespace airlock::http {

using test::FaultServer;

TEST_CASE("a request carries method, fields, authorization and body", "[http][client]") {
  FaultServer server;
  server.script("/x", {{.status = 201, .fields = {{"X-Answer", "yes"}}, .body = "made"}});
  Client client(quick_options());
  Request request{.method = "POST", .url = url_of(server.url("/x?q=1")), .headers = {{"X-Ask", "please"}}};
  request.authorization = base::Secret("Bearer t");
  request.body = "content";
  const Response response = client.send(request);
  CHECK(response.status == 201);
  CHECK(response.headers.find("x-answer") == "yes");
  CHECK(response.body == "made");

  REQUIRE(server.requests().size() == 1);
  const auto seen = server.requests().front();
  CHECK(seen.method == "POST");
  CHECK(seen.target == "/x?q=1");
  CHECK(seen.field("X-Ask") == "please");
  CHECK(seen.field("Authorization") == "Bearer t");
  CHECK(seen.field("Accept-Encoding") == "identity");
  CHECK(seen.field("User-Agent").value_or("").starts_with("airlock/"));
  CHECK_FALSE(seen.field("Content-Type").has_value());
  CHECK(seen.body == "content");
}

TEST_CASE("a good answer is handed on as it comes, any other is kept", "[http][client]") {
  FaultServer server;
  server.script("/good", {{.status = 200, .body = "one two three"}});
  server.script("/bad", {{.status = 500, .body = "no"}});
  Client client(quick_options());
  base::StringSink sink(100);
  const Response good = client.stream({.method = "POST", .url = url_of(server.url("/good"))}, sink);
  CHECK(good.status == 200);
  CHECK(good.body.empty());
  CHECK(sink.take() == "one two three");
  const Response bad = client.stream({.url = url_of(server.url("/bad"))}, sink);
  CHECK(bad.status == 500);
  CHECK(bad.body == "no");
  CHECK(sink.take().empty());
  CHECK(server.requests().size() == 2);  // a transient status too is one try
}

TEST_CASE("every method goes out as it is", "[http][client]") {
  const std::string method = GENERATE("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "LOCK");
  FaultServer server;
  server.script("/x", {{.body = "body"}});
  Client client(quick_options());
  const Response response = client.send({.method = method, .url = url_of(server.url("/x"))});
  CHECK(response.status == 200);
  CHECK(response.body == (method == "HEAD" ? "" : "body"));
  const auto seen = server.requests().front();
  CHECK(seen.method == method);
  const bool announces = method == "POST" || method == "PUT" || method == "PATCH";
  CHECK(seen.field("Content-Length").has_value() == announces);
}

TEST_CASE("a body from a source is sent with its length, or in chunks without one", "[http][client]") {
  FaultServer server;
  server.script("/x", {{.status = 201}});
  Client client(quick_options());
  const std::string content = pattern_text(300'000);
  base::StringSource counted(content);
  Request request{.method = "PUT", .url = url_of(server.url("/x"))};
  request.body_source = &counted;
  request.body_length = content.size();
  CHECK(client.send(request).status == 201);

  base::StringSource chunked(content);
  request.body_source = &chunked;
  request.body_length.reset();
  CHECK(client.send(request).status == 201);

  const auto seen = server.requests();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].field("Content-Length") == "300000");
  CHECK(seen[0].body == content);
  CHECK(seen[1].field("Transfer-Encoding") == "chunked");
  CHECK(seen[1].body == content);
}

TEST_CASE("a source that was read is not sent again", "[http][client]") {
  FaultServer server;
  server.script("/x", {{.status = 503}, {.status = 201}});
  Client client(quick_options());
  base::StringSource source("content");
  Request request{.method = "PUT", .url = url_of(server.url("/x"))};
  request.body_source = &source;
  request.body_length = 7;
  CHECK(client.send(request).status == 503);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a source that can be rewound is sent again, from its start", "[http][client]") {
  FaultServer server;
  server.script("/x", {{.status = 503}, {.hang_up = true}, {.status = 201}});
  Client client(quick_options());
  const std::string content = pattern_text(100'000);
  base::StringSource source(content);
  Request request{.method = "PUT", .url = url_of(server.url("/x"))};
  request.body_source = &source;
  request.body_length = content.size();
  request.rewind_body = [&] { source = base::StringSource(content); };
  CHECK(client.send(request).status == 201);
  const auto seen = server.requests();
  REQUIRE(seen.size() == 3);
  CHECK(seen.front().body == content);
  CHECK(seen.back().body == content);
}

TEST_CASE("an error of the source comes out as it is", "[http][client]") {
  struct FailingSource : base::ByteSource {
    std::size_t read(std::span<std::byte>) override { throw base::Error(base::ErrorCode::truncated, "short"); }
  } source;
  FaultServer server;
  server.script("/x", {{.status = 201}});
  Client client(quick_options());
  Request request{.method = "PUT", .url = url_of(server.url("/x"))};
  request.body_source = &source;
  CHECK(test::code_of([&] { client.send(request); }) == base::ErrorCode::truncated);
}

TEST_CASE("a body larger than allowed is an error", "[http][client]") {
  FaultServer server;
  server.script("/x", {{.body = std::string(1000, 'x')}});
  server.script("/endless", {{.body = std::string(1000, 'x'), .no_length = true}});
  Client client(quick_options());
  for (const char* path : {"/x", "/endless"}) {
    Request request{.url = url_of(server.url(path))};
    request.body_limit = 1000;
    CHECK(client.send(request).body.size() == 1000);
    request.body_limit = 999;
    CHECK(test::code_of([&] { client.send(request); }) == base::ErrorCode::limit);
  }
}

TEST_CASE("an answer with too many fields is an error", "[http][client]") {
  FaultServer server;
  test::FaultAnswer answer;
  for (int i = 0; i < 400; ++i) {
    answer.fields.emplace_back("X-" + std::to_string(i), std::string(1000, 'v'));
  }
  server.script("/x", {answer});
  Client client(quick_options());
  CHECK(test::code_of([&] { client.send({.url = url_of(server.url("/x"))}); }) == base::ErrorCode::limit);
}

TEST_CASE("a field with a line break is refused before anything is sent", "[http][client]") {
  FaultServer server;
  Client client(quick_options());
  for (const auto& field : {std::pair<std::string, std::string>{"X-A", "1\r\nX-B: 2"}, {"X\nA", "1"}, {"X A", "1"}}) {
    CHECK(test::code_of([&] { client.send({.url = url_of(server.url("/x")), .headers = {field}}); }) ==
          base::ErrorCode::usage);
  }
  CHECK(server.requests().empty());
}

TEST_CASE("an answer that is not HTTP is an upstream error", "[http][client]") {
  FaultServer server;
  server.script("/x", {{.raw = "SSH-2.0-OpenSSH_9.2\r\nsomething else\r\n\r\n"}});
  Client client(quick_options());
  CHECK(test::code_of([&] { client.send({.url = url_of(server.url("/x"))}); }) == base::ErrorCode::upstream);
}

TEST_CASE("an interim answer is passed over", "[http][client]") {
  FaultServer server;
  server.script("/x", {{.raw = "HTTP/1.1 103 Early Hints\r\nLink: </y>\r\n\r\n"
                               "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Real: 1\r\n\r\nok"}});
  Client client(quick_options());
  const Response response = client.send({.url = url_of(server.url("/x"))});
  CHECK(response.status == 200);
  CHECK(response.body == "ok");
  CHECK_FALSE(response.headers.find("Link").has_value());
}

TEST_CASE("one thread after another uses one connection", "[http][client]") {
  FaultServer server;
  server.script("/x", {{.body = "x"}});
  Client client(quick_options());
  for (int i = 0; i < 10; ++i) {
    std::thread([&] { client.send({.url = url_of(server.url("/x"))}); }).join();
  }
  CHECK(server.connections() == 1);
  CHECK(client.bytes_received() == 10);
}

TEST_CASE("many threads send through one client", "[http][client]") {
  FaultServer server;
  server.script(
      "/x", [](const test::FaultRequest& request, std::size_t) { return test::FaultAnswer{.body = request.target}; });
  Client client(quick_options());
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 10; ++round) {
        const std::string target = "/x?" + std::to_string(i * 100 + round);
        right += client.send({.url = url_of(server.url(target))}).body == target ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(right == 160);
}

TEST_CASE("proxies come from the environment, and a host's own option is stronger", "[http][client]") {
  FaultServer proxy;
  proxy.script("http://registry.example/x", {{.body = "through the proxy"}});
  const Request request{.url = url_of("http://registry.example/x"), .retry = false};
  const test::ScopedEnvironment no_exceptions("no_proxy", std::nullopt);
  {
    const test::ScopedEnvironment environment("http_proxy", proxy.url(""));
    CHECK(Client(quick_options()).send(request).body == "through the proxy");

    FaultServer direct;
    direct.script("/x", {{.body = "direct"}});
    CHECK(Client(quick_options()).send({.url = url_of(direct.url("/x"))}).body == "direct");
  }
  const test::ScopedEnvironment exception("no_proxy", "registry.example");
  ClientOptions options = quick_options();
  options.hosts["registry.example"].proxy = proxy.url("");
  CHECK(Client(options).send(request).body == "through the proxy");
}

TEST_CASE("only http and https are fetched", "[http][client]") {
  Client client(quick_options());
  CHECK(test::code_of([&] { client.send({.url = url_of("file:///etc/hostname")}); }) == base::ErrorCode::usage);
}

TEST_CASE("an unexpected status names what, where and why", "[http][client]") {
  const Response response{403,
                          {{"Content-Type", "application/json"}},
                          "{\"error\":\n\"no rights\"}",
                          url_of("https://registry.example/v2/x?secret=1")};
  const auto error = test::error_of([&] { expect_status(response, {200, 201}, "the manifest of 'x'"); });
  CHECK(error.code() == base::ErrorCode::auth);
  CHECK(error.message().find("the manifest of 'x'") != std::string::npos);
  CHECK(error.message().find("https://registry.example/v2/x") != std::string::npos);
  CHECK(error.message().find("403 Forbidden") != std::string::npos);
  CHECK(error.message().find("no rights") != std::string::npos);
  CHECK(error.message().find("secret=1") == std::string::npos);
  CHECK_NOTHROW(expect_status(response, {403}, "x"));

  const auto code = [](int status) {
    return test::code_of([&] { expect_status({status, {}, "", url_of("https://a.example/")}, {200}, "x"); });
  };
  CHECK(code(401) == base::ErrorCode::auth);
  CHECK(code(404) == base::ErrorCode::not_found);
  CHECK(code(410) == base::ErrorCode::not_found);
  CHECK(code(500) == base::ErrorCode::upstream);
  CHECK(code(302) == base::ErrorCode::upstream);
}

}  // namespace airlock::http
