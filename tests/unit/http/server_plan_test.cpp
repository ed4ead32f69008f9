#include "http/server_plan.hpp"

#include "http_fixture.hpp"

namespace airlock::http {

namespace {

ServerResponse tagged(std::string body) {
  auto response = ServerResponse::text(200, std::move(body));
  response.entity_tag = "abc";
  response.headers.set("Cache-Control", "max-age=60");
  return response;
}

ResponsePlan plan(ServerResponse response, Headers headers = {}, const std::string& method = "GET", int version = 11) {
  const PlanRequest request{method, version, headers, true};
  return plan_response(request, response);
}

}  // namespace

TEST_CASE("entity tags in a list are compared weakly", "[http][server][plan]") {
  CHECK(matches_entity_tag("\"abc\"", "abc"));
  CHECK(matches_entity_tag("W/\"abc\"", "abc"));
  CHECK(matches_entity_tag("\"x\", W/\"y\" , \"abc\"", "abc"));
  CHECK(matches_entity_tag("\"a,b\",\"abc\"", "abc"));
  CHECK(matches_entity_tag("*", "abc"));
  for (const char* other : {"", "\"abcd\"", "abc", "\"abc", "\"x\"", ",,", "\"a\" \"abc\""}) {
    CAPTURE(other);
    CHECK_FALSE(matches_entity_tag(other, "abc"));
  }
}

TEST_CASE("a client that has it gets 304 without the body", "[http][server][plan]") {
  const auto same = plan(tagged("content"), {{"If-None-Match", "\"abc\""}, {"Range", "bytes=0-1"}});
  CHECK(same.status == 304);
  CHECK(same.body == BodyKind::none);
  CHECK(same.headers.find("ETag") == "\"abc\"");
  CHECK(same.headers.find("Cache-Control") == "max-age=60");
  CHECK_FALSE(same.headers.find("Content-Type").has_value());
  CHECK_FALSE(same.headers.find("Content-Length").has_value());
  CHECK(plan(tagged("content"), {{"If-None-Match", "\"x\""}}).status == 200);
  CHECK(plan(tagged("content"), {{"If-None-Match", "*"}}, "PUT").status == 200);
}

TEST_CASE("a range is cut from texts and files", "[http][server][plan]") {
  const auto text = plan(tagged("0123456789"), {{"Range", "bytes=2-4"}});
  CHECK(text.status == 206);
  CHECK(text.text == "234");
  CHECK(text.headers.find("Content-Range") == "bytes 2-4/10");
  CHECK(text.headers.find("Content-Length") == "3");

  base::FileSlice slice{nullptr, 100, 10};
  const auto file = plan(ServerResponse::file(slice, "a/b", "abc"), {{"Range", "bytes=-3"}});
  CHECK(file.status == 206);
  CHECK(file.file.offset == 107);
  CHECK(file.file.length == 3);
  CHECK(file.headers.find("Content-Range") == "bytes 7-9/10");
}

TEST_CASE("what cannot be cut is answered whole or with 416", "[http][server][plan]") {
  const auto past = plan(tagged("0123456789"), {{"Range", "bytes=10-"}});
  CHECK(past.status == 416);
  CHECK(past.headers.find("Content-Range") == "bytes */10");
  CHECK(past.headers.find("Content-Length") == "0");
  CHECK(plan(tagged("0123456789"), {{"Range", "bytes=500-0"}}).status == 416);
  CHECK(plan(tagged("0123456789"), {{"Range", "bytes=0-1,3-4"}}).status == 200);
  CHECK(plan(tagged("0123456789"), {{"Range", "bytes=2-4"}}, "HEAD").status == 200);
  CHECK(plan(ServerResponse::text(404, "0123456789"), {{"Range", "bytes=2-4"}}).status == 404);
}

TEST_CASE("If-Range decides whether a range still holds", "[http][server][plan]") {
  const auto status = [](const char* condition) {
    auto response = tagged("0123456789");
    response.headers.set("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT");
    return plan(std::move(response), {{"Range", "bytes=2-4"}, {"If-Range", condition}}).status;
  };
  CHECK(status("\"abc\"") == 206);
  CHECK(status("\"old\"") == 200);
  CHECK(status("W/\"abc\"") == 200);
  CHECK(status("Sun, 06 Nov 1994 08:49:37 GMT") == 206);
  CHECK(status("Sun, 06 Nov 1994 08:49:38 GMT") == 200);
}

TEST_CASE("HEAD announces what GET would send", "[http][server][plan]") {
  const auto head = plan(tagged("0123456789"), {}, "HEAD");
  CHECK(head.body == BodyKind::none);
  CHECK(head.headers.find("Content-Length") == "10");
  CHECK(head.headers.find("Accept-Ranges") == "bytes");

  ServerResponse own;
  own.headers.set("Content-Length", "77");
  CHECK(plan(own, {}, "HEAD").headers.find("Content-Length") == "77");
  CHECK(plan(own).headers.find("Content-Length") == "0");
}

TEST_CASE("a writer's body is framed by what is known of it", "[http][server][plan]") {
  ServerResponse response;
  response.body = [](base::ByteSink&) {};
  CHECK(plan(response).body == BodyKind::chunked_writer);
  CHECK(plan(response).headers.find("Transfer-Encoding") == "chunked");
  const auto old = plan(response, {}, "GET", 10);
  CHECK(old.body == BodyKind::closing_writer);
  CHECK(old.close);
  CHECK_FALSE(old.headers.find("Transfer-Encoding").has_value());
  response.headers.set("Content-Length", "5");
  CHECK(plan(response).body == BodyKind::counted_writer);
  CHECK(plan(response).headers.find("Content-Length") == "5");
}

TEST_CASE("handlers cannot break the framing", "[http][server][plan]") {
  auto response = ServerResponse::text(200, "abc");
  response.headers.set("Transfer-Encoding", "gzip");
  response.headers.set("Content-Length", "99");
  response.headers.set("Connection", "upgrade");
  const auto planned = plan(response);
  CHECK(planned.headers.all("Content-Length") == std::vector<std::string>{"3"});
  CHECK_FALSE(planned.headers.find("Transfer-Encoding").has_value());
  CHECK_FALSE(planned.headers.find("Connection").has_value());
  CHECK_FALSE(plan(ServerResponse::text(204, "x")).headers.find("Content-Length").has_value());

  response.headers.set("Location", "/x\r\nSet-Cookie: a=b");
  CHECK(test::code_of([&] { plan(response); }) == base::ErrorCode::internal);
}

TEST_CASE("a header goes out as HTTP writes it", "[http][server][plan]") {
  const auto planned = plan(ServerResponse::text(404, "no", "text/plain"), {}, "GET", 10);
  CHECK(render_head(planned, http_date(std::chrono::system_clock::time_point(std::chrono::seconds(784111777)))) ==
        "HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"
        "Content-Length: 2\r\nConnection: keep-alive\r\n\r\n");
}

}  // namespace airlock::http
