// What a person sees who looks at a home: one that makes bundles, one that is not there, one that takes them in.
#include <unistd.h>

#include "cli_fixture.hpp"
#include "day.hpp"
#include "support/environment.hpp"

using namespace airlock;
using namespace airlock::test;

TEST_CASE("status of a home that makes bundles shows keys, bundles and who must act") {
  const CommandLine line;
  REQUIRE(line.run({"keys", "init", "--no-passphrase", "--threshold", "2", "--name", "Build host"}).exit_code == 0);
  std::filesystem::rename(line.home() / "keys" / "snapshot-2.pem", line.folder() / "second.pem");
  auto text = line.run({"status"});
  CHECK(text.exit_code == 0);
  CHECK(text.out.find("keys     Build host, root version 1, valid until ") != std::string::npos);
  CHECK(text.out.find("next: airlock bundle create") != std::string::npos);
  CHECK(text.out.find("trust init") == std::string::npos);

  base::write_file_atomic(line.folder() / "guide.txt", "guide");
  base::write_file_atomic(line.folder() / "site-a.yaml",
                          "name: site-a\nfiles:\n  - { source: guide.txt, path: docs/guide.txt }\n");
  const auto made = line.run({"bundle", "create", "-m", (line.folder() / "site-a.yaml").string(), "-o",
                              (line.folder() / "out").string() + "/", "--json"});
  INFO(made.err);
  REQUIRE(made.exit_code == 0);
  REQUIRE(made.json()["sealed"] == false);
  const auto json = line.run({"status", "--json"}).json();
  CHECK(json["ok"] == true);
  CHECK(json["keys"]["root_version"] == 1);
  CHECK(json["keys"]["days"].get<int>() > 1000);
  CHECK(json["keys"]["roles"]["snapshot"] == base::Json{{"threshold", 2}, {"keys", 2}, {"here", 1}});
  CHECK(json["pending_root"].is_null());
  REQUIRE(json["made"].size() == 1);
  CHECK(json["made"][0]["sealed"] == 0);
  REQUIRE(json["made"][0]["drafts"].size() == 1);
  CHECK(json["made"][0]["drafts"][0]["approvals"] == 1);
  CHECK(json["made"][0]["drafts"][0]["threshold"] == 2);
  CHECK(json["made"][0]["drafts"][0]["bundle"] == made.json()["bundle"]);
  REQUIRE(json["findings"].size() == 1);
  CHECK(json["findings"][0]["code"] == "approval-missing");
  text = line.run({"status"});
  CHECK(text.out.find("note   bundle 'site-a' 1: it is a draft: 1 of 2 people") != std::string::npos);
}

TEST_CASE("a home that is named and not there is an error for whoever only looks") {
  const CommandLine line;
  for (const auto& command : {std::vector<std::string>{"status"},
                              {"audit"},
                              {"audit", "list"},
                              {"audit", "verify"},
                              {"store", "list"},
                              {"store", "check"},
                              {"store", "who", "left-pad"},
                              {"trust", "show"},
                              {"trust", "policy"},
                              {"wants"}}) {
    CAPTURE(command);
    auto arguments = command;
    arguments.emplace_back("--json");
    const auto result = line.run(arguments);
    CHECK(result.exit_code == 1);
    CHECK(result.json()["error"]["code"] == "not-found");
    CHECK(result.json()["error"]["message"] == "there is no home in " + line.home().string());
    CHECK_FALSE(result.json()["error"]["hint"].get<std::string>().empty());
    CHECK_FALSE(std::filesystem::exists(line.home()));
  }
  SECTION("so it is where the environment names it") {
    const ScopedEnvironment variable("AIRLOCK_HOME", line.home().string());
    CHECK(line.run_bare({"status"}).exit_code == 1);
  }
  SECTION("an empty one says what to do first") {
    base::make_directories(line.home());
    const auto result = line.run({"status"});
    CHECK(result.exit_code == 0);
    CHECK(result.out.find("next: airlock init on a connected host, airlock trust init root.json") != std::string::npos);
    CHECK(line.run({"trust", "show"}).exit_code == 0);
    CHECK(line.run({"store", "list"}).err.find("nothing was imported") != std::string::npos);
  }
  SECTION("roots that are pinned in a configuration folder make one") {
    const auto settings = line.folder() / "etc";
    base::make_directories(settings / "roots");
    CHECK(line.run({"status", "--config", settings.string()}).exit_code == 0);
    CHECK(line.run({"trust", "show", "--config", settings.string()}).exit_code == 0);
  }
  SECTION("a home that nobody named may be made yet") {
    const ScopedEnvironment home("HOME", line.folder().string());
    const ScopedEnvironment data("XDG_DATA_HOME", (line.folder() / "data").string());
    const ScopedEnvironment none("AIRLOCK_HOME", "");
    if (::geteuid() != 0) {  // root's is the host's own
      CHECK(line.run_bare({"status"}).exit_code == 0);
    }
  }
}

