// The isolated host's day, as commands.
#include <cctype>
#include <cstdio>

#include "cli/run.hpp"
#include "cli_fixture.hpp"
#include "day.hpp"
#include "store/blob_store.hpp"
#include "store/state_db.hpp"
#include "workflow/pinned_roots.hpp"

using namespace airlock;
using namespace airlock::test;

TEST_CASE("trust init pins what the paper says, and nothing else") {
  Day day;
  auto result = day.line.run({"trust", "init", day.root.string(), "--fingerprint", std::string(64, 'a')});
  CHECK(result.exit_code == 3);
  CHECK(result.err.find("does not match") != std::string::npos);
  CHECK(day.line.run({"trust", "init", day.root.string(), "--fingerprint", "abcd"}).exit_code == 2);
  result = day.line.run({"trust", "init", day.root.string()});
  CHECK(result.exit_code == 2);  // nobody to ask
  CHECK(result.err.find("--fingerprint") != std::string::npos);
  result = day.pin();
  CHECK(result.exit_code == 0);
  CHECK(result.json()["fingerprint"] == day.fingerprint());
  CHECK(day.pin().exit_code == 2);  // never replaced
  const auto shown = day.line.run({"trust", "show", "--json"}).json();
  CHECK(shown["roots"].size() == 1);
  CHECK(shown["roots"][0]["roles"]["snapshot"]["threshold"] == 1);
}

TEST_CASE("fingerprints are typed as people do") {
  Day day;
  std::string typed;
  const auto hex = day.fingerprint();
  for (std::size_t i = 0; i < hex.size(); i += 4) {
    typed += (i == 0 ? "" : " ") + hex.substr(i, 4);
  }
  for (auto& c : typed) {
    c = static_cast<char>(std::toupper(c));
  }
  CHECK(day.line.run({"trust", "init", day.root.string(), "--fingerprint", typed}).exit_code == 0);
}

TEST_CASE("verify, import, look, roll back, sweep, carry back") {
  Day day;
  const auto& line = day.line;
  CHECK(line.run({"import", day.first.head.string()}).exit_code == 3);  // no root
  REQUIRE(day.pin().exit_code == 0);

  auto json = line.run({"verify", day.first.head.string(), "--json"}).json();
  CHECK(json["ok"] == true);
  CHECK(json["findings"].empty());

  auto result = line.run({"import", day.first.head.string(), "--json", "--ticket", "CHG-1"});
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  json = result.json();
  CHECK(json["generation"] == 1);
  CHECK(json["artifacts"].get<int>() > 0);
  CHECK(json["blobs_new"].get<int>() > 0);
  CHECK(json["blobs_present"] == 0);
  CHECK(json["bytes_written"].get<int>() > 0);
  CHECK(std::filesystem::exists(json["receipt"].get<std::string>()));

  result = line.run({"import", day.stick.string()});
  CHECK(result.exit_code == 0);
  CHECK(result.out.find("next: airlock serve") != std::string::npos);
  CHECK(result.out.find("+ pkg:generic/docs/more.txt") != std::string::npos);
  CHECK(line.run({"import", day.second.head.string()}).exit_code == 0);
  CHECK(line.run({"import", day.first.head.string()}).exit_code == 5);

  CHECK(line.run({"store", "list", "--json"}).json()["generations"].size() == 2);
  CHECK(line.run({"store", "diff", "1", "2", "--json"}).json()["files_added"] == 1);
  CHECK(line.run({"store", "rollback", "--json"}).json()["generation"] == 1);
  CHECK(line.run({"store", "activate", "2"}).exit_code == 0);
  CHECK(line.run({"store", "check", "--json"}).json()["ok"] == true);
  CHECK(line.run({"store", "sweep", "--keep", "1", "--json"}).json()["generations"].size() == 1);
  CHECK(line.run({"store", "receipt", "-o", (line.folder() / "r.json").string()}).exit_code == 0);
  CHECK(line.run({"status", "--json"}).json()["ok"] == true);
  CHECK(line.run({"audit", "verify", "--json"}).json()["ok"] == true);
  CHECK(line.run({"audit", "--json"}).json()["entries"].size() >= 5);
  CHECK(line.run({"audit", "list"}).out.find("CHG-1") != std::string::npos);
  CHECK(line.run({"wants", "--json"}).json()["wants"].empty());
}

