#include "ecosystem/file/resolver.hpp"

#include "base/error.hpp"
#include "ecosystem/file/file.hpp"
#include "resolve_fixture.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::file {

using base::ErrorCode;
using model::Verified;

namespace {

std::string hex_of(std::string_view content) {
  return base::sha256(content).hex();
}

}  // namespace

TEST_CASE("a URL becomes a row with its length, unpinned unless a digest is given", "[ecosystem][file]") {
  test::FaultServer server;
  server.script("/a.txt", {{.body = "content"}});
  server.script("/b.txt", {{.body = "pinned"}});
  Resolution run(descriptor(), "files:\n  - {url: '" + server.url("/a.txt") + "', path: a}\n  - {url: '" +
                                   server.url("/b.txt") + "', path: b, sha256: '" + hex_of("pinned") +
                                   "', media_type: text/plain}\n");
  REQUIRE(run.run().size() == 2);
  const model::FileRow& a = run.row("a");
  CHECK(a.ecosystem == "file");
  CHECK(a.origin == server.url("/a.txt"));
  CHECK(a.length == 7);
  CHECK_FALSE(a.sha256);
  CHECK(a.pin.empty());
  CHECK(a.verified == Verified::none);
  CHECK(a.media_type == "application/octet-stream");
  const model::FileRow& b = run.row("b");
  CHECK(b.sha256 == base::sha256("pinned"));
  CHECK(b.pin == "sha256:" + hex_of("pinned"));
  CHECK(b.verified == Verified::upstream_digest);
  CHECK(b.media_type == "text/plain");
  CHECK(server.requests("/a.txt").at(0).method == "HEAD");  // nothing is fetched to resolve

  CHECK(run.fetch(a) == "content");
  CHECK(run.fetch(a, 2, 3) == "nte");
  CHECK_NOTHROW(model::parse_row(model::to_json_line(a, model::RowForm::lock), model::RowForm::lock, "", "x"));
}

TEST_CASE("a URL that is not there fails while resolving", "[ecosystem][file]") {
  test::FaultServer server;
  Resolution run(descriptor(), "files: ['" + server.url("/absent.txt") + "']\n");
  CHECK(test::code_of([&] { return run.run().size(); }) == ErrorCode::not_found);
}

TEST_CASE("a server that refuses HEAD is taken without a length", "[ecosystem][file]") {
  const int status = GENERATE(403, 405, 501);
  test::FaultServer server;
  server.script("/a.txt", [status](const test::FaultRequest& request, std::size_t) -> test::FaultAnswer {
    if (request.method == "HEAD") {
      return {.status = status};
    }
    return {.body = "content"};
  });
  Resolution run(descriptor(), "files: [{url: '" + server.url("/a.txt") + "', path: a}]\n");
  run.run();
  CHECK_FALSE(run.row("a").length);
  CHECK(run.fetch(run.row("a")) == "content");
}

TEST_CASE("a sign-in page is not taken for a file, and a page may be one", "[ecosystem][file]") {
  test::FaultServer server;
  for (const char* path : {"/guide.pdf", "/guide.html", "/guide"}) {
    server.script(path, {{.fields = {{"Content-Type", "text/html; charset=utf-8"}}, .body = "<title>Sign in</title>"}});
  }
  Resolution page(descriptor(), "files: [{url: '" + server.url("/guide.html") + "', path: a}, {url: '" +
                                    server.url("/guide") + "', path: b}]\n");
  CHECK(page.run().size() == 2);
  Resolution file(descriptor(), "files: [{url: '" + server.url("/guide.pdf") + "', path: a}]\n");
  const auto error = test::error_of([&] { return file.run().size(); });
  CHECK(error.code() == ErrorCode::upstream);
  CHECK(error.message().find("HTML page") != std::string::npos);
}

TEST_CASE("parts of a file without a digest come from one version of it", "[ecosystem][file]") {
  test::FaultServer server;
  server.script("/a.bin", [](const test::FaultRequest& request, std::size_t count) -> test::FaultAnswer {
    const bool late = count > 2 && request.method == "GET";
    return {.fields = {{"ETag", late ? "\"two\"" : "\"one\""}}, .body = late ? "CONTENT" : "content"};
  });
  Resolution unproven(descriptor(), "files: [{url: '" + server.url("/a.bin") + "', path: a}]\n");
  unproven.run();
  const auto file = unproven.start().fetchable(unproven.row("a"));
  const auto part = [&](std::uint64_t offset, std::uint64_t length) {
    base::StringSink sink(100);
    file->fetch(offset, length, sink);
    return sink.take();
  };
  CHECK(part(0, 3) == "con");
  CHECK(part(3, 2) == "te");
  CHECK(test::code_of([&] { part(5, 2); }) == ErrorCode::upstream);
}

