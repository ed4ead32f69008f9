// Runs over a scripted proxy: what is brought, what proves it, what is refused.
#include "ecosystem/go/go.hpp"
#include "go_fixture.hpp"
#include "resolve_fixture.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::go {

using base::ErrorCode;
using model::Kind;
using model::Verified;
using test::error_of;

namespace {

const Module k_a{"example.com/a", "v1.0.0"};
const Module k_b{"example.com/b", "v1.2.0"};
const Module k_c{"example.com/c", "v0.3.0"};
const Module k_old{"example.com/c", "v0.2.0"};

// a needs b, which needs c only as far as others raise it.

void fill(ModuleServer& modules) {
  modules.add(k_a, "module example.com/a\ngo 1.20\nrequire example.com/b v1.2.0\nrequire example.com/c v0.3.0\n");
  modules.add(k_b, "module example.com/b\ngo 1.20\nrequire example.com/c v0.2.0\n");
  modules.add(k_c, "module example.com/c\ngo 1.20\n");
  modules.add(k_old, "module example.com/c\ngo 1.20\n");
}

constexpr const char* k_project = "go:\n  projects: [app]\n";
const std::string k_main = "module site.example/app\ngo 1.22\nrequire example.com/a v1.0.0\nrequire example.com/b "
                           "v1.2.0\nrequire example.com/c v0.3.0\n";

}  // namespace

TEST_CASE("a project brings what its graph selects and its go.sum lists", "[go][resolver]") {
  ModuleServer modules;
  fill(modules);
  Resolution run(descriptor(), k_project, modules.environment());
  run.file("app/go.mod", k_main);
  run.file("app/go.sum", modules.sum_lines(k_a) + modules.sum_lines(k_b) + modules.sum_lines(k_c) +
                             "example.com/c v0.2.0/go.mod " + modules.sums().at(k_old).mod + "\n");
  run.run();
  CHECK(run.paths() == std::vector<std::string>{
                           "example.com/a/@v/v1.0.0.info", "example.com/a/@v/v1.0.0.mod", "example.com/a/@v/v1.0.0.zip",
                           "example.com/b/@v/v1.2.0.info", "example.com/b/@v/v1.2.0.mod", "example.com/b/@v/v1.2.0.zip",
                           "example.com/c/@v/v0.2.0.mod", "example.com/c/@v/v0.2.0.zip", "example.com/c/@v/v0.3.0.info",
                           "example.com/c/@v/v0.3.0.mod", "example.com/c/@v/v0.3.0.zip"});
  const auto& zip = run.row("example.com/a/@v/v1.0.0.zip");
  CHECK(zip.kind == Kind::file);
  CHECK(zip.verified == Verified::upstream_digest);
  CHECK(zip.pin == modules.sums().at(k_a).zip);
  CHECK(zip.artifact == "pkg:golang/example.com/a@v1.0.0");
  CHECK(run.row("example.com/c/@v/v0.2.0.zip").kind == Kind::known);
  CHECK(run.row("example.com/a/@v/v1.0.0.info").kind == Kind::meta);
  const auto& mod = run.row("example.com/a/@v/v1.0.0.mod");
  CHECK(mod.verified == Verified::upstream_digest);
  CHECK(mod.sha256 == base::sha256(run.fetch(mod)));
  const auto& info = run.row("example.com/a/@v/v1.0.0.info");
  CHECK(info.sha256 == base::sha256(run.fetch(info)));
  CHECK(run.fetch(info, 1, 9) == run.fetch(info).substr(1, 9));
  const auto check = descriptor().pin_check(zip);
  REQUIRE(check);
  check->write(base::as_bytes(run.fetch(zip)));
  CHECK(check->finish() == zip.pin);
  CHECK_FALSE(modules.was_asked(k_old, ".zip"));
}

TEST_CASE("a package brings its closure, and the module that holds it is found", "[go][resolver]") {
  ModuleServer modules;
  fill(modules);
  auto environment = modules.environment();
  environment["GONOSUMDB"] = "example.com";
  const std::string query =
      GENERATE(as<std::string>{}, "example.com/a@v1.0.0", "example.com/a@latest", "example.com/a@v1",
               "example.com/a/cmd/tool@v1.0.0", "example.com/a", "example.com/a@<v2.0.0");
  INFO(query);
  Resolution run(descriptor(), "go:\n  packages: ['" + query + "']\n", environment);
  run.run();
  CHECK(run.row("example.com/a/@v/v1.0.0.zip").kind == Kind::file);
  CHECK(run.row("example.com/b/@v/v1.2.0.zip").kind == Kind::file);
  CHECK(run.row("example.com/c/@v/v0.3.0.zip").verified == Verified::none);
}

