// The resolver against a registry that says what a test wants it to say.
#include "ecosystem/npm/resolver.hpp"

#include "base/process.hpp"
#include "ecosystem/npm/npm.hpp"
#include "fake_registry.hpp"
#include "resolve_fixture.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::npm {

using base::Error;
using base::ErrorCode;
using base::Json;
using model::Kind;

namespace {

Json needs(const char* dependencies, const char* kind = "dependencies") {
  return {{kind, Json::parse(dependencies)}};
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a package becomes its tarball, its object, its notes and its tag", "[ecosystem][npm][resolver]") {
  FakeRegistry registry;
  registry.add("@s/a", "1.0.0", {{"readme", "long"}, {"scripts", {{"install", "x"}}}});
  registry.add("@s/a", "1.1.0");
  registry.tag("@s/a", "latest", "1.0.0");
  registry.tag("@s/a", "beta", "1.1.0");
  Resolution run(descriptor(), registry.manifest("{ packages: ['@s/a'] }"));
  run.run();
  CHECK(run.paths() == Names{"@s/a/-/a-1.0.0.tgz", "@s/a/-/notes/1.0.0", "@s/a/1.0.0", "@s/a/latest"});
  const model::FileRow& tarball = run.row("@s/a/-/a-1.0.0.tgz");
  CHECK(tarball.artifact == "pkg:npm/%40s/a@1.0.0");
  CHECK(tarball.pin.starts_with("sha512:"));
  CHECK(tarball.verified == model::Verified::upstream_digest);
  CHECK_FALSE(tarball.sha256);
  CHECK(run.fetch(tarball) == "tarball of @s/a 1.0.0");
  CHECK(run.fetch(tarball, 3, 4) == "ball");
  const model::FileRow& object = run.row("@s/a/1.0.0");
  CHECK(object.kind == Kind::meta);
  CHECK(run.row("@s/a/latest").sha256 == object.sha256);
  CHECK(run.row("@s/a/latest").kind == Kind::tag);
  // For a lock that is read from disk: the same bytes again.
  for (const char* path : {"@s/a/1.0.0", "@s/a/latest"}) {
    const std::string again = run.fetch(run.row(path));
    CHECK(base::sha256(again) == run.row(path).sha256);
    CHECK(run.fetch(run.row(path), 2, 5) == again.substr(2, 5));
  }
  // Notes may change, and are not pinned.
  CHECK_FALSE(run.row("@s/a/-/notes/1.0.0").sha256);
  CHECK(run.fetch(run.row("@s/a/-/notes/1.0.0")) == R"({"time":"2020-01-01T00:00:00.000Z"})");
  CHECK(run.fetch(object).find("readme") == std::string::npos);
  CHECK(run.fetch(object).find("install") != std::string::npos);
  for (const char* path : {"@s/a/-/a-1.0.0.tgz", "@s/a/1.0.0"}) {
    CHECK_NOTHROW(
        model::parse_row(model::to_json_line(run.row(path), model::RowForm::lock), model::RowForm::lock, "", "x"));
  }
  CHECK(registry.server().requests("/@s%2fa").size() == 2);  // once a run; the second is the lock's
}

TEST_CASE("a SHA-1 alone is compared and proves nothing", "[ecosystem][npm][resolver]") {
  FakeRegistry registry;
  base::Hasher hasher(base::HashAlgorithm::sha1);
  hasher.update("tarball of a 1.0.0");
  registry.add("a", "1.0.0", {{"dist", {{"shasum", hasher.finish().hex()}}}});
  registry.add("b", "1.0.0", {{"dist", Json::object()}});
  Resolution run(descriptor(), registry.manifest("{ packages: [a, b] }"));
  run.run();
  CHECK(run.row("a/-/a-1.0.0.tgz").pin.starts_with("sha1:"));
  CHECK(run.row("a/-/a-1.0.0.tgz").verified == model::Verified::none);
  CHECK(run.row("b/-/b-1.0.0.tgz").pin.empty());
  CHECK(run.row("b/-/b-1.0.0.tgz").verified == model::Verified::none);
  std::string warnings;
  for (const std::string& warning : run.reporter().warnings()) {
    warnings += warning + "\n";
  }
  CHECK(warnings.find("only a SHA-1, which proves no origin, of a 1.0.0;") != std::string::npos);
  CHECK(warnings.find("no digest of b 1.0.0;") != std::string::npos);
}

TEST_CASE("a closure holds dependencies, peers, aliases and several versions; not bundled or optional peers",
          "[ecosystem][npm][resolver]") {
  FakeRegistry registry;
  registry.add("b", "1.0.0");
  registry.add("b", "2.0.0");
  registry.add("peer", "3.0.0");
  registry.add("real", "4.0.0", needs(R"({"b":"^1"})"));
  registry.add("c", "1.0.0",
               {{"dependencies", {{"b", "^2"}, {"alias", "npm:real@^4"}, {"inside", "^9"}}},
                {"bundleDependencies", {"inside"}},
                {"peerDependencies", {{"peer", ">=3"}, {"maybe", "*"}}},
                {"peerDependenciesMeta", {{"maybe", {{"optional", true}}}}}});
  registry.add("a", "1.0.0", needs(R"({"c":"*","a":"1"})"));  // a cycle
  Resolution run(descriptor(), registry.manifest("{ packages: [a] }"));
  CHECK(tarballs(run, run.run()) ==
        Names{"a-1.0.0.tgz", "b-1.0.0.tgz", "b-2.0.0.tgz", "c-1.0.0.tgz", "peer-3.0.0.tgz", "real-4.0.0.tgz"});
}

TEST_CASE("of peers there is a version that suits all who ask, of optional ones once the package is there",
          "[ecosystem][npm][resolver]") {
  FakeRegistry registry;
  for (const char* version : {"1.0.0", "2.1.0", "2.2.0", "2.3.0", "3.0.0"}) {
    registry.add("host", version);
  }
  const auto peer = [](const char* range, bool optional) {
    Json json = {{"peerDependencies", {{"host", range}}}};
    if (optional) {
      json["peerDependenciesMeta"] = {{"host", {{"optional", true}}}};
    }
    return json;
  };
  registry.add("any", "1.0.0", peer(">=1", false));
  registry.add("old", "1.0.0", peer("<3", true));
  registry.add("left", "1.0.0", peer("2.1 || 2.3", false));
  registry.add("right", "1.0.0", peer("2.1 || 2.2", false));
  registry.add("never", "1.0.0", peer("^9", true));
  const auto run = [&](const std::string& packages) {
    Resolution resolution(descriptor(), registry.manifest("{ packages: [" + packages + "] }"));
    Names names;
    for (const std::string& name : tarballs(resolution, resolution.run())) {
      if (name.starts_with("host")) {
        names.push_back(name);
      }
    }
    return names;
  };
  CHECK(run("old").empty());
  CHECK(run("any, old") == Names{"host-2.3.0.tgz", "host-3.0.0.tgz"});
  CHECK(run("left, right") == Names{"host-2.1.0.tgz", "host-2.2.0.tgz", "host-2.3.0.tgz"});
  CHECK(run("any, never") == Names{"host-3.0.0.tgz"});  // nothing suits both, and that is for the client to say
}

TEST_CASE("a provider's SDK asks for its plugin", "[ecosystem][npm][resolver]") {
  FakeRegistry registry;
  registry.add("@pulumi/random", "4.1.0",
               {{"pulumi", {{"resource", true}, {"name", "random"}, {"version", "v4.1.0"}}}});
  registry.add("own", "2.0.0", {{"pulumi", {{"resource", true}, {"server", "https://plugins.example/own"}}}});
  registry.add("plain", "1.0.0", {{"pulumi", {{"resource", false}}}});
  Resolution run(descriptor(), registry.manifest("{ packages: ['@pulumi/random', own, plain] }"));
  run.run();
  std::map<std::string, std::string> asked;
  for (const auto& [request, because] : run.demands()) {
    CHECK(request.section == "pulumi");
    asked[because] = request.values.at("plugins").at(0);
  }
  CHECK(asked ==
        std::map<std::string, std::string>{{"npm @pulumi/random 4.1.0", "resource random@4.1.0"},
                                           {"npm own 2.0.0", "resource own@2.0.0 server=https://plugins.example/own"}});
}

TEST_CASE("what is optional in one place and needed in another must be had", "[ecosystem][npm][resolver]") {
  FakeRegistry registry;
  registry.add("shared", "1.0.0", {{"dependencies", {{"nowhere", "1"}}}});
  registry.add("first", "1.0.0", {{"optionalDependencies", {{"shared", "1"}}}});
  // Reached long after the optional way to it was followed.
  registry.add("d3", "1.0.0", {{"dependencies", {{"shared", "1"}}}});
  registry.add("d2", "1.0.0", {{"dependencies", {{"d3", "1"}}}});
  registry.add("d1", "1.0.0", {{"dependencies", {{"d2", "1"}}}});
  Resolution run(descriptor(), registry.manifest("{ packages: [first, d1] }"));
  CHECK(test::code_of([&] { return run.run().size(); }) == ErrorCode::not_found);
}

TEST_CASE("optional packages of other platforms are named, not carried", "[ecosystem][npm][resolver]") {
  FakeRegistry registry;
  registry.add("bin-linux", "1.0.0", {{"os", {"linux"}}, {"cpu", {"x64"}}, {"libc", {"glibc"}}});
  registry.add("bin-musl", "1.0.0", {{"os", {"linux"}}, {"cpu", {"x64"}}, {"libc", {"musl"}}});
  registry.add("below", "1.0.0");
  registry.add("bin-mac", "1.0.0", {{"os", {"darwin"}}, {"dependencies", {{"below", "1"}, {"nowhere", "1"}}}});
  registry.add(
      "a", "1.0.0",
      {{"dependencies", {{"bin-linux", "1.0.0"}}},
       {"optionalDependencies", {{"bin-linux", "1.0.0"}, {"bin-musl", "1.0.0"}, {"bin-mac", "1.0.0"}, {"gone", "1"}}}});
  const std::string platform = "packages: [a], platforms: [linux/amd64]";
  {
    Resolution run(descriptor(), registry.manifest("{ " + platform + " }"));
    CHECK(tarballs(run, run.run()) == Names{"a-1.0.0.tgz", "bin-linux-1.0.0.tgz"});
    CHECK(run.row("bin-linux/-/bin-linux-1.0.0.tgz").platform == "linux/amd64");
    CHECK(run.row("bin-mac/-/bin-mac-1.0.0.tgz").kind == Kind::known);
    CHECK(run.row("bin-mac/1.0.0").kind == Kind::meta);  // so that clients see why
    CHECK(run.row("below/-/below-1.0.0.tgz").kind == Kind::known);
  }
  {
    Resolution run(descriptor(), registry.manifest("{ " + platform + ", libc: [glibc, musl] }"));
    CHECK(tarballs(run, run.run()) == Names{"a-1.0.0.tgz", "bin-linux-1.0.0.tgz", "bin-musl-1.0.0.tgz"});
  }
  {
    Resolution run(descriptor(),
                   registry.manifest("{ packages: [a, bin-mac], platforms: [linux/amd64, darwin/arm64] }"));
    CHECK(test::code_of([&] { return run.run().size(); }) ==
          ErrorCode::not_found);  // asked for, and 'nowhere' is missing
  }
  {
    // What is asked for by name comes whatever it is for.
    Resolution run(descriptor(), registry.manifest("{ packages: [bin-musl], platforms: [linux/amd64] }"));
    CHECK(tarballs(run, run.run()) == Names{"bin-musl-1.0.0.tgz"});
  }
  Resolution run(descriptor(), registry.manifest("{ " + platform + ", libc: [uclibc] }"));
  CHECK(test::code_of([&] { return run.run().size(); }) == ErrorCode::manifest);
}

TEST_CASE("what cannot be had names the chain that asked and what there is", "[ecosystem][npm][resolver]") {
  FakeRegistry registry;
  registry.add("c", "7.0.0");
  registry.add("c", "8.1.0");
  registry.add("b", "2.0.0", needs(R"({"c":"^9"})"));
  registry.add("a", "1.0.0", needs(R"({"b":"^2"})"));
  registry.add("g", "1.0.0", needs(R"({"x":"git+https://host.example/x.git"})"));
  registry.add("n", "1.0.0", needs(R"({"../x":"1"})"));
  const auto error = [&](const std::string& package) {
    Resolution run(descriptor(), registry.manifest("{ packages: ['" + package + "'] }"));
    return test::error_of([&] { return run.run().size(); });
  };
  const Error unsatisfied = error("a");
  CHECK(unsatisfied.code() == ErrorCode::not_found);
  CHECK(unsatisfied.message() ==
        "nothing satisfies c@^9: there are 8.1.0, 7.0.0 (asked for by the manifest → a@1.0.0 → "
        "b@2.0.0 → c@^9)");
  CHECK(error("missing").message().find("the registry has no such package") != std::string::npos);
  CHECK(error("g").code() == ErrorCode::unsupported);
  CHECK(error("n").code() == ErrorCode::malformed);
  CHECK(error("a@next").code() == ErrorCode::not_found);
}

TEST_CASE("a lock file is taken as it is, and must agree with the registry", "[ecosystem][npm][resolver]") {
  FakeRegistry registry;
  for (const char* version : {"1.0.0", "1.1.0", "1.2.0"}) {
    registry.add("a", version, needs(R"({"b":"*"})"));
  }
  registry.add("b", "1.0.0");
  registry.add("mac", "1.0.0", {{"os", {"darwin"}}});
  const auto lock = [](const std::string& integrity) {
    return R"({"lockfileVersion":3,"packages":{"":{},
      "node_modules/a":{"version":"1.1.0","resolved":"https://elsewhere.example/x/a-1.1.0.tgz","integrity":")" +
           integrity + R"("},
      "node_modules/mac":{"version":"1.0.0","optional":true}}})";
  };
  Resolution run(descriptor(), registry.manifest("{ projects: [p], platforms: [linux/amd64] }"));
  run.file("p/package-lock.json", lock(integrity_of("tarball of a 1.1.0")));
  CHECK(tarballs(run, run.run()) == Names{"a-1.1.0.tgz"});  // b is not locked
  CHECK(run.row("mac/-/mac-1.0.0.tgz").kind == Kind::known);

