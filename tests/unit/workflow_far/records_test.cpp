// What a home tells of itself: media in the log, remarks, where a content lies, the newest entry on paper.
#include "far_fixture.hpp"

#include <unistd.h>

#include "base/json.hpp"
#include "base/sqlite.hpp"
#include "workflow/audit_check.hpp"
#include "workflow/floors.hpp"
#include "workflow/generations.hpp"
#include "workflow/medium.hpp"
#include "workflow/receipt.hpp"
#include "workflow/reference_time.hpp"
#include "workflow/status.hpp"
#include "workflow/sweep.hpp"
#include "workflow/whereabouts.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

namespace {

constexpr const char* k_mounts = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
                                 "30 22 0:25 / /proc rw - proc proc rw\n"
                                 "41 22 8:17 / /media/usb\\040stick ro,nosuid - vfat /dev/sdb1 ro,uid=1000\n"
                                 "42 22 8:33 / /media rw - xfs /dev/sdc1 rw\n"
                                 "43 22 8:49 / /media/usb\\040stick rw - ext4 /dev/sdd1 rw\n"
                                 "44 22 0:50 / /mnt/evil\\033[31m rw - fuse bad\\033name rw\n"
                                 "a line of another kind\n";

base::Json last_detail(const Site& site) {
  return base::Json::parse(site.state().last_audit_entry()->detail);
}

}  // namespace

TEST_CASE("the medium of a file is the deepest mount above it, and the last of those", "[medium]") {
  const auto root = workflow::find_medium(k_mounts, "/home/user/x");
  CHECK(root.source == "/dev/sda1");
  CHECK_FALSE(root.read_only);
  const auto stick = workflow::find_medium(k_mounts, "/media/usb stick/site-a-1.airlock");
  CHECK(stick.source == "/dev/sdd1");  // mounted over /dev/sdb1
  CHECK(workflow::find_medium(k_mounts, "/media/usb sticks/x").source == "/dev/sdc1");
  CHECK(workflow::find_medium("41 22 8:17 / /m ro - vfat /dev/sdb1 rw\n", "/m/x").read_only);
  // What a device is called goes into a log that people read on terminals.
  const auto evil = workflow::find_medium(k_mounts, "/mnt/evil\033[31m/x");
  CHECK(evil.source == "bad\\x1bname");
  CHECK(evil.mount_point.find('\033') == std::string::npos);
  CHECK(workflow::find_medium("", "/x").source.empty());
  CHECK(to_json(workflow::find_medium("", "/x")).is_null());
  CHECK_FALSE(workflow::medium_of(fs::temp_directory_path()).file_system.empty());
}

TEST_CASE("the log says who brought what, why, and under which rules", "[audit]") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto made = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys);
  base::write_file_atomic(site.home.config / "policy.yaml", "clock_tolerance: 12h\n");
  auto options = site.options({made.head});
  options.ticket = "CHG-1";
  const auto report = workflow::import_bundles(options, site.clock, site.reporter);
  auto detail = last_detail(site);
  CHECK(detail["ticket"] == "CHG-1");
  CHECK(detail["file"] == made.head.filename().string());
  CHECK(detail["medium"]["mount_point"].is_string());
  CHECK(detail["policy_sha256"] == base::sha256("clock_tolerance: 12h\n").hex());
  CHECK(detail["config_sha256"] == "");
  // What belongs on paper fits what a loss needs.
  REQUIRE(report.floors.size() == 1);
  CHECK(workflow::parse_floor(report.floors.front()).floor.serial == 1);
  CHECK(report.audit_head == site.state().last_audit_entry()->digest);

  workflow::activate_generation(site.home, 1, site.clock, {.reason = "because", .ticket = "INC-1"});
  detail = last_detail(site);
  CHECK(detail["reason"] == "because");
  CHECK(detail["ticket"] == "INC-1");
  workflow::sweep_store({.home = site.home, .remark = {.reason = "room", .ticket = {}}}, site.clock, site.reporter);
}

TEST_CASE("a log is whole while an import adds to it", "[audit]") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto made = make_bundle(medium.path(), {text_file("a.txt", "1"), text_file("b.txt", "2")}, keys);
  site.import({made.head});
  workflow::AuditCheckOptions options{.home = site.home, .receipts = {}, .marks = {}};
  options.at_step = [&](std::string_view) {
    auto again = site.options({made.head});  // writes the same receipt anew, with a newer entry of the log
    again.withhold = {base::sha256("2")};
    again.reason = "licence";
    workflow::import_bundles(again, site.clock, site.reporter);
  };
  const auto report = workflow::check_audit_log(options, site.reporter);
  CHECK(report.unbroken());
  CHECK(report.findings.empty());
  CHECK(report.entries == 2);
  CHECK(report.compared == 1);

  // What only was written down elsewhere still shows a tail that was cut off.
  options.at_step = {};
  options.marks = {{.number = 3, .head = std::string(64, 'a'), .source = "the paper"}};
  CHECK_FALSE(workflow::check_audit_log(options, site.reporter).unbroken());
}