TEST_CASE("a module that has pseudo-versions only", "[go][resolver]") {
  ModuleServer modules;
  auto environment = modules.environment();
  environment["GONOSUMDB"] = "example.com";
  const Module newest{"example.com/p", "v0.0.0-20240102030405-0123456789ab"};
  modules.add({"example.com/p", "v0.0.0-20230102030405-0123456789ab"}, "module example.com/p\n");
  modules.add(newest, "module example.com/p\n");
  SECTION("told by @latest, with an empty list") {
    modules.server.script("/proxy/example.com/p/@v/list", {{.body = ""}});
    modules.server.script("/proxy/example.com/p/@latest",
                          {{.body = R"({"Version":"v0.0.0-20240102030405-0123456789ab"})"}});
  }
  SECTION("told by the list") {}
  Resolution run(descriptor(), "go:\n  packages: [example.com/p/cmd/x]\n", environment);
  run.run();
  CHECK(run.row(file_path(newest, ".zip")).kind == Kind::file);
}

TEST_CASE("a beginning of the path that a proxy refuses does not hide a shorter one", "[go][resolver]") {
  ModuleServer modules;
  fill(modules);
  auto environment = modules.environment();
  environment["GONOSUMDB"] = "example.com";
  modules.server.script("/proxy/example.com/a/cmd/@v/v1.0.0.info", {{.status = 403}});
  Resolution run(descriptor(), "go:\n  packages: [example.com/a/cmd/x@v1.0.0]\n", environment);
  run.run();
  CHECK(run.row("example.com/a/@v/v1.0.0.zip").kind == Kind::file);
  Resolution refused(descriptor(), "go:\n  packages: [example.com/a/cmd/x@v9.0.0]\n", environment);
  modules.server.script("/proxy/example.com/a/cmd/@v/v9.0.0+incompatible.info", {{.status = 403}});
  CHECK(error_of([&] { return refused.run().size(); }).code() == ErrorCode::auth);
}

TEST_CASE("what the tests of dependencies need is told by the module's go.sum", "[go][resolver]") {
  ModuleServer modules;
  fill(modules);
  const Module extra{"example.com/testing", "v1.0.0"};
  modules.add(extra, "module example.com/testing\n");
  const Module top{"example.com/top", "v1.0.0"};
  modules.add(
      top, "module example.com/top\ngo 1.20\nrequire example.com/b v1.2.0\n",
      {{"go.sum", modules.sum_lines(extra) + "example.com/gone v1.0.0 " + modules.sums().at(extra).zip + "\n"}});
  auto environment = modules.environment();
  environment["GONOSUMDB"] = "example.com";
  for (const bool tests : {true, false}) {
    Resolution run(descriptor(), fmt::format("go:\n  packages: [example.com/top@v1.0.0]\n  tests: {}\n", tests),
                   environment);
    run.run();
    const auto paths = run.paths();
    CHECK((std::find(paths.begin(), paths.end(), "example.com/testing/@v/v1.0.0.zip") != paths.end()) == tests);
  }
}

