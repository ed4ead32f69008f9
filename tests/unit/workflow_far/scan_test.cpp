// The site's scanner at import: real programs, each a few lines of shell.
#include "far_fixture.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/text.hpp"
#include "store/blob_store.hpp"
#include "store/scan_results.hpp"
#include "support/environment.hpp"
#include "workflow/policy.hpp"
#include "workflow/receipt.hpp"
#include "workflow/scanner.hpp"
#include "workflow/store_scan.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

namespace {

// Refuses what holds this word, whatever else it is.
constexpr std::string_view k_bad = "MALICIOUS";
constexpr std::string_view k_filter = "if grep -q MALICIOUS; then echo \"Test.Signature FOUND\"; exit 1; fi; exit 0";

struct ScanningSite : Site {
  explicit ScanningSite(const ProducerKeys* keys) : Site(keys) {}

  // A program of its own, which also notes each call.
  fs::path program(const std::string& script, const std::string& name = "scanner") const {
    const auto path = folder.path() / name;
    base::write_file_atomic(
        path, fmt::format("#!/bin/sh\necho call >> {0}/calls\n{1}\n", folder.path().string(), script), 0755);
    return path;
  }
  void set_policy(const std::string& scan) const {
    base::write_file_atomic(home.config / "policy.yaml", "scan: " + scan + "\n");
  }
  void scan_with(const std::string& script, const std::string& more = "") const {
    set_policy(fmt::format("{{ command: [{}]{} }}", program(script).string(), more));
  }
  std::size_t calls() const {
    const auto text = base::read_file_if_exists(folder.path() / "calls", 1 << 20).value_or("");
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }
  bool has_file(const std::string& content) const {
    return store::BlobStore(home.blobs()).open(base::sha256(content)).has_value();
  }
  base::Error refusal(const fs::path& head) {
    return error_of([&] { return import({head}); });
  }
};

const std::string k_bad_content = "this is " + std::string(k_bad) + " content\n";

std::vector<BundleFile> files_with_a_bad_one() {
  return {text_file("a.txt", "one\n"), text_file("bad.txt", k_bad_content), text_file("c.txt", "three\n")};
}

struct Scene {
  ProducerKeys keys;
  ScanningSite site{&keys};
  Medium medium;
  MadeBundle bundle = make_bundle(medium.path(), files_with_a_bad_one(), keys);
};

}  // namespace

TEST_CASE("what the scanner refuses stops the import, named with path and report, and leaves no trace of the file") {
  Scene scene;
  auto& site = scene.site;
  site.scan_with(std::string(k_filter));
  const auto error = site.refusal(scene.bundle.head);
  CHECK(error.code() == ErrorCode::scan_refused);
  CHECK(base::error_code_info(error.code()).exit_code == 3);
  for (const auto& word : {base::sha256(k_bad_content).to_string(), std::string("file:bad.txt"),
                           std::string("Test.Signature FOUND"), std::string("refuses 1 of ")}) {
    CAPTURE(word);
    CHECK(error.message().find(word.substr(0, 40)) != std::string::npos);
  }
  CHECK(error.hint().find("--withhold") != std::string::npos);
  CHECK(site.generations().empty());
  CHECK_FALSE(site.has_file(k_bad_content));
  CHECK(site.has_file("one\n"));
  const auto entry = site.state().audit_entries().back();
  CHECK(entry.action == "scan-refused");
  CHECK(entry.detail.find("Test.Signature") != std::string::npos);

  // The same command again: refused by memory, before anything is read, and nothing is scanned again.
  const auto calls = site.calls();
  CHECK(site.refusal(scene.bundle.head).code() == ErrorCode::scan_refused);
  CHECK(site.calls() == calls);

  auto options = site.options({scene.bundle.head});
  options.withhold = {base::sha256(k_bad_content)};
  options.reason = "the scanner refuses it";
  const auto report = workflow::import_bundles(options, site.clock, site.reporter);
  CHECK(report.bundles.front().withheld == 1);
  CHECK(site.served("file", "a.txt") == "one\n");
  CHECK_FALSE(site.served("file", "bad.txt"));
}

