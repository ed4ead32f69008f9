#include "ecosystem/go/endpoints.hpp"

#include "ecosystem/go/go.hpp"
#include "ecosystem/go/module_path.hpp"
#include "ecosystem/go/wanted.hpp"
#include "mirror_fixture.hpp"

namespace airlock::ecosystem::go {

using model::Kind;

namespace {

void add(MirrorHome& home, const Module& module, bool zip = true) {
  home.add(plain_row("go", file_path(module, ".mod")), "module " + module.path + "\n");
  if (zip) {
    home.add(plain_row("go", file_path(module, ".zip")), "zip of " + module.to_string());
    home.add(plain_row("go", file_path(module, ".info"), Kind::meta), R"({"Version":")" + module.version + "\"}");
  } else {
    home.add_row(plain_row("go", file_path(module, ".zip"), Kind::known));
  }
}

std::vector<std::string> missed(const MirrorHome& home) {
  std::vector<std::string> names;
  for (const auto& [ecosystem, name] : home.missing()) {
    CHECK(ecosystem == "go");
    names.push_back(name);
  }
  return names;
}

}  // namespace

TEST_CASE("the GOPROXY protocol over a catalog", "[go][endpoints]") {
  MirrorHome home;
  add(home, {"github.com/Azure/x", "v1.2.0"});
  add(home, {"github.com/Azure/x", "v1.10.0"});
  add(home, {"github.com/Azure/x", "v1.11.0-rc.1"});
  add(home, {"github.com/Azure/x", "v1.9.0"}, false);
  add(home, {"github.com/Azure/x", "v1.10.1-0.20240102030405-0123456789ab"});
  add(home, {"github.com/Azure/x/v2", "v2.0.0"});
  add(home, {"pseudo.example/only", "v0.0.0-20230102030405-0123456789ab"});
  add(home, {"pseudo.example/only", "v0.0.0-20240102030405-0123456789ab"});
  home.activate();
  MirrorServer server(home, descriptor());

  // The client escapes the mark of upper case.
  for (const std::string& base : {std::string("/go/github.com/!azure/x"), std::string("/go/github.com/%21azure/x")}) {
    CHECK(server.body(base + "/@v/list") == "v1.2.0\nv1.10.0\nv1.11.0-rc.1\n");
    CHECK(server.body(base + "/@latest") == R"({"Version":"v1.10.0"})");
    CHECK(server.body(base + "/@v/v1.2.0.zip") == "zip of github.com/Azure/x@v1.2.0");
    CHECK(server.body(base + "/@v/v1.2.0.info") == R"({"Version":"v1.2.0"})");
    CHECK(server.body(base + "/@v/v1.9.0.mod") == "module github.com/Azure/x\n");
  }
  CHECK(server.body("/go/github.com/!azure/x/v2/@v/list") == "v2.0.0\n");
  CHECK(server.body("/go/pseudo.example/only/@v/list").empty());
  CHECK(server.body("/go/pseudo.example/only/@latest").find("20240102030405") != std::string::npos);
  CHECK(missed(home).empty());
  CHECK(server.raw("HEAD", "/go/github.com/!azure/x/@v/v1.2.0.zip").find("Content-Length: 32") != std::string::npos);
}

TEST_CASE("what is not here is told to the client and to the wants", "[go][endpoints]") {
  MirrorHome home;
  add(home, {"github.com/a/b", "v1.0.0"});
  add(home, {"github.com/a/b", "v1.1.0"}, false);
  home.add_row(plain_row("go", "github.com/a/b/@v/v1.2.0.zip", Kind::withheld));
  home.activate();
  MirrorServer server(home, descriptor());

  const std::string answer = server.raw("GET", "/go/github.com/!x/y/@v/v1.0.0.mod");
  CHECK(http::status_of_response(answer) == 404);
  CHECK(http::body_of_response(answer).find("github.com/X/y@v1.0.0 is not in any imported bundle") !=
        std::string::npos);
  CHECK(server.body("/go/github.com/a/b/@v/v1.1.0.zip").find("go.mod only") != std::string::npos);
  CHECK(server.status("GET", "/go/github.com/a/b/@v/v1.2.0.zip") == 403);
  CHECK(server.status("GET", "/go/github.com/c/d/@v/list") == 404);
  CHECK(server.status("GET", "/go/github.com/c/d/@latest") == 404);
  CHECK(server.status("GET", "/go/github.com/c/d/@v/master.info") == 404);
  CHECK(missed(home) == std::vector<std::string>{"github.com/X/y@v1.0.0", "github.com/a/b@v1.1.0",
                                                 "github.com/c/d@latest", "github.com/c/d@latest",
                                                 "github.com/c/d@master"});
}

