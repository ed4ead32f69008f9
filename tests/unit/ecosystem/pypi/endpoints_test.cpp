#include "ecosystem/pypi/endpoints.hpp"

#include "base/json.hpp"
#include "ecosystem/pypi/pypi.hpp"
#include "mirror_fixture.hpp"

namespace airlock::ecosystem::pypi {

using model::Kind;

namespace {

constexpr const char* k_json = "Accept: application/vnd.pypi.simple.v1+json\r\n";
const std::string k_wheel = "foo_bar-1.0-py3-none-any.whl";

struct Mirror {
  MirrorHome home;
  std::unique_ptr<MirrorServer> server;

  Mirror() {
    const auto add = [&](const std::string& path, Kind kind, std::string_view content) {
      home.add(plain_row("pypi", path, kind), content);
    };
    add("foo-bar/" + k_wheel, Kind::file, "wheel");
    add("foo-bar/" + k_wheel + ".json", Kind::meta,
        R"({"filename":")" + k_wheel +
            R"(","hashes":{},"requires-python":">=3.8","yanked":"bad","upload-time":"2024-01-01T00:00:00Z","url":"https://upstream.example/x"})");
    add("foo-bar/" + k_wheel + ".metadata", Kind::meta, "Name: foo-bar\n");
    add("foo-bar/foo_bar-0.9.tar.gz", Kind::file, "sdist");
    add("foo-bar/foo_bar-0.9.tar.gz.json", Kind::meta, "not json");
    add("foo-bar-more/foo_bar_more-1.tar.gz", Kind::file, "x");
    add("simple/simple-1.0-py3-none-any.whl", Kind::file, "simple wheel");
    home.activate();
    server = std::make_unique<MirrorServer>(home, descriptor());
  }
  base::Json json(std::string_view target) {
    return base::parse_json(http::body_of_response(server->raw("GET", target, k_json)), "answer");
  }
};

}  // namespace

TEST_CASE("a project's page lists what is here with what upstream said", "[ecosystem][pypi]") {
  Mirror mirror;
  const base::Json page = mirror.json("/pypi/simple/foo-bar/");
  CHECK(page["meta"]["api-version"] == "1.1");
  CHECK(page["name"] == "foo-bar");
  CHECK(page["versions"] == base::Json::array({"0.9", "1.0"}));
  REQUIRE(page["files"].size() == 2);
  const base::Json& sdist = page["files"][0];
  CHECK(sdist["core-metadata"] == false);
  CHECK(sdist["yanked"] == false);
  const base::Json& wheel = page["files"][1];
  CHECK(wheel["url"] == "../../foo-bar/" + k_wheel);
  CHECK(wheel["hashes"]["sha256"] == base::sha256("wheel").hex());
  CHECK(wheel["core-metadata"]["sha256"] == base::sha256("Name: foo-bar\n").hex());
  CHECK(wheel["dist-info-metadata"] == wheel["core-metadata"]);
  CHECK(wheel["requires-python"] == ">=3.8");
  CHECK(wheel["yanked"] == "bad");
  CHECK(wheel["size"] == 5);
  CHECK(page.dump().find("upstream.example") == std::string::npos);
  const std::string html = mirror.server->raw("GET", "/pypi/simple/foo-bar/", "Accept: text/html\r\n");
  CHECK(html.find("data-requires-python=\"&gt;=3.8\"") != std::string::npos);
  CHECK(html.find("data-yanked=\"bad\"") != std::string::npos);
  CHECK(html.find("text/html") != std::string::npos);
  CHECK(http::status_of_response(mirror.server->raw("GET", "/pypi/simple/foo-bar/", "Accept: image/png\r\n")) == 406);
}

TEST_CASE("the list of projects has each once", "[ecosystem][pypi]") {
  Mirror mirror;
  CHECK(mirror.json("/pypi/simple/")["projects"].dump() ==
        R"([{"name":"foo-bar"},{"name":"foo-bar-more"},{"name":"simple"}])");
}