TEST_CASE("a policy that withholds takes the rest, and receipts tell what was left") {
  Scene scene;
  auto& site = scene.site;
  site.scan_with(std::string(k_filter), ", on_refusal: withhold");
  const auto report = site.import({scene.bundle.head});
  const auto& bundle = report.bundles.front();
  CHECK(bundle.withheld == 1);
  REQUIRE(bundle.scan.withheld.size() == 1);
  CHECK(bundle.scan.withheld.front().subject.path == "bad.txt");
  CHECK(site.served("file", "c.txt") == "three\n");
  CHECK_FALSE(site.served("file", "bad.txt"));
  CHECK_FALSE(site.has_file(k_bad_content));
  CHECK(workflow::read_receipt(report.receipt).withheld == std::vector{base::sha256(k_bad_content)});
  CHECK(site.state().audit_entries().back().detail.find("Test.Signature") != std::string::npos);

  // It stays so: in the same bundle again, and in the next one.
  CHECK(site.import({scene.bundle.head}).bundles.front().outcome == workflow::ImportedBundle::Outcome::nothing_to_do);
  Medium second;
  auto files = files_with_a_bad_one();
  files.push_back(text_file("d.txt", "four\n"));
  const auto next = make_bundle(second.path(), files, scene.keys,
                                {.serial = 2, .created = bundle_time(1), .previous = scene.bundle.contents});
  site.clock.set(bundle_time(2));
  CHECK(site.import({next.head}).bundles.front().withheld == 1);
  CHECK(site.served("file", "d.txt") == "four\n");
  CHECK_FALSE(site.served("file", "bad.txt"));
}

TEST_CASE("what was scanned is not scanned again, until the scanner is another one or someone asks") {
  const ProducerKeys keys;
  ScanningSite site(&keys);
  Medium medium;
  const auto files = big_files(6, 300);
  const auto first = make_bundle(medium.path(), files, keys);
  site.scan_with("cat > /dev/null", ", version: '1'");
  const auto report = site.import({first.head});
  const auto scanned = report.bundles.front().scan.scanned;
  CHECK(scanned >= 6);
  CHECK(site.calls() == scanned);
  auto more = files;
  more.push_back(text_file("new.txt", "new"));
  const auto second =
      make_bundle(medium.path(), more, keys, {.serial = 2, .created = bundle_time(1), .previous = first.contents});
  site.clock.set(bundle_time(2));
  site.import({second.head});
  CHECK(site.calls() < scanned + 6);

  // An import that was stopped behind its scan knows it, too.
  Medium other;
  const auto third = make_bundle(other.path(), {text_file("x", "x1"), text_file("y", "y1")}, keys, {.channel = "b"});
  auto options = site.options({third.head});
  options.at_step = [](std::string_view step) {
    if (step == "scanned") {
      throw base::Error(ErrorCode::interrupted, "stopped");
    }
  };
  const auto before = site.calls();
  CHECK(code_of([&] { workflow::import_bundles(options, site.clock, site.reporter); }) == ErrorCode::interrupted);
  const auto once = site.calls();
  CHECK(once > before);
  options.at_step = {};
  CHECK(workflow::import_bundles(options, site.clock, site.reporter).bundles.front().scan.remembered == once - before);
  CHECK(site.calls() == once);

  // Everything that is served again, by a scanner that has learnt something.
  site.scan_with("if grep -q 'file 3 '; then echo learnt; exit 1; fi", ", version: '2'");
  const auto check = workflow::scan_store(site.home, site.clock, site.reporter);
  CHECK(check.scanned == 9);
  REQUIRE(check.findings.size() == 1);
  CHECK(check.findings.front().code == ErrorCode::scan_refused);
  CHECK(check.findings.front().message.find("data/0003.bin") != std::string::npos);
  CHECK(site.served("file", "data/0003.bin") == files[3].content);  // a check changes nothing
}