TEST_CASE("a module of which all is blocked is refused with the reason, and is no miss", "[go][endpoints]") {
  MirrorHome home;
  const std::string reason = "blocked on this side: bad";
  for (const char* extension : {".info", ".mod", ".zip"}) {
    home.add_row(plain_row("go", file_path({"a.example/gone", "v1.0.0"}, extension), Kind::withheld), reason);
    home.add_row(plain_row("go", file_path({"a.example/half", "v1.1.0"}, extension), Kind::withheld), reason);
  }
  add(home, {"a.example/half", "v1.0.0"});
  home.activate();
  MirrorServer server(home, descriptor());
  for (const char* file : {"@v/list", "@latest"}) {
    INFO(file);
    const std::string answer = server.raw("GET", std::string("/go/a.example/gone/") + file);
    CHECK(http::status_of_response(answer) == 403);
    CHECK(http::body_of_response(answer) == "a.example/gone is blocked on this side: bad\n");
  }
  CHECK(server.body("/go/a.example/gone/@v/v1.0.0.mod") == "a.example/gone@v1.0.0 is blocked on this side: bad\n");
  CHECK(server.body("/go/a.example/half/@v/list") == "v1.0.0\n");
  CHECK(server.body("/go/a.example/half/@latest") == R"({"Version":"v1.0.0"})");
  CHECK(missed(home).empty());
}

TEST_CASE("beginnings of import paths and names that are none are not told", "[go][endpoints]") {
  MirrorHome home;
  home.activate();
  MirrorServer server(home, descriptor());
  for (const char* path : {"github.com/@v/list", "github.com/a/@v/list", "golang.org/@v/list", "nodot/x/@v/list",
                           "GitHub.com/a/b/@v/list", "github.com/A/b/@v/list", "github.com/a/b", "github.com/a/b/@v/",
                           "github.com/a/b/@v/x.tar", "github.com/a/b/@v/.info", "@v/list", "github.com/a/b/@v/!!.info",
                           "vulndb/index/db.json", "github.com/a/b/@v/a%00b.info"}) {
    INFO(path);
    const int status = server.status("GET", std::string("/go/") + path);
    CHECK((status == 404 || status == 400));
  }
  CHECK(missed(home).empty());
}

TEST_CASE("the probe for the checksum database ends here", "[go][endpoints]") {
  MirrorHome home;
  MirrorServer server(home, descriptor());
  const std::string answer = server.raw("GET", "/go/sumdb/sum.site.example/supported");
  CHECK(http::status_of_response(answer) == 403);  // 404 and 410 send the client to the database itself
  CHECK(answer.find("GOSUMDB=off") != std::string::npos);
  CHECK(server.status("GET", "/go/sumdb/sum.site.example/lookup/a.b/c@v1.0.0") == 403);
}

TEST_CASE("what brings a missed name, and which names stay inside", "[go][endpoints]") {
  const auto public_one = wanted("github.com/a/b@v1.0.0");
  REQUIRE(public_one.request);
  CHECK(public_one.request->section == "go");
  CHECK(public_one.request->values.at("packages") == std::vector<std::string>{"github.com/a/b@v1.0.0"});
  CHECK_FALSE(public_one.is_private);
  CHECK(wanted("git.corp.internal/a@v1.0.0").is_private);
  CHECK(wanted("repo.lan/a@latest").is_private);
  CHECK(wanted("10.1.2.3/a@latest").is_private);
  CHECK(wanted("nodot/a@latest").is_private);
  CHECK_FALSE(wanted("a.b/../c@latest").request);
  CHECK_FALSE(wanted("").request);
  CHECK_FALSE(wanted("a.b/c@$(x)").request);
}

}  // namespace airlock::ecosystem::go
