#include "http/client_retry.hpp"

#include "base/interrupt.hpp"
#include "http/client_failure.hpp"
#include "http_fixture.hpp"
#include "support/fault_server.hpp"

namespace airlock::http {

using test::FaultServer;

namespace {

Response get(const FaultServer& server, std::string_view path, const ClientOptions& options = quick_options()) {
  Client client(options);
  return client.send({.url = url_of(server.url(path))});
}

}  // namespace

TEST_CASE("Retry-After is read as seconds and as a date", "[http][client][retry]") {
  const auto now = std::chrono::system_clock::time_point(std::chrono::seconds(784111777));  // 1994-11-06T08:49:37Z
  const auto asked = [&](const char* value) { return retry_after({{"Retry-After", value}}, now); };
  CHECK(asked("0") == std::chrono::seconds(0));
  CHECK(asked(" 120 ") == std::chrono::seconds(120));
  CHECK(asked("Sun, 06 Nov 1994 08:50:07 GMT") == std::chrono::seconds(30));
  CHECK(asked("Sunday, 06-Nov-94 08:50:07 GMT") == std::chrono::seconds(30));
  CHECK(asked("Sun Nov  6 08:50:07 1994") == std::chrono::seconds(30));
  CHECK(asked("Sun, 06 Nov 1994 08:00:00 GMT") == std::chrono::seconds(0));
  CHECK(asked("99999999999999999999") > std::chrono::hours(24 * 365));
  CHECK_FALSE(asked("-1").has_value());
  CHECK_FALSE(asked("soon").has_value());
  CHECK_FALSE(asked("1.5").has_value());
  CHECK_FALSE(asked("").has_value());
  CHECK_FALSE(retry_after({}, now).has_value());
}

TEST_CASE("transient statuses are tried again until they end", "[http][client][retry]") {
  const int status = GENERATE(408, 425, 429, 500, 502, 503, 504);
  FaultServer server;
  server.script("/x", {{.status = status}, {.status = status}, {.body = "ok"}});
  CHECK(get(server, "/x").body == "ok");
  CHECK(server.requests().size() == 3);
}

TEST_CASE("other statuses are data at once", "[http][client][retry]") {
  const int status = GENERATE(204, 304, 400, 401, 403, 404, 409, 410, 501, 505);
  FaultServer server;
  server.script("/x", {{.status = status, .no_length = true}});
  CHECK(get(server, "/x").status == status);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("what stays transient is data after the last try", "[http][client][retry]") {
  FaultServer server;
  server.script("/x", {{.status = 503, .body = "later"}});
  const Response response = get(server, "/x");
  CHECK(response.status == 503);
  CHECK(response.body == "later");
  CHECK(server.requests().size() == 4);
}

TEST_CASE("a request that says so is not tried again", "[http][client][retry]") {
  FaultServer server;
  server.script("/x", {{.status = 503}});
  server.script("/gone", {{.hang_up = true}});
  Client client(quick_options());
  CHECK(client.send({.url = url_of(server.url("/x")), .retry = false}).status == 503);
  CHECK(test::code_of([&] { client.send({.url = url_of(server.url("/gone")), .retry = false}); }) ==
        base::ErrorCode::network);
  CHECK(server.requests("/x").size() == 1);
}

TEST_CASE("a Retry-After that is too long fails at once with what the server said", "[http][client][retry]") {
  FaultServer server;
  server.script("/x", {{.status = 429, .fields = {{"Retry-After", "100000"}}, .body = "quota"}});
  const Response response = get(server, "/x");
  CHECK(response.status == 429);
  CHECK(server.requests().size() == 1);
  const auto error = test::error_of([&] { expect_status(response, {200}, "the index"); });
  CHECK(error.hint().find("100000") != std::string::npos);
}

TEST_CASE("what Retry-After asks is waited for", "[http][client][retry]") {
  FaultServer server;
  const auto form = GENERATE(test::RetryAfter::seconds, test::RetryAfter::date);
  server.script("/x", test::overrun_for(std::chrono::seconds(2), form, {.body = "ok"}));
  CHECK(get(server, "/x").body == "ok");
  CHECK(server.requests().size() == 2);  // none came too early
}

TEST_CASE("a 403 with Retry-After is a rate limit", "[http][client][retry]") {
  FaultServer server;
  server.script("/x", {{.status = 403, .fields = {{"Retry-After", "0"}}}, {.body = "ok"}});
  CHECK(get(server, "/x").body == "ok");
}

TEST_CASE("a server that hangs up is tried again and then named", "[http][client][retry]") {
  FaultServer server;
  server.script("/once", {{.hang_up = true}, {.body = "ok"}});
  server.script("/always", {{.hang_up = true}});
  CHECK(get(server, "/once").body == "ok");
  const auto error = test::error_of([&] { get(server, "/always"); });
  CHECK(error.code() == base::ErrorCode::network);
  CHECK(error.message().find("/always") != std::string::npos);
  CHECK(error.message().find("4 tries") != std::string::npos);
}

TEST_CASE("an answer that is cut short is asked for again", "[http][client][retry]") {
  FaultServer server;
  server.script("/x", {{.body = "abcdef", .cut_after = 3}, {.body = "abcdef"}});
  CHECK(get(server, "/x").body == "abcdef");
}

TEST_CASE("a server that says nothing is given up after the stall timeout", "[http][client][retry]") {
  FaultServer server;
  server.script("/x", {{.silent = true}});
  ClientOptions options = quick_options();
  options.stall_timeout = std::chrono::seconds(1);
  options.retries = 0;
  const auto error = test::error_of([&] { get(server, "/x", options); });
  CHECK(error.code() == base::ErrorCode::network);
  CHECK(error.message().find("nothing moved") != std::string::npos);
}

TEST_CASE("a request may be less patient than its client, with a body too", "[http][client][retry]") {
  FaultServer server;
  server.script("/x", {{.silent = true}});
  Client client(quick_options());
  Request request{.method = "POST", .url = url_of(server.url("/x")), .body = "{}"};
  request.patience = std::chrono::seconds(1);
  request.retry = false;
  const auto error = test::error_of([&] { client.send(request); });
  CHECK(error.code() == base::ErrorCode::network);
  CHECK(error.message().find("nothing moved for 1 s") != std::string::npos);
}

TEST_CASE("a connection that is refused is named with a hint", "[http][client][retry]") {
  std::string url;
  {
    const FaultServer server;
    url = server.url("/x");
  }
  Client client(quick_options());
  const auto error = test::error_of([&] { client.send({.url = url_of(url)}); });
  CHECK(error.code() == base::ErrorCode::network);
  CHECK(error.message().find("no connection") != std::string::npos);
  CHECK_FALSE(error.hint().empty());
}

TEST_CASE("a host without an address is named and not asked for long", "[http][client][retry]") {
  constexpr int k_couldnt_resolve_host = 6;  // libcurl's number; no name is looked up in a unit test
  const auto failure = describe_curl_failure(k_couldnt_resolve_host, "Could not resolve host", "no-such.example");
  CHECK(failure.kind == TransferFailure::Kind::brief);
  CHECK(failure.code == base::ErrorCode::network);
  CHECK(failure.cause.find("no-such.example") != std::string::npos);

  ClientOptions options = quick_options();
  options.retries = 50;
  Retrier retrier(options);
  while (retrier.may_retry_briefly()) {
    retrier.pause();
  }
  CHECK(retrier.tries() == 3);
  CHECK(retrier.may_retry());
}

TEST_CASE("a proxy that refuses is not asked again", "[http][client][retry]") {
  constexpr int k_couldnt_connect = 7;
  const auto kind = [](const char* text) { return describe_curl_failure(k_couldnt_connect, text, "a.example").kind; };
  CHECK(kind("CONNECT tunnel failed, response 407") == TransferFailure::Kind::permanent);
  CHECK(kind("CONNECT tunnel failed, response 503") == TransferFailure::Kind::transient);
  CHECK(kind("Failed to connect to a.example port 443") == TransferFailure::Kind::transient);
}

TEST_CASE("secrets in a URL are not in the message", "[http][client][retry]") {
  FaultServer server;
  server.script("/x", {{.hang_up = true}});
  const auto error = test::error_of([&] { get(server, "/x?token=hush"); });
  CHECK(error.message().find("hush") == std::string::npos);
}

TEST_CASE("an interrupt ends the wait before the next try", "[http][client][retry]") {
  struct Clear {
    ~Clear() { base::clear_interrupt(); }
  } clear;
  FaultServer server;
  server.script("/x", [](const test::FaultRequest&, std::size_t) {
    base::request_interrupt();
    return test::FaultAnswer{.status = 429, .fields = {{"Retry-After", "60"}}};
  });
  CHECK(test::code_of([&] { get(server, "/x"); }) == base::ErrorCode::interrupted);
}

TEST_CASE("a sender gives its request up, but for a held answer that has begun", "[http][client][retry]") {
  FaultServer server;
  server.script("/silent", {{.silent = true}});
  server.script("/slow", {{.body = "claim", .trickle = std::chrono::milliseconds(20)}});
  Client client(quick_options());
  Request request{.url = url_of(server.url("/silent"))};
  request.given_up = [] { return true; };
  CHECK(test::code_of([&] { client.send(request); }) == base::ErrorCode::interrupted);
  CHECK_FALSE(base::interrupt_requested());

  std::string text;
  base::FunctionSink sink(
      [&](std::span<const std::byte> data) { text.append(reinterpret_cast<const char*>(data.data()), data.size()); });
  request.url = url_of(server.url("/slow"));
  request.given_up = [&] { return !text.empty(); };
  CHECK(test::code_of([&] { client.stream(request, sink); }) == base::ErrorCode::interrupted);
  text.clear();
  request.wait = Wait::held;
  CHECK(client.stream(request, sink).status == 200);
  CHECK(text == "claim");
}

TEST_CASE("a held answer that has begun to come is read to its end", "[http][client][retry]") {
  struct InterruptingSink : base::ByteSink {
    std::string text;
    void write(std::span<const std::byte> data) override {
      base::request_interrupt();
      text.append(reinterpret_cast<const char*>(data.data()), data.size());
    }
    ~InterruptingSink() override { base::clear_interrupt(); }
  } sink;
  FaultServer server;
  server.script("/x", {{.body = "claim", .trickle = std::chrono::milliseconds(20)}});
  Client client(quick_options());
  Request request{.url = url_of(server.url("/x"))};
  SECTION("held") {
    request.wait = Wait::held;
    CHECK(client.stream(request, sink).status == 200);
    CHECK(sink.text == "claim");
  }
  SECTION("any other") {
    CHECK(test::code_of([&] { client.stream(request, sink); }) == base::ErrorCode::interrupted);
  }
}

}  // namespace airlock::http