TEST_CASE("store check names generations that nothing proves, and does not fail for them") {
  Day day;
  const auto& line = day.line;
  REQUIRE(day.pin().exit_code == 0);
  REQUIRE(line.run({"import", day.first.head.string()}).exit_code == 0);
  auto result = line.run({"store", "check"});
  CHECK(result.out.find("unproven") == std::string::npos);
  CHECK(line.run({"store", "check", "--json"}).json()["unproven"].empty());
  {
    store::StateDb state(line.home(), store::StateDb::Access::change);
    auto change = state.change();
    state.set_unproven(1, true);
    change.commit();
  }
  result = line.run({"store", "check"});
  CHECK(result.exit_code == 0);
  CHECK(result.out.find("note  generation 1 (bundle 1 of channel 'site-a') came out of a backup and is unproven, so it "
                        "is not served: its signed head is here") != std::string::npos);
  CHECK(result.out.find(" 0 bad, 0 lacking, 1 generation unproven\n") != std::string::npos);
  const auto json = line.run({"store", "check", "--json"}).json();
  CHECK(json["ok"] == true);
  CHECK(json["findings"].empty());
  REQUIRE(json["unproven"].size() == 1);
  CHECK(json["unproven"][0]["generation"] == 1);
  CHECK(json["unproven"][0]["channel"] == "site-a");
  CHECK(json["unproven"][0]["advice"].get<std::string>().find("`airlock store activate 1`") != std::string::npos);
}

TEST_CASE("inspect, diff, extract and explain need no trust") {
  Day day;
  const auto& line = day.line;
  auto result = line.run({"bundle", "inspect", day.second.head.string(), "--against", day.first.head.string()});
  CHECK(result.exit_code == 0);
  CHECK(result.out.find("site-a") != std::string::npos);
  const auto page = line.folder() / "page.html";
  CHECK(line.run({"bundle", "inspect", day.second.head.string(), "--html", page.string()}).exit_code == 0);
  CHECK(std::filesystem::file_size(page) > 500);
  CHECK(line.run({"bundle", "diff", day.first.head.string(), day.second.head.string(), "--json"}).exit_code == 0);
  result = line.run(
      {"bundle", "extract", day.second.head.string(), "docs/more.txt", "-o", (line.folder() / "more").string()});
  CHECK(result.exit_code == 0);
  CHECK(result.err.find("signatures were not checked") != std::string::npos);
  CHECK(base::read_file(line.folder() / "more", 100) == "more\n");
  const auto uses =
      line.run({"bundle", "explain", day.second.head.string(), base::sha256("more\n").to_string(), "--json"});
  CHECK(uses.json()["uses"][0]["path"] == "docs/more.txt");
  CHECK(line.run({"bundle", "explain", day.second.head.string(), base::sha256("?").to_string()}).exit_code == 1);
  CHECK(line.run({"bundle", "inspect", day.stick.string()}).exit_code == 2);  // two bundles
}

TEST_CASE("client settings come as text, as JSON and as files") {
  const CommandLine line;
  const auto result = line.run({"client", "show", "--url", "http://mirror.site.example:8480"});
  CHECK(result.exit_code == 0);
  CHECK(result.out.find("mirror.site.example") != std::string::npos);
  const auto folder = line.folder() / "client";
  CHECK(line.run({"client", "write", "--url", "http://mirror.site.example:8480", "--dir", folder.string()}).exit_code ==
        0);
  CHECK(std::filesystem::exists(folder / "env.sh"));
  CHECK(line.run({"client", "write", "--url", "http://mirror.site.example:8480", "--dir", folder.string()}).exit_code ==
        0);
  CHECK(line.run({"client", "write", "--url", "http://other.site.example", "--dir", folder.string()}).exit_code == 2);
  CHECK(line.run({"client", "show", "--ecosystem", "nothing"}).exit_code == 2);
}

TEST_CASE("a certificate is made once") {
  const CommandLine line;
  const auto made = line.run({"tls", "mirror.example", "10.0.0.5", "--json"});
  CHECK(made.exit_code == 0);
  const auto json = made.json();
  for (const char* file : {"certificate", "key", "ca"}) {
    CHECK(std::filesystem::is_regular_file(json[file].get<std::string>()));
  }
  CHECK(json["names"].size() == 2);
  CHECK(json["ca_sha256"].get<std::string>().size() == 64);
  const std::string key = base::read_file(json["key"].get<std::string>(), 1 << 16);
  CHECK((std::filesystem::status(json["key"].get<std::string>()).permissions() & std::filesystem::perms(077)) ==
        std::filesystem::perms::none);
  const auto again = line.run({"tls", "other.example"});
  CHECK(again.exit_code == 2);
  CHECK(again.err.find("there already") != std::string::npos);
  CHECK(base::read_file(json["key"].get<std::string>(), 1 << 16) == key);
  CHECK(line.run({"tls"}).exit_code == 2);
  CHECK(line.run({"tls", "bad_name!", "-o", (line.folder() / "x").string()}).exit_code == 2);
  CHECK(line.run({"tls", "a.example", "--days", "9999", "-o", (line.folder() / "x").string()}).exit_code == 2);
  CHECK_FALSE(std::filesystem::exists(line.folder() / "x"));
}

TEST_CASE("a full stdout is an error, and not silence") {
  std::FILE* full = std::fopen("/dev/full", "w");
  if (full == nullptr) {
    WARN("skipped: no /dev/full here");
    return;
  }
  std::FILE* err = std::tmpfile();
  CHECK(cli::run({"explain", "busy"}, {.out = full, .err = err}) == 4);
  std::fclose(full);
  std::fclose(err);
}