  Resolution changed(descriptor(), registry.manifest("{ projects: [p] }"));
  changed.file("p/package-lock.json", lock(integrity_of("something else")));
  CHECK(test::code_of([&] { return changed.run().size(); }) == ErrorCode::tampered);

  Resolution gone(descriptor(), registry.manifest("{ projects: [p] }"));
  gone.file("p/package-lock.json", R"({"lockfileVersion":3,"packages":{"node_modules/a":{"version":"9.0.0"}}})");
  const Error error = test::error_of([&] { return gone.run().size(); });
  CHECK(error.code() == ErrorCode::not_found);
  CHECK(error.message().find("there are 1.2.0, 1.1.0, 1.0.0") != std::string::npos);
}

TEST_CASE("a project without a lock is resolved with its overrides", "[ecosystem][npm][resolver]") {
  FakeRegistry registry;
  registry.add("b", "1.0.0");
  registry.add("b", "2.0.0");
  registry.add("a", "1.0.0", needs(R"({"b":"^2"})"));
  registry.add("dev", "1.0.0");
  const std::string package =
      R"({"name":"p","dependencies":{"a":"^1","here":"file:./here"},"devDependencies":{"dev":"*"},
    "overrides":{"a":{"b":"1.0.0"}}})";
  Resolution run(descriptor(), registry.manifest("{ projects: [p], include_dev: false }"));
  run.file("p/package.json", package);
  CHECK(tarballs(run, run.run()) == Names{"a-1.0.0.tgz", "b-1.0.0.tgz"});
  Resolution with_dev(descriptor(), registry.manifest("{ projects: [p] }"));
  with_dev.file("p/package.json", package);
  with_dev.file("p/yarn.lock", "");
  CHECK(tarballs(with_dev, with_dev.run()) == Names{"a-1.0.0.tgz", "b-1.0.0.tgz", "dev-1.0.0.tgz"});
  CHECK(with_dev.reporter().warnings().size() == 1);
}

