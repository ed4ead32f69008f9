// The isolated host on days that go otherwise than planned, as commands.
#include "day.hpp"

using namespace airlock;
using namespace airlock::test;

namespace {

std::vector<std::string> init_with(const Day& day, const std::vector<std::string>& floors) {
  std::vector<std::string> command = {"trust", "init", day.root.string(), "--fingerprint", day.fingerprint(), "--json"};
  for (const auto& floor : floors) {
    command.insert(command.end(), {"--floor", floor});
  }
  return command;
}

}  // namespace

TEST_CASE("floors that are refused leave no root pinned") {
  const Day day;
  const auto refused = day.line.run(init_with(day, {"site-a:7", "site-a:8,created=2999-01-01T00:00:00Z"}));
  CHECK(refused.exit_code == 2);
  CHECK_FALSE(std::filesystem::exists(day.line.home() / "roots"));

  const auto corrected = day.line.run(init_with(day, {"site-a:7"}));
  INFO(corrected.err);
  REQUIRE(corrected.exit_code == 0);
  CHECK(corrected.json()["floors"][0]["serial"] == 7);
  CHECK(day.line.run({"trust", "show", "--json"}).json()["roots"].size() == 1);
  CHECK(day.line.run({"import", day.second.head.string()}).exit_code == 5);
}

TEST_CASE("floors for a root that is pinned already are raised by the same command") {
  const Day day;
  REQUIRE(day.pin().exit_code == 0);
  const auto again = day.line.run(init_with(day, {"site-a:2"}));
  INFO(again.err);
  REQUIRE(again.exit_code == 0);
  CHECK(again.json()["pinned_before"] == true);
  CHECK(again.json()["floors"][0]["serial"] == 2);
  CHECK(day.line.run({"import", day.first.head.string()}).exit_code == 5);
  CHECK(day.line.run({"import", day.second.head.string()}).exit_code == 0);
  CHECK(day.pin().exit_code == 2);  // without floors there is nothing to do
}

TEST_CASE("a floor tells what it changed, and falls only with a reason that is kept") {
  const Day day;
  REQUIRE(day.pin().exit_code == 0);
  REQUIRE(day.line.run({"import", day.first.head.string()}).exit_code == 0);
  CHECK(day.line.run({"trust", "floor", "--floor", "site-a:1,root=99999999,snapshot=99999999"}).exit_code == 2);
  const auto raised = day.line.run({"trust", "floor", "--floor", "site-a:12,root=1,snapshot=12"});
  CHECK(raised.exit_code == 0);
  CHECK(raised.out.find("serial           0 -> 12") != std::string::npos);
  CHECK(day.line.run({"import", day.second.head.string()}).exit_code == 5);

  CHECK(day.line.run({"trust", "floor", "--lower", "site-a:2"}).exit_code == 2);  // no reason
  CHECK(day.line.run({"trust", "floor", "--lower", "site-a:2", "--floor", "site-a:3", "--reason", "x"}).exit_code == 2);
  const auto lowered = day.line.run({"trust", "floor", "--lower", "site-a:2,snapshot=2", "--reason", "a digit too many",
                                     "--ticket", "OPS-7", "--json"});
  INFO(lowered.err);
  REQUIRE(lowered.exit_code == 0);
  CHECK(lowered.json()["floors"][0]["serial"] == 2);
  CHECK(lowered.json()["floors"][0]["before"]["serial"] == 12);

  const auto shown = day.line.run({"trust", "show", "--json"}).json()["roots"][0]["channels"][0];
  CHECK(shown["floors"]["serial"] == 2);
  CHECK(shown["floor_lowered"]["reason"] == "a digit too many");
  CHECK(day.line.run({"trust", "show"}).out.find("was lowered at") != std::string::npos);
  const auto log = day.line.run({"audit", "--json"}).out;
  CHECK(log.find("lower-floor") != std::string::npos);
  CHECK(log.find("OPS-7") != std::string::npos);
  CHECK(day.line.run({"import", day.second.head.string()}).exit_code == 0);
}