TEST_CASE("upstreams replace the address and give credentials to that address alone", "[ecosystem][file]") {
  test::FaultServer server;
  server.script("/raw/a.txt", [](const test::FaultRequest& request, std::size_t) -> test::FaultAnswer {
    if (request.field("Authorization") != "Bearer t0ken") {
      return {.status = 401};
    }
    return {.body = "content"};
  });
  Resolution run(descriptor(),
                 "files: ['https://files.example/a.txt']\nupstreams: { files.example: { url: '" + server.url("/raw") +
                     "', token_env: FILES_TOKEN } }\n",
                 {{"FILES_TOKEN", "t0ken"}});
  run.run();
  const model::FileRow& row = run.row("files.example/a.txt");
  CHECK(row.origin == "https://files.example/a.txt");  // where it comes from, not how this host reached it
  CHECK(run.fetch(row) == "content");
}

TEST_CASE("a URL with a password in it is refused and not repeated", "[ecosystem][file]") {
  Resolution run(descriptor(), "files: [{url: 'https://me:hunter2@files.example/a.txt'}]\n");
  const auto error = test::error_of([&] { return run.run().size(); });
  CHECK(error.code() == ErrorCode::manifest);
  CHECK((error.message() + error.hint()).find("hunter2") == std::string::npos);
}

TEST_CASE("a scheme that is not HTTP points at `source`", "[ecosystem][file]") {
  const std::string url =
      GENERATE(as<std::string>{}, "file:///etc/passwd", "ftp://f.example/a", "./guide.pdf", "guide.pdf");
  Resolution run(descriptor(), "files: ['" + url + "']\n");
  INFO(url);
  CHECK(test::code_of([&] { return run.run().size(); }) == ErrorCode::manifest);
}

TEST_CASE("local files are hashed at once and read in place", "[ecosystem][file]") {
  Resolution run(descriptor(),
                 "files:\n  - {source: in, path: docs}\n  - {source: one, sha256: '" + hex_of("single") + "'}\n");
  run.file("in/a", "first");
  run.file("in/b/c", "second");
  run.file("one", "single");
  run.run();
  CHECK(run.paths() == std::vector<std::string>{"docs/a", "docs/b/c", "one"});
  const model::FileRow& row = run.row("docs/b/c");
  CHECK(row.sha256 == base::sha256("second"));
  CHECK(row.length == 6);
  CHECK(row.origin == "file:c");  // no folder of this host goes into a bundle
  CHECK(row.verified == Verified::none);
  CHECK(run.row("one").verified == Verified::upstream_digest);
  CHECK(run.fetch(row) == "second");
  CHECK(run.fetch(row, 2, 2) == "co");
  CHECK(run.fetch(row, 6).empty());
}

TEST_CASE("a local file with another digest than given is refused", "[ecosystem][file]") {
  Resolution run(descriptor(), "files: [{source: one, sha256: '" + hex_of("other") + "'}]\n");
  run.file("one", "single");
  CHECK(test::code_of([&] { return run.run().size(); }) == ErrorCode::tampered);
}

TEST_CASE("a local file that changed since it was resolved is refused", "[ecosystem][file]") {
  Resolution run(descriptor(), "files: [{source: one}]\n");
  run.file("one", "single");
  run.run();
  run.file("one", "changed");
  CHECK(test::code_of([&] { return run.fetch(run.row("one")); }) == ErrorCode::lock);
}

TEST_CASE("a lock read from disk finds local files through the manifest, or says that it needs it",
          "[ecosystem][file]") {
  Resolution run(descriptor(), "files: [{source: in, path: docs}]\n");
  run.file("in/a", "first");
  Resolver& resolver = run.start();
  model::FileRow row;
  row.ecosystem = "file";
  row.path = "docs/a";
  row.origin = "file:a";
  row.length = 5;
  base::StringSink sink(100);
  resolver.fetchable(row)->fetch(0, std::nullopt, sink);
  CHECK(sink.take() == "first");

  row.path = "elsewhere/a";
  CHECK(test::code_of([&] { return resolver.fetchable(row) != nullptr; }) == ErrorCode::lock);
}

}  // namespace airlock::ecosystem::file
