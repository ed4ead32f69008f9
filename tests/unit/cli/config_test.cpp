// Settings: default, file, environment, flag; and where a home lies.
#include "cli/config.hpp"

#include <map>

#include "base/files.hpp"
#include "cli/home_location.hpp"
#include "cli/listen_address.hpp"
#include "cli_fixture.hpp"
#include "support/environment.hpp"
#include "support/errors.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

namespace {

using Variables = std::map<std::string, std::string>;

std::function<const char*(const char*)> as_environment(const Variables& variables) {
  return [variables](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

}  // namespace

TEST_CASE("default, file, environment and flag, each over the one before") {
  base::TempDir folder;
  const auto file = folder.path() / "airlock.yaml";
  const auto none = as_environment({});
  CHECK(cli::Config::load(file, none).text("listen") == "127.0.0.1:8480");
  CHECK(cli::Config::load(file, none).get("listen").origin == "default");
  base::write_file_atomic(file, "# a comment\nlisten: 0.0.0.0:80\ntls_cert: tls/cert.pem\nstale_after: 30d\n");
  const auto from_file = cli::Config::load(file, none);
  CHECK(from_file.text("listen") == "0.0.0.0:80");
  CHECK(from_file.get("listen").origin == file.string() + ":2:9");
  CHECK(from_file.path("tls_cert") == folder.path() / "tls/cert.pem");
  CHECK(from_file.number("stale_after") == 30 * 86400);
  const auto both = cli::Config::load(file, as_environment({{"AIRLOCK_LISTEN", "[::1]:1"}}));
  CHECK(both.text("listen") == "[::1]:1");
  CHECK(both.get("listen").origin == "AIRLOCK_LISTEN");
  CHECK(both.or_flag("listen", "x:1") == "x:1");
  CHECK(both.or_flag("listen", "") == "[::1]:1");
}

TEST_CASE("a mistake in the file has a place and a suggestion") {
  base::TempDir folder;
  const auto file = folder.path() / "airlock.yaml";
  const auto none = as_environment({});
  base::write_file_atomic(file, "\n  lisen: 0.0.0.0:80\n");
  auto error = error_of([&] { return cli::Config::load(file, none); });
  CHECK(error.code() == ErrorCode::config);
  CHECK(error.position()->line == 2);
  CHECK(error.position()->column == 3);
  CHECK(error.hint() == "did you mean 'listen'?");
  for (const auto* bad : {"max_connections: many", "max_connections: -1", "limit_rate: fast", "stale_after: old", "- a",
                          "listen: [a]", "listen: {", "a: &x b"}) {
    INFO(bad);
    base::write_file_atomic(file, bad);
    CHECK(code_of([&] { return cli::Config::load(file, none); }) == ErrorCode::config);
  }
  base::write_file_atomic(file, "");
  error = error_of([&] { return cli::Config::load(file, as_environment({{"AIRLOCK_MAX_CONNECTIONS", "x"}})); });
  CHECK(error.context().front().find("AIRLOCK_MAX_CONNECTIONS") != std::string::npos);
}

TEST_CASE("a broken configuration is named by every command but those that explain") {
  const CommandLine line;
  base::make_directories(line.home());
  base::write_file_atomic(line.home() / "airlock.yaml", "lisen: x\n");
  const auto result = line.run({"status", "--json"});
  CHECK(result.exit_code == 2);
  CHECK(result.json()["error"]["position"]["line"] == 1);
  CHECK(line.run({"explain", "config"}).exit_code == 0);
}

TEST_CASE("config show tells each value and where it came from") {
  const CommandLine line;
  const ScopedEnvironment variable("AIRLOCK_STALE_AFTER", "10d");
  const auto json = line.run({"config", "show", "--json"}).json();
  CHECK(json["home"] == line.home().string());
  bool seen = false;
  for (const auto& setting : json["settings"]) {
    if (setting["key"] == "stale_after") {
      seen = true;
      CHECK(setting["value"] == "10d");
      CHECK(setting["origin"] == "AIRLOCK_STALE_AFTER");
    }
  }
  CHECK(seen);
}

TEST_CASE("where a home lies") {
  base::TempDir folder;
  cli::Surroundings around{.environment = as_environment({{"HOME", "/home/u"}}),
                           .root = false,
                           .root_home = folder.path() / "var",
                           .root_config = folder.path() / "etc"};
  CHECK(cli::locate_home({}, around).root == "/home/u/.local/share/airlock");
  around.environment = as_environment({{"HOME", "/home/u"}, {"XDG_DATA_HOME", "/data"}});
  CHECK(cli::locate_home({}, around).root == "/data/airlock");
  around.root = true;
  CHECK(cli::locate_home({}, around).root == folder.path() / "var");
  CHECK(cli::locate_home({}, around).config == folder.path() / "var");
  base::make_directories(folder.path() / "etc");
  CHECK(cli::locate_home({}, around).config == folder.path() / "etc");
  base::make_directories(folder.path() / "var" / "roots");  // a root was pinned before the other folder was made
  CHECK(cli::locate_home({}, around).config == folder.path() / "var");
  base::write_file_atomic(folder.path() / "etc" / "airlock.yaml", "");
  CHECK(cli::locate_home({}, around).config == folder.path() / "etc");
  around.environment = as_environment({{"AIRLOCK_HOME", "/srv/airlock"}});
  CHECK(cli::locate_home({}, around).root == "/srv/airlock");
  CHECK(cli::locate_home({}, around).config == "/srv/airlock");
  CHECK(cli::locate_home({.home = "/x", .config = {}}, around).root == "/x");
  CHECK(cli::locate_home({.home = "/x", .config = "/y/airlock.yaml"}, around).config == "/y");
  CHECK(cli::locate_home({.home = "/x", .config = folder.path().string()}, around).config == folder.path());
  around.environment = as_environment({});
  around.root = false;
  CHECK(code_of([&] { return cli::locate_home({}, around); }) == ErrorCode::config);
}

TEST_CASE("a home that holds data elsewhere is pointed at") {
  base::TempDir folder;
  const cli::Surroundings around{.environment = as_environment({{"HOME", (folder.path() / "u").string()}}),
                                 .root = false,
                                 .root_home = folder.path() / "var",
                                 .root_config = folder.path() / "etc"};
  const workflow::Home used{folder.path() / "mine", folder.path() / "mine"};
  CHECK(cli::other_homes_with_data(used, around).empty());
  base::make_directories(folder.path() / "var" / "keys");
  CHECK(cli::other_homes_with_data(used, around) == std::vector{folder.path() / "var"});
}

TEST_CASE("addresses to listen on") {
  CHECK(cli::parse_listen_address("127.0.0.1:8480").is_loopback());
  CHECK(cli::parse_listen_address("0.0.0.0:0").is_any());
  CHECK(cli::parse_listen_address("[::1]:443").host == "::1");
  CHECK(cli::parse_listen_address("8480").host == "127.0.0.1");
  CHECK(cli::parse_listen_address("localhost:1").host == "127.0.0.1");
  CHECK(cli::parse_listen_address("[::]:0").reachable_as(5) == "[::1]:5");
  for (const auto* bad : {"", "x", "1.2.3.4", "1.2.3.4:", "1.2.3.4:99999", "::1:80", "host.example:80", "1.2.3.4:-1"}) {
    INFO(bad);
    CHECK(code_of([&] { return cli::parse_listen_address(bad); }) == ErrorCode::usage);
  }
}