TEST_CASE("a compressed document is read, a broken one refused", "[ecosystem][npm][resolver]") {
  FakeRegistry registry;
  registry.add("a", "1.0.0");
  const auto packed =
      base::run_process({.argv = {"gzip", "-c"}, .input = registry.document("a").dump(), .environment = {}});
  REQUIRE(packed.exit_code == 0);
  const auto answer = [&](const std::string& body) {
    registry.server().script("/a", {{.fields = {{"Content-Encoding", "gzip"}}, .body = body}});
  };
  answer(packed.output);
  Resolution run(descriptor(), registry.manifest("{ packages: [a] }"));
  CHECK(tarballs(run, run.run()) == Names{"a-1.0.0.tgz"});
  CHECK(registry.server().requests("/a").back().field("Accept-Encoding") == "gzip");
  for (const std::string& body :
       {packed.output.substr(0, packed.output.size() / 2), std::string("plain"), std::string()}) {
    answer(body);
    Resolution broken(descriptor(), registry.manifest("{ packages: [a] }"));
    CHECK(test::code_of([&] { return broken.run().size(); }) == ErrorCode::malformed);
  }
}

TEST_CASE("answers that are no documents of the package are refused", "[ecosystem][npm][resolver]") {
  FakeRegistry registry;
  registry.add("a", "1.0.0");
  const std::string whole = registry.document("a").dump();
  const auto code = [&](test::FaultAnswer answer) {
    registry.server().script("/a", {std::move(answer)});
    Resolution run(descriptor(), registry.manifest("{ packages: [a] }"));
    return test::code_of([&] { return run.run().size(); });
  };
  CHECK(code({.fields = {{"Content-Type", "text/html"}}, .body = "<!DOCTYPE html><p>Sign in"}) == ErrorCode::upstream);
  CHECK(code({.body = ""}) == ErrorCode::upstream);
  CHECK(code({.body = whole.substr(0, whole.size() / 2)}) == ErrorCode::malformed);
  CHECK(code({.status = 403}) == ErrorCode::auth);
  CHECK(code({.status = 500}) == ErrorCode::upstream);
  CHECK(code({.body = R"({"name":"b","versions":{}})"}) == ErrorCode::malformed);
  CHECK(code({.body = R"({"name":"a","versions":{"1.0.0":{"name":"a","version":"1e999999"}}})"}) ==
        ErrorCode::malformed);
  CHECK(code({.body = R"({"name":"a","versions":{"1.0.0":{"name":"a","version":"1.0.0","x":1e999999}}})"}) ==
        ErrorCode::malformed);
  CHECK(code({.body = whole, .cut_after = 20}) != ErrorCode::internal);
}