TEST_CASE("where another home holds data, a missing one points to it") {
  const CommandLine line;
  const auto other = line.folder() / "other";
  REQUIRE(line.run_bare({"--home", other.string(), "keys", "init", "--no-passphrase"}).exit_code == 0);
  const ScopedEnvironment variable("AIRLOCK_HOME", other.string());
  const auto result = line.run({"status"});
  CHECK(result.exit_code == 1);
  CHECK(result.err.find("hint: " + other.string() + " holds data: --home " + other.string()) != std::string::npos);
}

TEST_CASE("trust show names the keys in force, and which root was pinned") {
  Day day;
  REQUIRE(day.pin().exit_code == 0);
  REQUIRE(day.line.run({"import", day.first.head.string()}).exit_code == 0);
  auto shown = day.line.run({"trust", "show", "--json"}).json()["roots"][0];
  const auto pinned = shown["fingerprint"];
  CHECK(shown["version"] == 1);
  CHECK(shown["pinned_version"] == 1);
  CHECK(shown["fingerprint_in_force"] == pinned);
  const auto before = shown["roles"]["targets"]["keys"][0]["keyid"].get<std::string>();

  day.keys.rotate("targets");
  const auto now = base::SystemClock().now();
  const auto third =
      make_bundle(day.stick, sample_files(), day.keys,
                  {.serial = 3, .created = now - std::chrono::minutes(30), .previous = day.second.contents});
  const auto taken = day.line.run({"import", third.head.string()});
  INFO(taken.err);
  REQUIRE(taken.exit_code == 0);
  shown = day.line.run({"trust", "show", "--json"}).json()["roots"][0];
  CHECK(shown["version"] == 2);
  CHECK(shown["pinned_version"] == 1);
  CHECK(shown["fingerprint"] == pinned);
  CHECK(shown["fingerprint_in_force"] == trust::check_pinnable(day.keys.newest_root(), {}).fingerprint.hex());
  const auto after = shown["roles"]["targets"]["keys"][0]["keyid"].get<std::string>();
  CHECK(after != before);
  const auto text = day.line.run({"trust", "show"}).out;
  CHECK(text.find("pinned: version 1, fingerprint ") != std::string::npos);
  CHECK(text.find("in force: version 2, fingerprint ") != std::string::npos);
  CHECK(text.find("targets    1 of 1: " + after.substr(0, 12)) != std::string::npos);
  CHECK(text.find(before.substr(0, 12)) == std::string::npos);
}

TEST_CASE("what was withheld is listed with its reason until it is released") {
  Day day;
  REQUIRE(day.pin().exit_code == 0);
  const auto digest = base::sha256("more\n").to_string();
  REQUIRE(day.line.run({"import", day.first.head.string()}).exit_code == 0);
  CHECK(day.line.run({"store", "list", "--withheld"}).out == "nothing is withheld here\n");
  CHECK(day.line.run({"store", "list"}).out.find("--withheld") == std::string::npos);
  const auto taken = day.line.run(
      {"import", day.second.head.string(), "--withhold", digest, "--reason", "no licence", "--ticket", "LAW-3"});
  INFO(taken.err);
  REQUIRE(taken.exit_code == 0);

  const auto generations = day.line.run({"store", "list", "--json"}).json()["generations"];
  REQUIRE(generations.size() == 2);
  CHECK(generations[0]["withheld"] == 1);
  CHECK(generations[1]["withheld"] == 0);
  CHECK(day.line.run({"store", "list"}).out.find("`airlock store list --withheld`") != std::string::npos);
  const auto list = day.line.run({"store", "list", "--withheld", "--json"}).json()["withheld"];
  REQUIRE(list.size() == 1);
  CHECK(list[0]["digest"] == digest);
  CHECK(list[0]["channel"] == "site-a");
  CHECK(list[0]["path"] == "docs/more.txt");
  CHECK(list[0]["reason"] == "no licence");
  CHECK(list[0]["ticket"] == "LAW-3");
  CHECK_FALSE(list[0]["since"].is_null());
  CHECK_FALSE(list[0]["user"].get<std::string>().empty());
  CHECK(day.line.run({"store", "list", "--withheld"}).out.find("reason: no licence") != std::string::npos);

  REQUIRE(day.line.run({"import", day.second.head.string(), "--release", digest, "--reason", "bought"}).exit_code == 0);
  CHECK(day.line.run({"store", "list", "--withheld", "--json"}).json()["withheld"].empty());
}