TEST_CASE("a receipt of another home is no alarm, and a log that was written anew is one", "[audit]") {
  const ProducerKeys keys;
  Site site(&keys);
  Site other(&keys);
  Medium medium;
  const auto made = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys);
  const auto next = make_bundle(medium.path(), {text_file("a.txt", "2")}, keys,
                                {.serial = 2, .created = bundle_time(0), .previous = made.contents});
  const auto take = [](Site& into, const fs::path& head, const std::string& ticket) {
    auto options = into.options({head});
    options.ticket = ticket;
    workflow::import_bundles(options, into.clock, into.reporter);
  };
  // The same bundles of the same channel, so that only the ids and the logs differ.
  for (const auto& head : {made.head, next.head}) {
    take(site, head, "CHG-1");
    take(other, head, "CHG-2");
  }
  const auto carried = [&](const Site& from, const std::string& name) {
    auto receipt = workflow::make_receipt(from.state(), from.clock.now());
    CHECK(receipt.home == from.state().home_id());
    const auto path = medium.path() / name;
    workflow::write_receipt_file(receipt, path);
    CHECK(workflow::read_receipt(path).home == receipt.home);
    return path;
  };
  const auto own = carried(site, "own.json");
  const auto foreign = carried(other, "foreign.json");
  const auto check = [&](const fs::path& receipt) {
    return workflow::check_audit_log({.home = site.home, .receipts = {receipt}, .marks = {}}, site.reporter);
  };
  const auto has_alarm = [&](const fs::path& receipt) {
    const auto report = check(receipt);
    return std::ranges::any_of(report.findings,
                               [](const auto& finding) { return finding.code == ErrorCode::tampered; });
  };
  CHECK(check(own).unbroken());
  const auto error = error_of([&] { return check(foreign); });
  CHECK(error.code() == ErrorCode::conflict);
  CHECK(error.message().find("foreign.json is a receipt of another home") != std::string::npos);

  // One of before there were ids is told by its channels alone.
  auto nameless = workflow::read_receipt(foreign);
  nameless.home.clear();
  workflow::write_receipt_file(nameless, medium.path() / "nameless.json");
  CHECK(has_alarm(medium.path() / "nameless.json"));
  nameless.channels.front().channel = "elsewhere";
  workflow::write_receipt_file(nameless, medium.path() / "nameless.json");
  CHECK(code_of([&] { return check(medium.path() / "nameless.json"); }) == ErrorCode::conflict);

  const auto change_log = [&](const std::string& sql) {
    base::Database(site.home.root / "airlock.db", base::DatabaseMode::read_write).execute(sql);
  };
  SECTION("cut off") {
    change_log("DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)");
    CHECK(has_alarm(own));
  }
  SECTION("written anew") {
    const auto entries = site.state().audit_entries();
    change_log("DELETE FROM audit");
    store::StateDb state(site.home.root, store::StateDb::Access::change);
    for (const auto& entry : entries) {
      state.audit(entry.time, entry.action, R"({"ticket":"CHG-9"})");
    }
    CHECK(has_alarm(own));
  }
  SECTION("with another id, while receipts in the home name the one of before") {
    change_log("DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)");
    change_log("UPDATE settings SET value = '00112233445566778899aabbccddeeff' WHERE key = 'home-id'");
    CHECK(has_alarm(own));
    CHECK(code_of([&] { return check(foreign); }) == ErrorCode::conflict);
  }
}

TEST_CASE("a content is found by digest, path, purl and name, with the generations that have it", "[who]") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  BundleFile file{.ecosystem = "npm", .path = "@scope/left-pad/-/left-pad-1.3.0.tgz", .content = "package"};
  file.artifact = "pkg:npm/%40scope/left-pad@1.3.0?arch=x";
  const auto first = make_bundle(medium.path(), {file, text_file("other.txt", "x")}, keys);
  site.import({first.head});
  const auto second =
      make_bundle(medium.path(), {file}, keys, {.serial = 2, .created = bundle_time(1), .previous = first.contents});
  site.clock.set(bundle_time(2));
  site.import({second.head});
  const auto digest = base::sha256("package");
  const std::vector<std::string> names = {digest.to_string(),
                                          digest.hex(),
                                          "@scope/left-pad/-/left-pad-1.3.0.tgz",
                                          file.artifact,
                                          "pkg:npm/%40scope/left-pad@1.3.0",
                                          "pkg:npm/%40scope/left-pad",
                                          "@scope/left-pad",
                                          "@scope/left-pad@1.3.0",
                                          "left-pad",
                                          "left-pad@1.3.0"};
  for (const auto& name : names) {
    CAPTURE(name);
    const auto found = workflow::find_content(site.home, name);
    REQUIRE(found.size() == 1);
    CHECK(found.front().sha256 == digest);
    CHECK(found.front().generations.size() == 2);
    CHECK(found.front().present);
    CHECK(found.front().served);
  }
  const auto old = workflow::find_content(site.home, "other.txt");
  REQUIRE(old.size() == 1);
  CHECK_FALSE(old.front().served);
  CHECK(old.front().generations.size() == 1);
  for (const char* name :
       {"left", "left-pad@1.3", "", "sha256:0000000000000000000000000000000000000000000000000000000000000000"}) {
    CAPTURE(name);
    if (std::string(name).starts_with("sha256")) {
      CHECK(workflow::find_content(site.home, name).front().generations.empty());
    } else {
      CHECK(code_of([&] { return workflow::find_content(site.home, name); }) == ErrorCode::not_found);
    }
  }
}