TEST_CASE("a hostile tarball address gives a plain name, and a foreign host is asked only for unusual paths",
          "[ecosystem][npm][resolver]") {
  FakeRegistry registry;
  const auto resolve = [&](const std::string& tarball) {
    registry.add("a", "1.0.0", {{"dist", {{"tarball", tarball}, {"integrity", integrity_of("tarball of a 1.0.0")}}}});
    Resolution run(descriptor(), registry.manifest("{ packages: [a] }"));
    const auto files = run.run();
    for (const ResolvedFile& file : files) {
      if (file.row.kind == Kind::file) {
        return file.row;
      }
    }
    return model::FileRow();
  };
  CHECK(resolve("https://cdn.example/x/%2e%2e%2fa.tgz").path == "a/-/a-1.0.0.tgz");
  CHECK(resolve("https://cdn.example/x/a;b").path == "a/-/a-1.0.0.tgz");
  CHECK(resolve("https://cdn.example/download/a/1.0.0/abcdef").origin == "https://cdn.example/download/a/1.0.0/abcdef");
  CHECK(resolve("https://other.example/npm/a/-/a-1.0.0.tgz").origin == registry.server().url("/a/-/a-1.0.0.tgz"));
  CHECK(resolve("file:///etc/passwd").origin.starts_with(registry.url()));
  CHECK(resolve("").origin == registry.server().url("/a/-/a-1.0.0.tgz"));
  registry.add("a", "1.0.0", {{"dist", {{"tarball", "nonsense"}}}});
  Resolution run(descriptor(), registry.manifest("{ packages: [a] }"));
  CHECK(test::code_of([&] { return run.run().size(); }) == ErrorCode::upstream);
}

}  // namespace airlock::ecosystem::npm
