#include "http/client_redirect.hpp"

#include "http_fixture.hpp"
#include "support/fault_server.hpp"

namespace airlock::http {

using test::FaultServer;

namespace {

Hop hop_at(std::string_view url, std::string method = "GET") {
  return {std::move(method), url_of(url), {{"Accept", "a/b"}, {"X-Token", "t"}, {"Range", "bytes=1-"}}};
}

test::FaultAnswer redirect(const std::string& location, int status = 302) {
  return {.status = status, .fields = {{"Location", location}}, .body = "moved"};
}

}  // namespace

TEST_CASE("a redirect inside the origin keeps everything", "[http][client][redirect]") {
  const Hop next = follow_redirect(hop_at("https://a.example/x/y"), 307, {{"Location", "../z?q"}});
  CHECK(next.url.to_string() == "https://a.example/z?q");
  CHECK(next.with_authorization);
  CHECK(next.headers.find("X-Token") == "t");
  CHECK(next.method == "GET");
}

TEST_CASE("another origin gets no credentials, and they do not come back later", "[http][client][redirect]") {
  const std::string location = GENERATE("https://b.example/x", "https://a.example:8443/x", "//b.example/x");
  const Hop away = follow_redirect(hop_at("https://a.example/x"), 302, {{"Location", location}});
  CHECK_FALSE(away.with_authorization);
  CHECK_FALSE(away.headers.find("X-Token").has_value());
  CHECK(away.headers.find("Accept") == "a/b");
  CHECK(away.headers.find("Range") == "bytes=1-");
  const Hop back = follow_redirect(away, 302, {{"Location", "https://a.example/x"}});
  CHECK_FALSE(back.with_authorization);
}

TEST_CASE("dangerous redirects are refused", "[http][client][redirect]") {
  const std::string location = GENERATE("http://a.example/x", "file:///etc/passwd", "ftp://a.example/x", "https://");
  CAPTURE(location);
  CHECK(test::code_of([&] {
          follow_redirect(hop_at("https://a.example/x"), 302, {{"Location", location}});
        }) == base::ErrorCode::upstream);
}

TEST_CASE("methods change as RFC 9110 says", "[http][client][redirect]") {
  const auto method_after = [](std::string method, int status) {
    const Hop next = follow_redirect(hop_at("https://a.example/x", std::move(method)), status, {{"Location", "/y"}});
    CHECK((next.body == Body::drop) == (next.method == "GET"));
    return next.method;
  };
  CHECK(method_after("POST", 301) == "GET");
  CHECK(method_after("POST", 302) == "GET");
  CHECK(method_after("POST", 303) == "GET");
  CHECK(method_after("PUT", 303) == "GET");
  CHECK(method_after("PUT", 302) == "PUT");
  CHECK(method_after("POST", 307) == "POST");
  CHECK(method_after("POST", 308) == "POST");
  CHECK(follow_redirect(hop_at("https://a.example/x", "HEAD"), 303, {{"Location", "/y"}}).method == "HEAD");
}

TEST_CASE("authorization is not sent to the host of a redirect", "[http][client][redirect]") {
  FaultServer server;
  server.script("/start", {redirect(server.other_origin_url("/there"))});
  server.script("/there", {{.body = "content"}});
  server.script("/stay", {redirect("/here", 301)});
  server.script("/here", {{.body = "content"}});
  Client client(quick_options());
  Request request{.url = url_of(server.url("/start")), .headers = {{"X-Api-Key", "k"}}};
  request.authorization = base::Secret("Bearer t");
  const Response response = client.send(request);
  CHECK(response.body == "content");
  CHECK(response.url.to_string() == server.other_origin_url("/there"));
  CHECK(server.requests("/start").front().field("Authorization") == "Bearer t");
  CHECK_FALSE(server.requests("/there").front().field("Authorization").has_value());
  CHECK_FALSE(server.requests("/there").front().field("X-Api-Key").has_value());

  request.url = url_of(server.url("/stay"));
  CHECK(client.send(request).body == "content");
  CHECK(server.requests("/here").front().field("Authorization") == "Bearer t");
}

TEST_CASE("a download follows redirects under the same rules", "[http][client][redirect]") {
  FaultServer server;
  server.script("/start", {redirect(server.other_origin_url("/there"), 307)});
  server.script("/there", {{.body = "content"}});
  Client client(quick_options());
  base::StringSink sink(100);
  Download download{.url = url_of(server.url("/start"))};
  download.authorize = [](const Response*) { return base::Secret("Bearer t"); };
  CHECK(client.download(download, sink).url.to_string() == server.other_origin_url("/there"));
  CHECK(sink.take() == "content");
  CHECK_FALSE(server.requests("/there").front().field("Authorization").has_value());
}

TEST_CASE("redirects in a circle end", "[http][client][redirect]") {
  FaultServer server;
  server.script("/x", {redirect("/x")});
  Client client(quick_options());
  CHECK(test::code_of([&] { client.send({.url = url_of(server.url("/x"))}); }) == base::ErrorCode::upstream);
  CHECK(server.requests().size() == 11);
}

TEST_CASE("a redirect that is not to be followed is data", "[http][client][redirect]") {
  FaultServer server;
  server.script("/x", {redirect("/y")});
  Client client(quick_options());
  const Response response = client.send({.url = url_of(server.url("/x")), .redirects = Redirects::refuse});
  CHECK(response.status == 302);
  CHECK(response.headers.find("Location") == "/y");
  CHECK(response.body == "moved");
}

TEST_CASE("a body from a source does not follow a redirect once it was read", "[http][client][redirect]") {
  FaultServer server;
  server.script("/x", {redirect("/y", 307)});
  Client client(quick_options());
  base::StringSource source("content");
  Request request{.method = "PUT", .url = url_of(server.url("/x"))};
  request.body_source = &source;
  request.body_length = 7;
  CHECK(test::code_of([&] { client.send(request); }) == base::ErrorCode::upstream);

  request.body_source = nullptr;
  request.body = "content";
  server.script("/y", {{.status = 201}});
  CHECK(client.send(request).status == 201);
  CHECK(server.requests("/y").front().body == "content");
}

}  // namespace airlock::http