TEST_CASE("a floor names the producer where two have a channel of that name") {
  const Day day;
  REQUIRE(day.pin().exit_code == 0);
  const auto only = day.line.run({"trust", "floor", "--floor", "site-a:1"});
  INFO(only.err);
  REQUIRE(only.exit_code == 0);
  CHECK(only.out.starts_with("channel 'site-a': nothing older than serial 1 comes in\n"));

  const ProducerKeys others;
  const auto other_root = day.line.folder() / "other.json";
  base::write_file_atomic(other_root, others.first_root());
  const auto producer = trust::check_pinnable(others.first_root(), {}).fingerprint.hex();
  const auto line_of = [](const std::string& digits, int serial) {
    return "channel 'site-a' (producer " + digits.substr(0, 12) + "): nothing older than serial " +
           std::to_string(serial) + " comes in";
  };
  const auto pinned =
      day.line.run({"trust", "init", other_root.string(), "--fingerprint", producer, "--floor", "site-a:5"});
  INFO(pinned.err);
  REQUIRE(pinned.exit_code == 0);
  CHECK(pinned.out.find(line_of(producer, 5)) != std::string::npos);

  CHECK(day.line.run({"trust", "floor", "--floor", "site-a:2"}).exit_code == 2);  // whose?
  const auto own = "site-a:2,producer=" + day.fingerprint().substr(0, 12);
  CHECK(day.line.run({"trust", "floor", "--floor", own}).out.starts_with(line_of(day.fingerprint(), 2) + "\n"));
  const auto lower = "site-a:4,producer=" + producer.substr(0, 12);
  const auto lowered = day.line.run({"trust", "floor", "--lower", lower, "--reason", "a digit too many"});
  INFO(lowered.err);
  REQUIRE(lowered.exit_code == 0);
  CHECK(lowered.out.starts_with(line_of(producer, 4) + "\n"));
  const auto json = day.line.run({"trust", "floor", "--floor", own, "--json"}).json();
  CHECK(json["floors"][0]["producer"] == day.fingerprint());
}

