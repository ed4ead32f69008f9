// What a person sees who looks at a home: one that makes bundles, one that is not there, one that takes them in.
#include "cli_fixture.hpp"
#include "day.hpp"

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