TEST_CASE("status knows the room for the next import, and the newest entry of the log", "[status]") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  site.import({make_bundle(medium.path(), {text_file("a.txt", std::string(5000, 'a'))}, keys).head});
  const auto report = site.status(std::chrono::days(60));
  CHECK(report.next_import >= 5000);
  CHECK(report.next_import < 100'000);
  CHECK(report.audit_number == site.state().last_audit_entry()->number);
  CHECK(report.services.empty());
  CHECK(report.channels.front().withheld == 0);
  const auto totals = site.state().blob_totals();
  CHECK(totals.blobs == report.blobs);
  const base::FileLock busy(site.home.root / "lock");
  const auto again = site.status(std::chrono::days(60));
  REQUIRE(again.services.size() == 1);
  CHECK(again.services.front().what == workflow::ServiceStatus::What::change);
  CHECK(again.services.front().process == ::getpid());
}

TEST_CASE("a host without a past knows when its program was built", "[clock]") {
  const auto tolerance = std::chrono::hours(24);
  const auto built = bundle_time(100);
  CHECK(code_of([&] { return workflow::reference_time(bundle_time(0), {.built = built}, tolerance); }) ==
        ErrorCode::clock);
  CHECK(workflow::reference_time(bundle_time(100) - tolerance, {.built = built}, tolerance) == built);
  CHECK(workflow::reference_time(bundle_time(101), {.built = built}, tolerance) == bundle_time(101));
  // The later of the two counts, also for how far a clock that was once ahead is believed.
  CHECK(workflow::reference_time(bundle_time(99), {.floor = bundle_time(0), .built = built}, tolerance) == built);
  CHECK(workflow::reference_time(bundle_time(101), {.floor = bundle_time(101), .built = built}, tolerance) ==
        bundle_time(101));
  CHECK(workflow::reference_time(bundle_time(500), {.last_wall = bundle_time(9000), .built = built}, tolerance) ==
        bundle_time(500));
}

TEST_CASE("on a fresh site whose clock has stopped, what expired long ago is not taken in", "[clock]") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys);
  auto options = site.options({bundle.head});
  options.built = bundle_time(4000);  // years after it expired
  CHECK(code_of([&] { return workflow::import_bundles(options, site.clock, site.reporter); }) == ErrorCode::clock);
  CHECK(site.generations().empty());
  workflow::VerifyOptions looked{.bundle = bundle.head};
  looked.home = site.home;
  looked.wall = site.clock.now();
  looked.built = options.built;
  const auto report = workflow::verify_bundle(looked, site.reporter);
  CHECK(has_finding(report, ErrorCode::clock));
  CHECK(has_finding(report, ErrorCode::expired));
}

TEST_CASE("the last clock that was seen does not fall with an import", "[clock]") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys);
  const auto second =
      make_bundle(medium.path(), {text_file("a.txt", "2")}, keys, {.serial = 2, .previous = first.contents});
  site.clock.set(bundle_time(10));
  site.import({first.head});
  site.clock.set(bundle_time(10) - std::chrono::hours(20));
  site.import({second.head});
  CHECK(site.state().last_wall() == bundle_time(10));
}

TEST_CASE("a clock that was once far ahead counts for 400 days at most", "[clock]") {
  const auto tolerance = std::chrono::hours(24);
  const auto floor = bundle_time(0);
  const auto far_ahead = bundle_time(4000);
  const workflow::TimeMarks marks{.floor = floor, .last_wall = far_ahead};
  CHECK(code_of([&] { return workflow::reference_time(bundle_time(10), marks, tolerance); }) == ErrorCode::clock);
  CHECK(workflow::reference_time(bundle_time(400), marks, tolerance) == bundle_time(400));
  // Reset, the floor still counts.
  const workflow::TimeMarks reset{.floor = floor, .last_wall = floor};
  CHECK(workflow::reference_time(bundle_time(10), reset, tolerance) == bundle_time(10));
  CHECK(code_of([&] { return workflow::reference_time(bundle_time(-2), reset, tolerance); }) == ErrorCode::clock);
  CHECK(workflow::reference_time(bundle_time(-1), reset, tolerance) == floor);
}
