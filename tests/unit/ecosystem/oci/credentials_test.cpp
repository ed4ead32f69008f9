#include "ecosystem/oci/credentials.hpp"

#include <filesystem>
#include <optional>

#include "base/files.hpp"
#include "support/catch.hpp"
#include "support/environment.hpp"
#include "support/errors.hpp"
#include "support/recording_reporter.hpp"

namespace airlock::ecosystem::oci {

using base::ErrorCode;

namespace {

struct Home {
  base::TempDir folder;
  model::Manifest manifest;
  test::RecordingReporter reporter;
  std::map<std::string, std::string> environment{{"HOME", folder.path().string()}};
  std::optional<test::ScopedEnvironment> path;  // programs are looked up on this process's own

  void write(const std::string& name, const std::string& content, mode_t mode = 0600) {
    base::make_directories((folder.path() / name).parent_path());
    base::write_file_atomic(folder.path() / name, content, mode);
  }
  CredentialFinder finder() { return {manifest, environment, reporter}; }
  // A program on PATH that answers as a credential helper does.
  void helper(const std::string& name, const std::string& script) {
    write("bin/docker-credential-" + name,
          "#!/bin/sh\necho run >> " + (folder.path() / "runs").string() + "\n" + script, 0755);
    path.emplace("PATH", (folder.path() / "bin").string() + ":/usr/bin:/bin");
  }
  std::size_t runs() const { return base::read_file_if_exists(folder.path() / "runs", 1000).value_or("").size() / 4; }
};

}  // namespace

TEST_CASE("podman's file comes before docker's, the narrowest entry first", "[oci][credentials]") {
  Home home;
  home.write(".docker/config.json", R"({"auths":{"quay.io":{"username":"d","password":"d"},
    "https://index.docker.io/v1/":{"username":"h","password":"h"}}})");
  home.write(".config/containers/auth.json", R"({"auths":{"quay.io/team":{"username":"t","password":"t"},
    "quay.io":{"username":"q","password":"q"}}})");
  CredentialFinder finder = home.finder();
  CHECK(finder.find("quay.io", "team/app").username == "t");
  CHECK(finder.find("quay.io", "other/app").username == "q");
  CHECK(finder.find("docker.io", "library/debian").username == "h");
  CHECK(finder.find("ghcr.io", "x").empty());
}

TEST_CASE("environment variables name other places", "[oci][credentials]") {
  Home home;
  home.write("a.json", R"({"auths":{"a.example":{"username":"a","password":"a"}}})");
  home.write("docker/config.json", R"({"auths":{"b.example":{"username":"b","password":"b"}}})");
  home.environment["REGISTRY_AUTH_FILE"] = (home.folder.path() / "a.json").string();
  home.environment["DOCKER_CONFIG"] = (home.folder.path() / "docker").string();
  home.environment["DOCKER_AUTH_CONFIG"] = R"({"auths":{"c.example":{"username":"c","password":"c"}}})";
  CredentialFinder finder = home.finder();
  for (const char* name : {"a", "b", "c"}) {
    CHECK(finder.find(std::string(name) + ".example", "x").username == name);
  }
}

TEST_CASE("the manifest's upstreams come first", "[oci][credentials]") {
  Home home;
  home.write(".docker/config.json", R"({"auths":{"r.example:5000":{"username":"d","password":"d"}}})");
  home.manifest.upstreams["r.example:5000"] = {.name = "r", .username_env = "U", .password_env = "P"};
  home.manifest.upstreams["t.example"] = {.name = "t", .token_env = "T"};
  home.environment["U"] = "user";
  home.environment["P"] = "secret";
  CredentialFinder finder = home.finder();
  CHECK(finder.find("r.example:5000", "x").password.reveal() == "secret");
  const base::Error error = test::error_of([&] { finder.find("t.example:443", "x"); });
  CHECK(error.code() == ErrorCode::config);
  CHECK(error.message().find("T ") != std::string::npos);
}

TEST_CASE("a helper is asked once for each registry", "[oci][credentials]") {
  Home home;
  home.helper("fake", R"(read server; echo "{\"Username\":\"from $server\",\"Secret\":\"s\"}")");
  home.write(".docker/config.json", R"({"credsStore":"fake"})");
  CredentialFinder finder = home.finder();
  CHECK(finder.find("quay.io", "a").username == "from quay.io");
  CHECK(finder.find("quay.io", "b").username == "from quay.io");
  CHECK(finder.find("docker.io", "library/x").username == "from https://index.docker.io/v1/");
  CHECK(home.runs() == 2);
}

TEST_CASE("a helper without an answer is no failure", "[oci][credentials]") {
  Home home;
  home.helper("fake", "echo 'credentials not found in native keychain'; exit 1");
  home.write(".docker/config.json", R"({"credHelpers":{"quay.io":"fake"}})");
  CredentialFinder finder = home.finder();
  CHECK(finder.find("quay.io", "a").empty());
  CHECK(home.reporter.warnings().empty());
}

TEST_CASE("a helper that fails is warned of once", "[oci][credentials]") {
  const char* script = GENERATE("exit 3", "echo nonsense", "");
  Home home;
  if (*script != '\0') {
    home.helper("fake", script);
  }
  home.write(".docker/config.json", R"({"credsStore":"fake"})");
  CredentialFinder finder = home.finder();
  CHECK(finder.find("quay.io", "a").empty());
  CHECK(finder.find("quay.io", "b").empty());
  CHECK(home.reporter.warnings().size() == 1);
}

TEST_CASE("a malformed file is an error, not silence", "[oci][credentials]") {
  Home home;
  home.write(".docker/config.json", "{");
  CredentialFinder finder = home.finder();
  CHECK(test::code_of([&] { finder.find("quay.io", "a"); }) == ErrorCode::malformed);
}

}  // namespace airlock::ecosystem::oci
