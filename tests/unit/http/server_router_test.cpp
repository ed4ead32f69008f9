#include "http_fixture.hpp"

namespace airlock::http {

namespace {

// A router whose handlers answer with their own pattern.
Router router_of(std::initializer_list<std::pair<const char*, const char*>> routes) {
  Router router;
  for (const auto& [method, pattern] : routes) {
    router.add(method, pattern,
               [text = std::string(pattern)](const ServerRequest&) { return ServerResponse::text(200, text); });
  }
  return router;
}

std::string found(const Router& router, std::string_view method, const std::vector<std::string>& segments) {
  const auto match = router.find(method, segments);
  return match.handler == nullptr ? "" : std::get<std::string>((*match.handler)({}).body);
}

}  // namespace

TEST_CASE("names of several segments are matched from both ends", "[http][server][router]") {
  const Router router = router_of({{"GET", "/v2/"},
                                   {"GET", "/v2/{name+}/blobs/{digest}"},
                                   {"POST", "/v2/{name+}/blobs/uploads/"},
                                   {"PATCH", "/v2/{name+}/blobs/uploads/{id}"},
                                   {"GET", "/v2/{name+}/tags/list"}});
  auto match = router.find("GET", {"v2", "a", "b", "c", "blobs", "sha256:1"});
  REQUIRE(match.handler != nullptr);
  CHECK(match.parameters.at("name") == "a/b/c");
  CHECK(match.parameters.at("digest") == "sha256:1");

  match = router.find("GET", {"v2", "blobs", "blobs", "blobs", "x"});
  REQUIRE(match.handler != nullptr);
  CHECK(match.parameters.at("name") == "blobs/blobs");

  CHECK(found(router, "POST", {"v2", "a", "blobs", "uploads", ""}) == "/v2/{name+}/blobs/uploads/");
  CHECK(found(router, "PATCH", {"v2", "a", "blobs", "uploads", "7"}) == "/v2/{name+}/blobs/uploads/{id}");
  CHECK(found(router, "GET", {"v2", ""}) == "/v2/");
  CHECK(found(router, "GET", {"v2"}).empty());
  CHECK(found(router, "GET", {"v2", "blobs", "x"}).empty());
}

TEST_CASE("literals win over one segment, which wins over several", "[http][server][router]") {
  const Router router =
      router_of({{"GET", "/{x+}"}, {"GET", "/a/{x}"}, {"GET", "/a/b"}, {"GET", "/{x}/b"}, {"GET", "/a/{x+}"}});
  CHECK(found(router, "GET", {"a", "b"}) == "/a/b");
  CHECK(found(router, "GET", {"a", "c"}) == "/a/{x}");
  CHECK(found(router, "GET", {"c", "b"}) == "/{x}/b");
  CHECK(found(router, "GET", {"a", "c", "d"}) == "/a/{x+}");
  CHECK(found(router, "GET", {"c", "d"}) == "/{x+}");
}

TEST_CASE("an encoded slash stays inside {x} and nowhere else", "[http][server][router]") {
  const Router router = router_of({{"GET", "/npm/{package}"}, {"GET", "/files/{path+}"}, {"GET", "/a/b"}});
  const auto match = router.find("GET", {"npm", "@scope/name"});
  REQUIRE(match.handler != nullptr);
  CHECK(match.parameters.at("package") == "@scope/name");
  CHECK(found(router, "GET", {"files", "a/b"}).empty());
  CHECK(found(router, "GET", {"files", "a", "b/c"}).empty());
  CHECK(found(router, "GET", {"a/b"}).empty());
}

TEST_CASE("an empty trailing segment is no parameter", "[http][server][router]") {
  const Router router = router_of({{"GET", "/simple/{project}/"}, {"GET", "/files/{path+}"}});
  CHECK(found(router, "GET", {"simple", "x", ""}) == "/simple/{project}/");
  CHECK(found(router, "GET", {"simple", ""}).empty());
  CHECK(found(router, "GET", {"files", "a", ""}).empty());
}

TEST_CASE("HEAD goes to the GET handler unless it has its own", "[http][server][router]") {
  Router router = router_of({{"GET", "/a"}, {"GET", "/{x}"}});
  CHECK(found(router, "HEAD", {"a"}) == "/a");
  router.add("HEAD", "/{x}", [](const ServerRequest&) { return ServerResponse::text(200, "own"); });
  CHECK(found(router, "HEAD", {"a"}) == "own");
}

TEST_CASE("a path with other methods says which", "[http][server][router]") {
  const Router router = router_of({{"GET", "/a/{x}"}, {"PUT", "/a/{x}"}, {"PUT", "/a/b"}});
  CHECK(router.find("DELETE", {"a", "b"}).allowed == std::vector<std::string>{"GET", "HEAD", "PUT"});
  CHECK(router.find("DELETE", {"b"}).allowed.empty());
  CHECK(found(router, "GET", {"a", "b"}) == "/a/{x}");
}

TEST_CASE("patterns are listed, and bad ones refused", "[http][server][router]") {
  Router router = router_of({{"PUT", "/b"}, {"GET", "/a/{x+}/c/"}});
  CHECK(router.patterns() == std::vector<std::string>{"GET /a/{x+}/c/", "PUT /b"});
  for (const char* bad : {"a", "", "/{", "/{}", "/{+}", "/a{x}", "/{x}b", "/{x}/{x}", "/{x+}/{y+}", "/{x}}"}) {
    CAPTURE(bad);
    CHECK(test::code_of([&] { router.add("GET", bad, {}); }) == base::ErrorCode::internal);
  }
  CHECK(test::code_of([&] { router.add("PUT", "/b", {}); }) == base::ErrorCode::internal);
}

}  // namespace airlock::http
