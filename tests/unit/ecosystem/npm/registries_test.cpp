// Which registry a package comes from, and with whose credentials: the manifest's, the user's, a project's.
#include "ecosystem/npm/registries.hpp"

#include "ecosystem/npm/npm.hpp"
#include "fake_registry.hpp"
#include "resolve_fixture.hpp"
#include "support/errors.hpp"

namespace airlock::ecosystem::npm {

using base::Error;
using base::ErrorCode;

TEST_CASE("the manifest's credentials for npm are for the registry by default alone", "[ecosystem][npm][resolver]") {
  FakeRegistry registry, other;
  other.add("@s/b", "1.0.0");
  other.server().script("/download/a", {{.body = "tarball of a 1.0.0"}});
  registry.add(
      "a", "1.0.0",
      {{"dist", {{"tarball", other.server().url("/download/a")}, {"integrity", integrity_of("tarball of a 1.0.0")}}}});
  base::TempDir home;
  base::write_file_atomic(home.path() / ".npmrc", "registry=" + registry.url() + "\n@s:registry=" + other.url() + "\n");
  Resolution run(descriptor(), "npm: { packages: [a, '@s/b'] }\nupstreams: { npm: { token_env: TOKEN } }\n",
                 {{"HOME", home.path().string()}, {"TOKEN", "s3cret"}});
  run.run();
  CHECK(run.fetch(run.row("a/-/a-1.0.0.tgz")) == "tarball of a 1.0.0");
  CHECK(registry.server().requests("/a").back().field("Authorization") == "Bearer s3cret");
  const auto elsewhere = other.server().requests();
  CHECK(elsewhere.size() >= 2);
  for (const auto& request : elsewhere) {
    CHECK_FALSE(request.field("Authorization"));
  }
}

TEST_CASE("address and credentials come from npm's own configuration", "[ecosystem][npm][resolver]") {
  FakeRegistry registry;
  registry.add("a", "1.0.0");
  registry.add("@s/b", "1.0.0");
  const std::string host = base::Url::parse(registry.url() + "/").host_port();
  const auto sent = [&](const std::string& path) {
    return registry.server().requests(path).back().field("Authorization").value_or("none");
  };
  base::TempDir home;
  base::write_file_atomic(home.path() / ".npmrc", "registry=http://127.0.0.1:1/\n@s:registry=" + registry.url() +
                                                      "/\n//" + host + "/:_authToken=${TOKEN}\n");
  const std::map<std::string, std::string> environment = {
      {"HOME", home.path().string()}, {"TOKEN", "secret-token"}, {"NPM_CONFIG_REGISTRY", registry.url()}};
  {
    Resolution run(descriptor(), "npm: { packages: [a, '@s/b'] }\n", environment);
    CHECK(tarballs(run, run.run()).size() == 2);
    CHECK(sent("/a") == "Bearer secret-token");
    CHECK(sent("/@s%2fb") == "Bearer secret-token");
    run.fetch(run.row("a/-/a-1.0.0.tgz"));
    CHECK(sent("/a/-/a-1.0.0.tgz") == "Bearer secret-token");
  }
  {  // the manifest goes first
    Resolution run(descriptor(),
                   "npm: { packages: [a] }\nupstreams: { npm: { url: '" + registry.url() + "', token_env: OTHER } }\n",
                   {{"HOME", home.path().string()}, {"OTHER", "from-the-manifest"}});
    run.run();
    CHECK(sent("/a") == "Bearer from-the-manifest");
  }
  {  // a project's .npmrc goes before the user's
    Resolution run(descriptor(), "npm: { projects: [p] }\n", environment);
    run.file("p/package.json", R"({"dependencies":{"@s/b":"1"}})");
    run.file("p/.npmrc", "//" + host + "/:_auth=dTpw\n//" + host + "/:_authToken=\n");
    run.run();
    CHECK(sent("/@s%2fb") == "Bearer secret-token");  // a token goes before a password
  }
  {  // whoever wrote a project gets nothing of this host's environment
    FakeRegistry theirs;
    theirs.add("@s/b", "1.0.0");
    const std::string there = base::Url::parse(theirs.url() + "/").host_port();
    Resolution run(descriptor(), "npm: { projects: [p] }\n", environment);
    run.file("p/package.json", R"({"dependencies":{"@s/b":"1"}})");
    run.file("p/.npmrc", "@s:registry=" + theirs.url() + "\nregistry=" + theirs.url() + "/${TOKEN}\n//" + there +
                             "/:_authToken=${TOKEN}\ncafile=/dev/zero\n");
    run.run();
    REQUIRE_FALSE(theirs.server().requests().empty());
    for (const auto& request : theirs.server().requests()) {
      CHECK_FALSE(request.field("Authorization"));
      CHECK(request.target.find("secret") == std::string::npos);
    }
    const std::string warnings = base::join(run.reporter().warnings(), "\n");
    CHECK(warnings.find("/:_authToken is passed over, since it names a variable") != std::string::npos);
    CHECK(warnings.find("registry is passed over") != std::string::npos);
  }
  registry.server().script("/a", {{.status = 401}});
  Resolution run(descriptor(), "npm: { packages: [a] }\n", environment);
  const Error error = test::error_of([&] { return run.run().size(); });
  CHECK(error.code() == ErrorCode::auth);
  CHECK((error.message() + error.hint()).find("secret") == std::string::npos);
}

TEST_CASE("a project names registries for its own entry", "[ecosystem][npm][resolver]") {
  const base::TempDir folder;
  base::write_file_atomic(folder.path() / ".npmrc",
                          "@s:registry=http://theirs.example/\nregistry=http://all.example/\n");
  const base::TempDir home;
  base::write_file_atomic(home.path() / ".npmrc", "registry=http://ours.example/\n");
  http::Client client(http::quick_options());
  const model::Manifest manifest;
  test::RecordingReporter reporter;
  const ResolveContext context{.http = client,
                               .manifest = manifest,
                               .reporter = reporter,
                               .recipes = {},
                               .environment = {{"HOME", home.path().string()}},
                               .demand = {}};
  Registries registries(context);
  registries.begin_entry();
  registries.add_project(folder.path());
  CHECK(registries.registry_of("@s/b").host() == "theirs.example");
  CHECK(registries.registry_of("a").host() == "all.example");
  registries.begin_entry();
  CHECK(registries.registry_of("@s/b").host() == "ours.example");
  CHECK(registries.registry_of("a").host() == "ours.example");
}

}  // namespace airlock::ecosystem::npm