TEST_CASE("a watched folder takes no decision that is meant for one bundle") {
  const Day day;
  REQUIRE(day.pin().exit_code == 0);
  const auto digest = base::sha256("anything").to_string();
  const auto watch = [&day](const std::vector<std::string>& flags, const std::string& folder) {
    std::vector<std::string> arguments = {"import", "--watch", folder, "--json"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return day.line.run(arguments);
  };
  for (const auto& flags :
       {std::vector<std::string>{"--accept-expired"}, {"--withhold", digest}, {"--release", digest}}) {
    CAPTURE(flags.front());
    auto more = flags;
    more.insert(more.end(), {"--reason", "because"});
    const auto result = watch(more, day.stick.string());
    CHECK(result.exit_code == 2);
    CHECK(result.json()["error"]["code"] == "usage");
  }
  CHECK(watch({}, day.first.head.string()).exit_code == 2);  // a file
  CHECK(watch({day.first.head.string()}, day.stick.string()).exit_code == 2);
  CHECK(watch({"--push", "nothing-of-the-sort"}, day.stick.string()).exit_code != 0);  // read before anything else
  CHECK(day.line.run({"store", "list", "--json"}).json()["generations"].empty());
}

TEST_CASE("one blob cannot be withheld and released by the same import") {
  const Day day;
  REQUIRE(day.pin().exit_code == 0);
  const auto digest = base::sha256("anything").to_string();
  const auto result =
      day.line.run({"import", day.first.head.string(), "--withhold", digest, "--release", digest, "--reason", "both"});
  CHECK(result.exit_code == 2);
  CHECK(result.err.find("--withhold and --release both name") != std::string::npos);
}

TEST_CASE("what else was refused stands before the error") {
  const Day day;
  REQUIRE(day.pin().exit_code == 0);
  const ProducerKeys stranger;
  make_bundle(day.stick, {text_file("x.txt", "x")}, stranger, {.channel = "stranger"});
  make_bundle(day.stick, {text_file("y.txt", "y")}, stranger, {.channel = "stranger-too"});
  const auto result = day.line.run({"import", day.stick.string()});
  CHECK(result.exit_code == 3);
  CHECK(result.out.find("refused (untrusted): ") != std::string::npos);
  CHECK(result.out.find("bundle 'site-a' 2 was taken in") != std::string::npos);
  CHECK(result.err.find("import of bundle 'stranger' 1") != std::string::npos);
}

TEST_CASE("what was taken in before a refusal is told beside the error") {
  const Day day;
  REQUIRE(day.pin().exit_code == 0);
  auto bytes = base::read_file(day.second.head, 64u << 20);
  const auto place = bytes.find("more\n");
  REQUIRE(place != std::string::npos);
  bytes[place] = 'M';
  base::write_file_atomic(day.second.head, bytes);
  SECTION("to a script") {
    const auto result = day.line.run({"import", day.stick.string(), "--json"});
    CHECK(result.exit_code == 3);
    const auto json = result.json();
    CHECK(json["error"]["code"] == "tampered");
    REQUIRE(json["bundles"].size() == 1);
    CHECK(json["bundles"][0]["serial"] == 1);
    CHECK(std::filesystem::exists(json["receipt"].get<std::string>()));
  }
  SECTION("to a person") {
    const auto result = day.line.run({"import", day.stick.string()});
    CHECK(result.exit_code == 3);
    CHECK(result.out.find("bundle 'site-a' 1 was taken in as generation 1") != std::string::npos);
    CHECK(result.err.find("error:") != std::string::npos);
  }
}

TEST_CASE("a channel out of service is told as such by every command that names it") {
  const Day day;
  REQUIRE(day.pin().exit_code == 0);
  REQUIRE(day.line.run({"import", day.first.head.string()}).exit_code == 0);
  CHECK(day.line.run({"store", "deactivate", "site-a"}).exit_code == 2);  // no reason
  const auto off =
      day.line.run({"store", "deactivate", "site-a", "--reason", "moved to site-b", "--ticket", "CHG-31", "--json"});
  INFO(off.err);
  REQUIRE(off.exit_code == 0);
  CHECK(off.json()["channel"] == "site-a");
  CHECK(off.json()["reason"] == "moved to site-b");
  CHECK(off.json()["before"] == 1);
  CHECK(off.json()["was_out"] == false);

  CHECK(day.line.run({"store", "list", "--json"}).json()["generations"][0]["out_of_service"] == true);
  CHECK(day.line.run({"store", "list"}).out.find("out of service") != std::string::npos);
  const auto status = day.line.run({"status", "--json"});
  CHECK(status.exit_code == 0);
  CHECK(status.json()["channels"][0]["out_of_service"]["ticket"] == "CHG-31");
  CHECK(day.line.run({"status"}).out.find("moved to site-b") != std::string::npos);

  const auto taken = day.line.run({"import", day.second.head.string(), "--json"});
  REQUIRE(taken.exit_code == 0);
  CHECK(taken.json()["bundles"][0]["active"] == false);
  CHECK(taken.json()["bundles"][0]["out_of_service"]["reason"] == "moved to site-b");
  CHECK(taken.err.find("is out of service here") != std::string::npos);
  const auto back = day.line.run({"store", "activate", "2"});
  CHECK(back.exit_code == 0);
  CHECK(back.out.find("in service again") != std::string::npos);
  CHECK(day.line.run({"status", "--json"}).json()["channels"][0].contains("out_of_service") == false);
}

TEST_CASE("a fingerprint that is none restores no keys") {
  const Day day;
  for (const auto* const typed : {"", "zz", "3f9a", "sixty-four digits"}) {
    CAPTURE(typed);
    const auto result = day.line.run({"keys", "restore", day.first.head.string(), "--fingerprint", typed});
    CHECK(result.exit_code == 2);
    CHECK_FALSE(std::filesystem::exists(day.line.home() / "keys"));
  }
  CHECK(day.line.run({"keys", "restore", day.first.head.string(), "--fingerprint", std::string(64, 'a')}).exit_code ==
        3);
  const auto result = day.line.run({"keys", "restore", day.first.head.string(), "--fingerprint", day.fingerprint()});
  INFO(result.err);
  CHECK(result.exit_code == 0);
}

TEST_CASE("an answer in a file replaces one of its kind and nothing else") {
  const Day day;
  REQUIRE(day.pin().exit_code == 0);
  REQUIRE(day.line.run({"import", day.first.head.string()}).exit_code == 0);
  const std::vector<std::vector<std::string>> commands = {
      {"store", "receipt", "-o"}, {"audit", "--export"}, {"wants", "-o"}};
  for (std::size_t i = 0; i < commands.size(); ++i) {
    CAPTURE(commands[i]);
    const auto run_with = [&](const std::filesystem::path& file) {
      auto command = commands[i];
      command.push_back(file.string());
      return day.line.run(command);
    };
    const auto bundle = base::read_file(day.second.head, 64u << 20);
    const auto refused = run_with(day.second.head);
    CHECK(refused.exit_code == 2);
    CHECK(refused.err.find("is not overwritten") != std::string::npos);
    CHECK(base::read_file(day.second.head, 64u << 20) == bundle);
    CHECK(run_with(day.root).exit_code == 2);
    CHECK(run_with(day.stick).exit_code == 2);

    const auto file = day.line.folder() / ("answer-" + std::to_string(i));
    base::write_file_atomic(file, "");
    CHECK(run_with(file).exit_code == 0);
    CHECK(run_with(file).exit_code == 0);
    CHECK(std::filesystem::file_size(file) > 0);
    // The other commands' answers are not of its kind.
    for (std::size_t other = 0; other < i; ++other) {
      CHECK(run_with(day.line.folder() / ("answer-" + std::to_string(other))).exit_code == 2);
    }
  }
}

TEST_CASE("a block without a version says that it holds for all of them") {
  const Day day;
  REQUIRE(day.pin().exit_code == 0);
  REQUIRE(day.line.run({"import", day.first.head.string()}).exit_code == 0);
  const auto all = day.line.run({"block", "tool:opentofu", "--reason", "r"});
  CAPTURE(all.out);
  CHECK(all.exit_code == 0);
  CHECK(all.out.find("tool:opentofu is blocked: 2 files\n") != std::string::npos);
  CHECK(all.out.find("tool:opentofu names no version, so this holds for all of them, also those that are imported "
                     "later\n") != std::string::npos);
  CHECK(day.line.run({"unblock", "tool:opentofu", "--json"}).json()["all_versions"] == true);
  const auto one = day.line.run({"block", "tool:opentofu@1.12.6", "--reason", "r"});
  CHECK(one.out.find("names no version") == std::string::npos);
  CHECK(day.line.run({"unblock", "tool:opentofu@1.12.6", "--json"}).json()["all_versions"] == false);
}

TEST_CASE("who fetched what is told with the time up to which it is known") {
  const Day day;
  REQUIRE(day.pin().exit_code == 0);
  REQUIRE(day.line.run({"import", day.first.head.string()}).exit_code == 0);
  const auto who = day.line.run({"store", "who", "docs/guide.txt"});
  CAPTURE(who.out);
  CHECK(who.exit_code == 0);
  CHECK(who.out.find("nobody fetched it, as far as this server remembers\nas of 20") != std::string::npos);
  CHECK(who.out.find("may not be written down yet\n") != std::string::npos);
  CHECK(day.line.run({"store", "who", "docs/guide.txt", "--json"}).json().contains("as_of"));
}

TEST_CASE("a revocation is overridden only by its own flag, with a reason") {
  const Day day;
  REQUIRE(day.pin().exit_code == 0);
  REQUIRE(day.line.run({"import", day.first.head.string()}).exit_code == 0);
  CHECK(day.line.run({"unblock", "pkg:npm/x", "--channel", "site-a"}).exit_code == 2);
  CHECK(day.line.run({"unblock", "pkg:npm/x", "--revoked"}).exit_code == 2);
  CHECK(day.line.run({"unblock", "pkg:npm/x", "--revoked", "--reason", "r"}).exit_code == 1);
  const auto list = day.line.run({"block", "--list", "--json"});
  CHECK(list.exit_code == 0);
  CHECK(list.json()["in_force"] == true);
}

TEST_CASE("a restore tells the digest, and a script has to say yes to commands that are new") {
  const Day day;
  REQUIRE(day.pin().exit_code == 0);
  REQUIRE(day.line.run({"import", day.first.head.string()}).exit_code == 0);
  const base::TempDir folder;
  const auto restore = [&](const std::vector<std::string>& more) {
    std::vector<std::string> command = {"restore", (folder.path() / "b.tar").string(), "--replace", "--json"};
    command.insert(command.end(), more.begin(), more.end());
    return day.line.run(command);
  };
  base::write_file_atomic(day.line.home() / "policy.yaml", "scan: { command: [scanner], at: [create], version: x }\n");
  const auto backup = day.line.run({"backup", (folder.path() / "b.tar").string(), "--json"});
  REQUIRE(backup.exit_code == 0);
  const auto sha256 = backup.json()["sha256"].get<std::string>();
  CHECK(restore({"--sha256", std::string(64, '0')}).exit_code == 3);

  const auto known = restore({});
  INFO(known.err);
  REQUIRE(known.exit_code == 0);
  CHECK(known.json()["sha256"] == sha256);
  REQUIRE(known.json()["commands"].size() == 1);
  CHECK(known.json()["commands"][0]["in_force"] == true);
  CHECK(known.err.find("policy.yaml, scan.command: scanner") != std::string::npos);

  const auto forget = [&] { std::filesystem::remove(day.line.home() / "policy.yaml"); };
  forget();
  CHECK(restore({}).exit_code == 2);
  CHECK(restore({"--yes"}).exit_code == 0);
  forget();
  CHECK(restore({"--sha256", sha256}).exit_code == 0);
}

TEST_CASE("what a store lost is salvaged from bundles of any age, and what is missing still is an exit code") {
  const Day day;
  REQUIRE(day.pin().exit_code == 0);
  REQUIRE(day.line.run({"import", day.first.head.string()}).exit_code == 0);
  REQUIRE(day.line.run({"import", day.second.head.string()}).exit_code == 0);
  const auto digest = base::sha256("more\n");
  REQUIRE(std::filesystem::remove(day.line.home() / "blobs" / "sha256" / digest.hex().substr(0, 2) / digest.hex()));
  CHECK(day.line.run({"store", "check"}).out.find("airlock bundle import --salvage BUNDLE") != std::string::npos);

  const auto old = day.line.run({"bundle", "import", "--salvage", day.first.head.string(), "--json"});
  INFO(old.err);
  CHECK(old.exit_code == 4);
  CHECK(old.json()["ok"] == false);
  CHECK(old.json()["missing"] == 1);
  CHECK(old.json()["findings"][0]["subject"] == digest.to_string());
  CHECK(old.json()["findings"][0]["code"] == "base-missing");
  const auto missing = day.line.run({"import", day.first.head.string(), "--salvage"});
  CHECK(missing.exit_code == 4);
  CHECK(missing.out.find("FAIL  " + digest.to_string() +
                         ": file 'docs/more.txt' of channel 'site-a' (bundle 2) is "
                         "still missing or damaged\nmissing or damaged: 1 blob; here again: 0 (0 B)\n") !=
        std::string::npos);

  const auto found = day.line.run({"import", "--salvage", day.stick.string(), "--ticket", "OPS-3"});
  CHECK(found.exit_code == 0);
  CHECK(found.out == "missing or damaged: 1 blob; here again: 1 (5 B)\n");
  CHECK(day.line.run({"import", "--salvage", day.stick.string()}).out.find("nothing to do") != std::string::npos);
  CHECK(day.line.run({"audit", "--json"}).out.find("OPS-3") != std::string::npos);
}

TEST_CASE("a salvage is no import, and takes none of its decisions") {
  const Day day;
  REQUIRE(day.pin().exit_code == 0);
  CHECK(day.line.run({"import", "--salvage"}).exit_code == 2);
  for (const auto& flags : {std::vector<std::string>{"--hold"},
                            {"--accept-expired"},
                            {"--rescan"},
                            {"--watch", day.stick.string()},
                            {"--push", "oci=registry.site.example"},
                            {"--withhold", base::sha256("x").to_string()},
                            {"--release", base::sha256("x").to_string()}}) {
    CAPTURE(flags.front());
    std::vector<std::string> arguments = {"import", day.first.head.string(), "--salvage"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    CHECK(day.line.run(arguments).exit_code == 2);
  }
}