TEST_CASE("an SDK of a Pulumi provider asks for its plugin", "[go][resolver]") {
  ModuleServer modules;
  modules.add({"github.com/pulumi/pulumi/sdk/v3", "v3.1.0"}, "module github.com/pulumi/pulumi/sdk/v3\ngo 1.20\n");
  modules.add({"example.com/pulumi-x/sdk/v4", "v4.5.6"},
              "module example.com/pulumi-x/sdk/v4\ngo 1.20\nrequire github.com/pulumi/pulumi/sdk/v3 v3.1.0\n",
              {{"go/x/pulumi-plugin.json", R"({"resource": true, "name": "x", "server": "https://dl.example/x"})"},
               {"go/x/x.go", "package x\n"}});
  auto environment = modules.environment();
  environment["GONOSUMDB"] = "example.com,github.com";
  const model::Manifest manifest = model::parse_manifest(
      "name: test\ngo:\n  packages: [example.com/pulumi-x/sdk/v4@v4.5.6]\n", "m.yaml", descriptor().sections);
  http::Client client(http::quick_options());
  test::RecordingReporter reporter;
  std::mutex mutex;
  std::vector<std::pair<model::Request, std::string>> demands;
  const auto resolver =
      descriptor().make_resolver({.http = client,
                                  .manifest = manifest,
                                  .reporter = reporter,
                                  .recipes = {},
                                  .environment = environment,
                                  .demand = [&](const model::Request& request, std::string_view because) {
                                    const std::lock_guard lock(mutex);
                                    demands.emplace_back(request, because);
                                  }});
  resolver->resolve(manifest.entries[0], [](const ResolvedFile&) {});
  REQUIRE(demands.size() == 1);
  CHECK(demands[0].first ==
        model::Request{.section = "pulumi", .values = {{"plugins", {"resource x@4.5.6 server=https://dl.example/x"}}}});
  CHECK(demands[0].second == "go example.com/pulumi-x/sdk/v4 v4.5.6");
}

TEST_CASE("the beginnings of a path that a client tried are no modules of their own", "[go][resolver]") {
  ModuleServer modules;
  fill(modules);
  auto environment = modules.environment();
  environment["GONOSUMDB"] = "example.com";
  modules.add({"example.com/deep/er", "v1.0.0"}, "module example.com/deep/er\n");
  Resolution run(
      descriptor(),
      "go:\n  packages: [example.com/deep/er/pkg@latest, example.com/deep/er@latest, example.com/deep@latest]\n",
      environment);
  run.run();
  CHECK(run.row("example.com/deep/er/@v/v1.0.0.zip").kind == Kind::file);
}

TEST_CASE("folders and forks in place of modules", "[go][resolver]") {
  ModuleServer modules;
  fill(modules);
  const Module fork{"example.com/fork", "v1.0.1"};
  modules.add(fork, "module example.com/a\ngo 1.20\nrequire example.com/c v0.3.0\n");
  Resolution run(descriptor(), k_project, modules.environment());
  run.file("app/go.mod", "module site.example/app\ngo 1.22\nrequire example.com/a v1.0.0\nrequire local.example/x "
                         "v0.0.0\nrequire example.com/c v0.2.0\n"
                         "replace example.com/a => example.com/fork v1.0.1\nreplace local.example/x => ../x\nexclude "
                         "example.com/c v0.3.0\n");
  run.file("x/go.mod", "module local.example/x\ngo 1.20\nrequire example.com/b v1.2.0\n");
  run.file("app/go.sum", modules.all_sum_lines());
  run.run();
  CHECK(run.row("example.com/fork/@v/v1.0.1.zip").kind == Kind::file);
  CHECK(run.row("example.com/c/@v/v0.2.0.zip").kind == Kind::file);
  for (const std::string& path : run.paths()) {
    CHECK(path.find("local.example") == std::string::npos);
  }
}

TEST_CASE("what cannot be had names the requirements that led there", "[go][resolver]") {
  ModuleServer modules;
  fill(modules);
  modules.add({"example.com/d", "v1.0.0"}, "module example.com/d\nrequire example.com/e v1.0.0\n");
  modules.add({"example.com/e", "v1.0.0"}, "module example.com/e\nrequire example.com/missing v1.0.0\n");
  auto environment = modules.environment();
  environment["GONOSUMDB"] = "example.com";
  Resolution run(descriptor(), "go:\n  packages: [example.com/d@v1.0.0]\n", environment);
  const base::Error error = error_of([&] { return run.run().size(); });
  CHECK(error.code() == ErrorCode::not_found);
  CHECK(error.message().find("example.com/missing@v1.0.0") != std::string::npos);
  const std::string context = base::join(error.context(), "\n");
  CHECK(context.find("example.com/d@v1.0.0 -> example.com/e@v1.0.0 -> example.com/missing@v1.0.0") !=
        std::string::npos);
}

TEST_CASE("what nothing proves is refused, unless the host's settings exempt it", "[go][resolver]") {
  ModuleServer modules;
  fill(modules);
  Resolution run(descriptor(), "go:\n  packages: [example.com/a@v1.0.0]\n", modules.environment());
  const base::Error error = error_of([&] { return run.run().size(); });
  CHECK(error.code() == ErrorCode::config);
  CHECK(error.hint().find("GONOSUMDB") != std::string::npos);
}

TEST_CASE("a go.mod with another hash than go.sum says is refused", "[go][resolver]") {
  ModuleServer modules;
  fill(modules);
  const std::string sums = modules.all_sum_lines();
  modules.serve(k_b, ".mod", "module example.com/b\ngo 1.20\nrequire evil.example/x v1.0.0\n");
  Resolution run(descriptor(), k_project, modules.environment());
  run.file("app/go.mod", k_main);
  run.file("app/go.sum", sums);
  const base::Error error = error_of([&] { return run.run().size(); });
  CHECK(error.code() == ErrorCode::tampered);
  CHECK(error.message().find("example.com/b@v1.2.0") != std::string::npos);
}

TEST_CASE("a zip with another content has another hash", "[go][resolver]") {
  ModuleServer modules;
  fill(modules);
  Resolution run(descriptor(), k_project, modules.environment());
  run.file("app/go.mod", k_main);
  run.file("app/go.sum", modules.all_sum_lines());
  modules.serve(k_a, ".zip",
                test::zip_text({{.name = "example.com/a@v1.0.0/go.mod", .content = "module example.com/a\n"}}));
  run.run();
  const auto& zip = run.row("example.com/a/@v/v1.0.0.zip");
  const auto check = descriptor().pin_check(zip);
  check->write(base::as_bytes(run.fetch(zip)));
  CHECK(check->finish() != zip.pin);
}

TEST_CASE("proxies in a list are tried as the client tries them", "[go][proxy]") {
  ModuleServer modules;
  fill(modules);
  auto environment = modules.environment();
  environment["GONOSUMDB"] = "example.com";
  const auto run_with = [&](const std::string& list) {
    environment["GOPROXY"] = list;
    Resolution run(descriptor(), "go:\n  packages: [example.com/c@v0.3.0]\n", environment);
    return run.run().size();
  };
  const std::string good = modules.server.url("/proxy");
  const std::string absent = modules.server.url("/absent");
  const std::string broken = modules.server.url("/broken");
  modules.server.script("/broken/example.com/c/@v/v0.3.0.info", {{.status = 403}});
  modules.server.script("/broken/example.com/c/@v/v0.3.0.mod", {{.status = 403}});
  CHECK(run_with(good + ",direct") == 3);
  CHECK(run_with(absent + "," + good) == 3);
  CHECK(run_with(broken + "|" + good) == 3);
  CHECK(error_of([&] { return run_with(broken + "," + good); }).code() == ErrorCode::auth);
  CHECK(error_of([&] { return run_with("direct"); }).code() == ErrorCode::unsupported);
  CHECK(error_of([&] { return run_with("off"); }).code() == ErrorCode::not_found);
  CHECK(error_of([&] { return run_with("file:///srv/proxy"); }).code() == ErrorCode::unsupported);
  const base::Error error = error_of([&] { return run_with(absent + ",direct"); });
  CHECK(error.code() == ErrorCode::not_found);
  CHECK(error.hint().find("direct") != std::string::npos);
  environment["GONOPROXY"] = "example.com/c";
  CHECK(error_of([&] { return run_with(good); }).code() == ErrorCode::unsupported);
}

TEST_CASE("the manifest's upstream goes before GOPROXY", "[go][proxy]") {
  ModuleServer modules;
  fill(modules);
  auto environment = modules.environment();
  environment["GOPROXY"] = "off";
  environment["GONOSUMDB"] = "example.com";
  environment["MY_TOKEN"] = "secret-token";
  Resolution run(descriptor(),
                 "go:\n  packages: [example.com/c@v0.3.0]\nupstreams:\n  go: { url: '" + modules.server.url("/proxy") +
                     "/', token_env: MY_TOKEN }\n",
                 environment);
  CHECK(run.run().size() == 3);
  run.fetch(run.row("example.com/c/@v/v0.3.0.zip"));
  for (const char* extension : {".mod", ".info", ".zip"}) {
    const auto requests = modules.server.requests("/proxy/" + file_path(k_c, extension));
    REQUIRE_FALSE(requests.empty());
    CHECK(requests[0].field("Authorization") == "Bearer secret-token");
  }
}

TEST_CASE("answers that are not what was asked for", "[go][proxy]") {
  ModuleServer modules;
  fill(modules);
  auto environment = modules.environment();
  environment["GONOSUMDB"] = "example.com";
  const auto refusal = [&] {
    Resolution run(descriptor(), "go:\n  packages: [example.com/c@v0.3.0]\n", environment);
    return error_of([&] { return run.run().size(); }).code();
  };
  const std::string mod = "/proxy/example.com/c/@v/v0.3.0.mod";
  const std::string info = "/proxy/example.com/c/@v/v0.3.0.info";
  SECTION("a web page for a go.mod") {
    modules.server.script(
        mod, {{.fields = {{"Content-Type", "text/html; charset=utf-8"}}, .body = "<!DOCTYPE html><p>sign in"}});
    CHECK(refusal() == ErrorCode::upstream);
  }
  SECTION("a go.mod of something else") {
    modules.server.script(mod, {{.body = "module example.com/other\n"}});
    CHECK(refusal() == ErrorCode::upstream);
  }
  SECTION("a go.mod that is none") {
    modules.server.script(mod, {{.body = "require (\n"}});
    CHECK(refusal() == ErrorCode::malformed);
  }
  SECTION("a go.mod with a hostile requirement") {
    modules.server.script(mod, {{.body = "module example.com/c\nrequire example.com/../../etc v1.0.0\n"}});
    CHECK(refusal() == ErrorCode::malformed);
  }
  SECTION("an info of another version") {
    modules.server.script(info, {{.body = R"({"Version":"v0.3.1"})"}});
    CHECK(refusal() == ErrorCode::upstream);
  }
  SECTION("half an info") {
    modules.server.script(info, {{.body = R"({"Version":"v0.)"}});
    CHECK(refusal() == ErrorCode::malformed);
  }
  SECTION("an info with a hostile version") {
    modules.server.script(info, {{.body = R"({"Version":"v0.3.0/../../x"})"}});
    CHECK(refusal() == ErrorCode::upstream);
  }
}

}  // namespace airlock::ecosystem::go