TEST_CASE("no verdict is never a pass, and the same command goes on when the scanner is mended") {
  const struct {
    const char* script;
    const char* says;
    const char* more = "";
  } k_failures[] = {
      {"echo the database is missing >&2; exit 2", "the database is missing"},
      {"kill -9 $$", "signal"},
      {"exit 127", "127"},
      {"sleep 600", "1 seconds", ", timeout: 1s"},
      {"head -c 1 > /dev/null; exit 99", "99"},
  };
  Scene scene;
  auto& site = scene.site;
  for (const auto& failure : k_failures) {
    CAPTURE(failure.script);
    site.scan_with(failure.script, failure.more);
    const auto error = site.refusal(scene.bundle.head);
    CHECK(error.code() == ErrorCode::scan_failed);
    CHECK(base::error_code_info(error.code()).exit_code == 1);
    CHECK(error.message().find(failure.says) != std::string::npos);
    CHECK(site.generations().empty());
  }
  site.set_policy("{ command: [no-such-scanner-here] }");
  CHECK(site.refusal(scene.bundle.head).code() == ErrorCode::scan_failed);
  site.set_policy(fmt::format("{{ command: [{}], version_command: ['false'] }}", site.program("exit 0").string()));
  CHECK(site.refusal(scene.bundle.head).code() == ErrorCode::scan_failed);
  CHECK(site.generations().empty());
  site.scan_with("exit 0");
  CHECK(site.import({scene.bundle.head}).bundles.size() == 1);
}

TEST_CASE("a scanner gets the bytes and the names, and none of our secrets") {
  const ScopedEnvironment secret("AIRLOCK_PASSPHRASE", "hush");
  const ScopedEnvironment token("NPM_TOKEN", "hush");
  const ProducerKeys keys;
  ScanningSite site(&keys);
  Medium medium;
  const std::string content(3'000'000, 'z');
  auto file = text_file("dir/big file.bin", content);
  file.artifact = "pkg:generic/dir/big%20file.bin@1";
  const auto bundle = make_bundle(medium.path(), {file, text_file("second/name", content)}, keys);
  site.scan_with("env; wc -c; sha256sum </dev/null");
  site.import({bundle.head});
  const store::ScanResults results(site.home.root);
  const auto said = results.of(base::sha256(content));
  REQUIRE(said.size() == 1);
  const auto& report = said.front().result.report;
  for (const auto& line :
       {std::string("AIRLOCK_PATH=dir/big file.bin\n"), std::string("AIRLOCK_PATHS=2\n"),
        std::string("AIRLOCK_ECOSYSTEM=file\n"), std::string("AIRLOCK_LENGTH=3000000\n"),
        "AIRLOCK_DIGEST=" + base::sha256(content).to_string() + "\n",
        std::string("AIRLOCK_ARTIFACT=pkg:generic/dir/big%20file.bin@1\n"), std::string("3000000\n")}) {
    CAPTURE(line);
    CHECK(report.find(line) != std::string::npos);
  }
  CHECK(report.find("hush") == std::string::npos);
}

