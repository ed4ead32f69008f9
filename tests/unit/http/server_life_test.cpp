// Connections over time: idle ones, slow ones, caps, the end of the server, a new certificate.
#include <atomic>
#include <future>
#include <thread>

#include "http_fixture.hpp"
#include "support/test_certificate.hpp"

namespace airlock::http {

namespace {

constexpr std::string_view k_ping = "GET /ping HTTP/1.1\r\nHost: a.example\r\n\r\n";

Router ping_router() {
  Router router;
  router.add("GET", "/ping", [](const ServerRequest&) { return ServerResponse::text(200, "pong"); });
  return router;
}

bool pings(RawClient& client) {
  return client.send(k_ping) && body_of_response(client.read_response().value_or("")) == "pong";
}

}  // namespace

TEST_CASE("hundreds of idle connections do not keep a new one waiting", "[http][server][life]") {
  ServerOptions options;
  options.max_connections_per_address = 400;
  RunningServer server(ping_router(), options);
  std::vector<RawClient> idle;
  for (int i = 0; i < 300; ++i) {
    idle.emplace_back(server.port());
    REQUIRE(pings(idle.back()));
  }
  RawClient fresh(server.port());
  CHECK(pings(fresh));
  CHECK(pings(idle.front()));
  CHECK(pings(idle.back()));
}

TEST_CASE("a handler that holds its answer learns that the client has left", "[http][server][life]") {
  std::promise<bool> at_first;
  std::promise<bool> noticed;
  Router router;
  router.add("GET", "/hold", [&](const ServerRequest& request) {
    at_first.set_value(request.client_gone());
    for (int i = 0; i < 6000 && !request.client_gone(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    noticed.set_value(request.client_gone());
    return ServerResponse::text(200, "for nobody");
  });
  RunningServer server(std::move(router));
  RawClient client(server.port());
  REQUIRE(client.send("GET /hold HTTP/1.1\r\nHost: a.example\r\n\r\n"));
  CHECK_FALSE(at_first.get_future().get());
  client.close();
  CHECK(noticed.get_future().get());
}

TEST_CASE("connections beyond the cap are told so", "[http][server][life]") {
  ServerOptions options;
  (GENERATE(true, false) ? options.max_connections : options.max_connections_per_address) = 2;
  RunningServer server(ping_router(), options);
  RawClient first(server.port());
  RawClient second(server.port());
  REQUIRE(pings(first));
  REQUIRE(pings(second));
  RawClient third(server.port());
  CHECK(status_of_response(third.read_to_end()) == 503);
  CHECK(pings(first));

  first.close();
  for (int i = 0; i < 1000; ++i) {  // the place comes free when the server has noticed
    RawClient next(server.port());
    if (next.send(k_ping) && status_of_response(next.read_response().value_or("")) == 200) {
      SUCCEED();
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  FAIL("the place did not come free");
}

TEST_CASE("slow headers, silent clients and stalled bodies are given up", "[http][server][life]") {
  ServerOptions options;
  options.header_deadline = std::chrono::seconds(1);
  options.stall_deadline = std::chrono::seconds(1);
  options.idle_deadline = std::chrono::seconds(1);
  Router router = ping_router();
  router.add("PUT", "/put", [](const ServerRequest& request) {
    return ServerResponse::text(200, base::read_all(*request.body, 1000));
  });
  RunningServer server(std::move(router), options);
  RawClient silent(server.port());
  RawClient slow_header(server.port());
  RawClient slow_body(server.port());
  slow_header.send("GET /ping HT");
  slow_body.send("PUT /put HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100\r\n\r\nabc");
  CHECK(silent.read_to_end().empty());
  CHECK(status_of_response(slow_header.read_to_end()) == 408);
  CHECK(status_of_response(slow_body.read_to_end()) == 408);
}

TEST_CASE("a client that does not read its answer is given up", "[http][server][life]") {
  std::atomic<bool> ended{false};
  Router router;
  router.add("GET", "/big", [&](const ServerRequest&) {
    ServerResponse response;
    response.body = [&](base::ByteSink& sink) {
      struct Mark {
        std::atomic<bool>& flag;
        ~Mark() { flag = true; }
      } mark{ended};
      const std::string piece(1'000'000, 'x');
      for (int i = 0; i < 1000; ++i) {
        sink.write(base::as_bytes(piece));
      }
    };
    return response;
  });
  ServerOptions options;
  options.stall_deadline = std::chrono::seconds(1);
  RunningServer server(std::move(router), options);
  RawClient client(server.port());
  client.send("GET /big HTTP/1.1\r\nHost: a.example\r\n\r\n");
  for (int i = 0; i < 4000 && !ended; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(ended);
}

TEST_CASE("clients that go away in the middle of an answer harm nobody", "[http][server][life]") {
  Router router = ping_router();
  router.add("GET", "/f", [slice = file_with(std::string(5'000'000, 'x'))](const ServerRequest&) {
    return ServerResponse::file(slice, "a/b", "t");
  });
  RunningServer server(std::move(router));
  for (int i = 0; i < 20; ++i) {
    RawClient client(server.port());
    client.send("GET /f HTTP/1.1\r\nHost: a.example\r\n\r\n");
    char some[100];
    REQUIRE(::recv(client.fd(), some, sizeof some, 0) > 0);
    client.close();
  }
  RawClient client(server.port());
  CHECK(pings(client));
}

TEST_CASE("stopping lets a request end and closes idle connections", "[http][server][life]") {
  std::promise<void> entered;
  std::promise<void> may_go;
  Router router = ping_router();
  router.add("GET", "/slow", [&](const ServerRequest&) {
    entered.set_value();
    may_go.get_future().wait();
    return ServerResponse::text(200, "done");
  });
  RunningServer server(std::move(router));
  RawClient idle(server.port());
  REQUIRE(pings(idle));
  RawClient busy(server.port());
  busy.send("GET /slow HTTP/1.1\r\nHost: a.example\r\n\r\n");
  entered.get_future().wait();
  std::thread stopper([&] { server.server().stop(); });
  CHECK(idle.read_to_end().empty());
  may_go.set_value();
  const std::string answer = busy.read_to_end();
  CHECK(body_of_response(answer) == "done");
  CHECK(answer.find("Connection: close") != std::string::npos);
  stopper.join();
  server.server().stop();
}

TEST_CASE("stopping breaks what does not end in time", "[http][server][life]") {
  ServerOptions options;
  options.shutdown_grace = std::chrono::seconds(0);
  Router router;
  router.add("PUT", "/put", [](const ServerRequest& request) {
    return ServerResponse::text(200, base::read_all(*request.body, 1000));
  });
  RunningServer server(std::move(router), options);
  RawClient client(server.port());
  client.send("PUT /put HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n");
  REQUIRE(client.read_response().has_value());  // the handler is reading
  server.server().stop();
  CHECK(client.read_to_end().empty());
}

TEST_CASE("a server that was never started ends as well", "[http][server][life]") {
  ServerOptions options;
  options.port = 0;
  Server server(options, ping_router());
  CHECK(server.port() != 0);
  server.stop();
  server.stop();
}

TEST_CASE("a port that is taken is an error", "[http][server][life]") {
  RunningServer server(ping_router());
  ServerOptions options;
  options.port = server.port();
  CHECK(test::code_of([&] { Server(options, ping_router()); }) == base::ErrorCode::io);
}

TEST_CASE("bad certificates are configuration errors", "[http][server][life]") {
  const base::TempDir directory;
  const auto good = test::make_certificate(directory.path(), "good");
  const auto other = test::make_certificate(directory.path(), "other");
  ServerOptions options;
  options.port = 0;
  options.tls_certificate = good.certificate;
  options.tls_key = other.key;
  CHECK(test::code_of([&] { Server(options, ping_router()); }) == base::ErrorCode::config);
  options.tls_key = directory.path() / "absent.key";
  const auto error = test::error_of([&] { Server(options, ping_router()); });
  CHECK(error.code() == base::ErrorCode::config);
  CHECK(error.message().find("absent.key") != std::string::npos);
}

TEST_CASE("a new certificate is taken for new connections, a bad one is not", "[http][server][life]") {
  const base::TempDir directory;
  const auto served = test::make_certificate(directory.path(), "served");
  ServerOptions options;
  options.tls_certificate = served.certificate;
  options.tls_key = served.key;
  RunningServer server(ping_router(), options);
  const auto works_with = [&](const std::filesystem::path& ca) {
    ClientOptions client_options = quick_options();
    client_options.hosts["127.0.0.1"].ca_file = ca;
    try {
      return Client(client_options).send({.url = server.url("/ping")}).status == 200;
    } catch (const base::Error&) {
      return false;
    }
  };
  const auto old_ca = directory.path() / "old.crt";
  std::filesystem::copy_file(served.certificate, old_ca);
  REQUIRE(works_with(old_ca));

  base::write_file_atomic(served.certificate, "broken");
  CHECK(test::code_of([&] { server.server().reload_certificate(); }) == base::ErrorCode::config);
  CHECK(works_with(old_ca));

  test::make_certificate(directory.path(), "served");
  server.server().reload_certificate();
  CHECK(works_with(served.certificate));
  CHECK_FALSE(works_with(old_ca));
}

TEST_CASE("a client that never ends its handshake is given up", "[http][server][life]") {
  const base::TempDir directory;
  const auto certificate = test::make_certificate(directory.path(), "site");
  ServerOptions options;
  options.tls_certificate = certificate.certificate;
  options.tls_key = certificate.key;
  options.handshake_deadline = std::chrono::seconds(1);
  RunningServer server(ping_router(), options);
  RawClient client(server.port());
  client.send("\x16\x03\x01");
  client.read_to_end();
  SUCCEED();
}

}  // namespace airlock::http