TEST_CASE("names are redirected to their one spelling", "[ecosystem][pypi]") {
  Mirror mirror;
  for (const char* target :
       {"/pypi/simple/Foo.Bar/", "/pypi/simple/foo_bar/", "/pypi/simple/foo-bar", "/pypi/simple/FOO-bar"}) {
    INFO(target);
    const std::string answer = mirror.server->raw("GET", target);
    CHECK(http::status_of_response(answer) == 301);
    CHECK(answer.find("Location: /pypi/simple/foo-bar/\r\n") != std::string::npos);
  }
  CHECK(mirror.home.missing().empty());
}

TEST_CASE("files are served, also those of a project called simple", "[ecosystem][pypi]") {
  Mirror mirror;
  CHECK(mirror.server->body("/pypi/foo-bar/" + k_wheel) == "wheel");
  CHECK(mirror.server->body("/pypi/foo-bar/" + k_wheel + ".metadata") == "Name: foo-bar\n");
  CHECK(mirror.server->body("/pypi/simple/simple-1.0-py3-none-any.whl") == "simple wheel");
  CHECK(mirror.server->status("GET", "/pypi/foo-bar/" + k_wheel + ".json") == 404);
  CHECK(mirror.server->status("GET", "/pypi/Foo-Bar/" + k_wheel) == 404);
  CHECK(mirror.server->status("GET", "/pypi/foo-bar/index.html") == 404);
  CHECK(mirror.home.missing().empty());
}

TEST_CASE("what is missing is told by project, and by version where a file was asked for", "[ecosystem][pypi]") {
  Mirror mirror;
  CHECK(mirror.server->status("GET", "/pypi/simple/No_Such/") == 404);
  CHECK(mirror.server->status("GET", "/pypi/simple/other") == 404);
  CHECK(mirror.server->status("GET", "/pypi/foo-bar/foo_bar-2.0-py3-none-any.whl.metadata") == 404);
  CHECK(mirror.server->status("GET", "/pypi/simple/-evil-/") == 404);
  CHECK(mirror.home.missing() == std::vector<std::pair<std::string, std::string>>{
                                     {"pypi", "no-such"}, {"pypi", "other"}, {"pypi", "foo-bar==2.0"}});
}

TEST_CASE("what is blocked is listed as yanked, refused, and no miss", "[ecosystem][pypi]") {
  MirrorHome home;
  const std::string reason = "blocked on this side: bad";
  home.add(plain_row("pypi", "gone/gone-1.0.tar.gz", Kind::withheld), "sdist", reason);
  home.add_row(plain_row("pypi", "unknown/unknown-1.0.tar.gz", Kind::withheld), reason);
  home.activate();
  MirrorServer server(home, descriptor());
  const std::string page = http::body_of_response(server.raw("GET", "/pypi/simple/gone/", k_json));
  CHECK(base::parse_json(page, "page")["files"][0]["yanked"] == reason);
  CHECK(server.body("/pypi/gone/gone-1.0.tar.gz") == "'gone-1.0.tar.gz' is blocked on this side: bad\n");
  // Of this one neither digest nor length is known, so that it cannot be listed.
  const std::string unlisted = server.raw("GET", "/pypi/simple/unknown/", k_json);
  CHECK(http::status_of_response(unlisted) == 403);
  CHECK(http::body_of_response(unlisted) == "the project 'unknown' is blocked on this side: bad\n");
  CHECK(home.missing().empty());
}

TEST_CASE("a miss becomes a request, a hostile one none", "[ecosystem][pypi]") {
  REQUIRE(wanted("no-such").request);
  CHECK(wanted("no-such").request->values.at("packages").at(0) == "no-such");
  CHECK(wanted("a==1.0").request);
  for (const char* name : {"", "A", "a b", "a==", "a==x y", "a>=1", "a\n", "a==1; os_name=='x'", "../a"}) {
    INFO(name);
    CHECK_FALSE(wanted(name).request);
  }
}

}  // namespace airlock::ecosystem::pypi