TEST_CASE("a scanner may leave its input unread, and say more than is kept") {
  const ProducerKeys keys;
  ScanningSite site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), big_files(3, 2'000'000), keys, {.volume_size = 900'000});
  site.scan_with("exec 0<&-; head -c 100000 /dev/zero | tr '\\000' x");
  site.import({bundle.head});
  const store::ScanResults results(site.home.root);
  const auto said = results.of(base::sha256(big_files(3, 2'000'000).front().content));
  REQUIRE(said.size() == 1);
  CHECK(said.front().result.report == std::string(workflow::k_scan_report_limit, 'x'));
  CHECK(said.front().result.discarded == 100'000 - workflow::k_scan_report_limit);
}

TEST_CASE("in batches a scanner gets paths, and of a refusal each file is asked about alone") {
  Scene scene;
  auto& site = scene.site;
  const auto files = site.program("for f; do [ $(basename \"$f\" | wc -c) = 65 ] || exit 9; done\n"
                                  "if grep -l MALICIOUS \"$@\"; then exit 1; fi; exit 0");
  site.set_policy(fmt::format("{{ command: [{}], batch: 100, at: [import] }}", files.string()));
  const auto error = site.refusal(scene.bundle.head);
  CHECK(error.code() == ErrorCode::scan_refused);
  CHECK(error.message().find("file:bad.txt") != std::string::npos);
  CHECK(error.message().find("file:a.txt") == std::string::npos);
  CHECK(site.calls() >= 4);  // one for all, one for each

  site.set_policy(fmt::format("{{ command: [{}], batch: 2, at: [import], on_refusal: withhold }}", files.string()));
  CHECK(site.import({scene.bundle.head}).bundles.front().withheld == 1);
  CHECK(site.served("file", "c.txt") == "three\n");
  CHECK_FALSE(fs::exists(site.home.root / "scan"));
}

TEST_CASE("a scanner in batches that contradicts itself, or takes files away, harms nothing") {
  const ProducerKeys keys;
  Medium medium;
  const auto bundle = make_bundle(medium.path(), {text_file("a", "1"), text_file("b", "2")}, keys);
  ScanningSite site(&keys);
  site.set_policy(fmt::format("{{ command: [{}], batch: 10, at: [import] }}",
                              site.program("[ $# -gt 1 ] && exit 1; exit 0").string()));
  CHECK(site.refusal(bundle.head).code() == ErrorCode::scan_failed);
  CHECK(site.refusal(bundle.head).code() == ErrorCode::scan_failed);  // and it is not remembered as clean
  CHECK(site.generations().empty());
  site.set_policy(fmt::format("{{ command: [{}], batch: 10, at: [import] }}", site.program("rm -f \"$@\"").string()));
  site.import({bundle.head});
  CHECK(site.served("file", "a") == "1");
}

TEST_CASE("a false alarm that the policy accepts is taken, and said") {
  Scene scene;
  auto& site = scene.site;
  site.scan_with(std::string(k_filter), fmt::format(", accept: ['{}']", base::sha256(k_bad_content).to_string()));
  const auto report = site.import({scene.bundle.head});
  CHECK(report.bundles.front().scan.accepted == 1);
  CHECK(site.served("file", "bad.txt") == k_bad_content);
  CHECK_FALSE(site.reporter.warnings().empty());
}

TEST_CASE("without a scanner nothing is opened or made for one") {
  Scene scene;
  scene.site.import({scene.bundle.head});
  CHECK_FALSE(fs::exists(scene.site.home.root / "scans.db"));
  CHECK(code_of([&] { workflow::scan_store(scene.site.home, scene.site.clock, scene.site.reporter); }) ==
        ErrorCode::config);
  scene.site.scan_with("exit 1", ", at: [create]");
  Medium other;
  scene.site.import({make_bundle(other.path(), files_with_a_bad_one(), scene.keys, {.channel = "b"}).head});
  CHECK(scene.site.calls() == 0);
}

TEST_CASE("a mistake in the scanner's settings is named by its place") {
  const struct {
    const char* text;
    const char* says;
  } k_mistakes[] = {
      {"scan: { command: clamscan }", "takes a list"},
      {"scan: { command: [] }", "takes a list"},
      {"scan: { command: [''] }", "names no program"},
      {"scan: { command: [./scan.sh] }", "working directory"},
      {"scan: { comand: [a] }", "command"},
      {"scan: { command: [a], at: [imports] }", "import"},
      {"scan: { command: [a], on_refusal: witholding }", "withhold"},
      {"scan: { command: [a], batch: 0 }", "from 1"},
      {"scan: { command: [a], batch: 10 }", "files_command"},
      {"scan: { files_command: [a] }", "no batch"},
      {"scan: { files_command: [a], batch: 3 }", "no command that reads"},
      {"scan: { command: [a], timeout: soon }", "duration"},
      {"scan: { command: [a], accept: [abc] }", "no digest"},
      {"scan: { timeout: 1m }", "no command"},
      {"scan: [a]", "mapping"},
  };
  for (const auto& mistake : k_mistakes) {
    CAPTURE(mistake.text);
    const auto error = error_of([&] { return workflow::parse_site_policy(mistake.text, "policy.yaml"); });
    CHECK(error.code() == ErrorCode::config);
    CHECK(error.position());
    CHECK((error.message() + " " + error.hint()).find(mistake.says) != std::string::npos);
  }
  const auto good = workflow::parse_site_policy("scan: { files_command: [a], batch: 3, at: import }", "p");
  REQUIRE(good.scan);
  CHECK(good.scan->at_import);
  CHECK_FALSE(good.scan->at_create);
}
