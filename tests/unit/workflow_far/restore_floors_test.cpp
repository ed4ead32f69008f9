// What is known beyond a backup: receipts, and floors from paper, that a restored home is told of; a floor by itself.
#include "backup_fixture.hpp"

#include <algorithm>

#include "store/catalog.hpp"
#include "workflow/block.hpp"
#include "workflow/floors.hpp"
#include "workflow/generations.hpp"
#include "workflow/receipt.hpp"
#include "workflow/sweep.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

namespace {

using Blobs = workflow::BackupOptions::Blobs;

}  // namespace

TEST_CASE("what was blocked and withheld after the backup stays so with a receipt", "[backup]") {
  BackupStates states;
  auto& site = states.site;
  workflow::block_item(site.home, "file:old.txt", "before the backup", "", site.clock);
  const auto file = states.backup(Blobs::include);
  workflow::block_item(site.home, "file:bad.txt", "found bad", "INC-7", site.clock);
  auto import = site.options({states.made[1].head});
  import.withhold = {base::sha256("state 2")};
  import.reason = "licence";
  const auto receipt = workflow::import_bundles(import, site.clock, site.reporter).receipt;

  OtherHost host;
  auto options = options_for(host.home, file);
  options.receipts = {receipt};
  const auto report = host.restore(options);
  CHECK(report.blocked == std::vector<std::string>{"file:bad.txt"});
  CHECK(report.withheld == std::vector<std::string>{base::sha256("state 2").to_string()});
  const auto blocks = host.state().blocks();
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0].reason == "from the receipt at the restore");
  CHECK(blocks[1].reason == "before the backup");
  // Not served from here on, and not taken again by itself.
  const auto served = [&host] { return store::Catalog::open_current(host.home.root)->find("file", "a.txt")->kind; };
  CHECK(served() == model::Kind::withheld);
  host.import(states.made[1].head);
  CHECK(served() == model::Kind::withheld);
}

TEST_CASE("a channel out of service stays so through a backup, and by a receipt of after it", "[backup]") {
  BackupStates states;
  auto& site = states.site;
  const auto deactivate = [&site] {
    workflow::deactivate_channel(site.home, {.producer = {}, .channel = "site-a"}, site.clock, {"moved", "CHG-31"});
  };
  OtherHost host;
  std::string reason = "moved";
  SECTION("through a backup") {
    deactivate();
    CHECK(host.restore(states.backup(Blobs::include)).out_of_service.empty());
  }
  SECTION("by a receipt") {
    auto options = options_for(host.home, states.backup(Blobs::include));
    deactivate();
    const auto receipt = site.receipt();
    options.receipts = {receipt};
    CHECK(host.restore(options).out_of_service == std::vector<std::string>{"site-a"});
    CHECK(host.state().newest_audit_entries("restore", 1).front().detail.find("\"out_of_service\":[\"site-a\"]") !=
          std::string::npos);
    reason = "from the receipt at the restore";
  }
  const auto served = [&host] { return store::Catalog::open_current(host.home.root)->find("file", "a.txt"); };
  CHECK_FALSE(served());
  const auto key = host.state().generations().front().channel;
  CHECK(host.state().out_of_service(key)->reason == reason);
  host.import(states.made[2].head);
  CHECK_FALSE(served());
}

TEST_CASE("below a floor it is named which bundle an import takes", "[backup]") {
  BackupStates states;
  const auto file = states.backup();
  states.take(2);
  const auto path = states.site.receipt();
  OtherHost host;
  auto options = options_for(host.home, file);
  options.receipts = {path};
  host.restore(options);
  const auto status = host.status(std::chrono::days(60));
  const auto names_it = [](const base::Finding& finding) {
    return finding.message.find("import bundle 2 again, or bundle 3 or a newer one") != std::string::npos;
  };
  CHECK(std::any_of(status.findings.begin(), status.findings.end(), names_it));
  const auto checked = workflow::check_store({.home = host.home}, host.clock, host.reporter);
  CHECK(std::any_of(checked.findings.begin(), checked.findings.end(), names_it));
  // As where no head came with the backup.
  host.change([](store::StateDb& state) {
    for (const auto& generation : state.generations()) {
      state.set_unproven(generation.id, true);
      state.remove_blob(base::Digest::parse_sha256_hex(generation.head_digest));
    }
  });
  const auto unproven = workflow::check_store({.home = host.home}, host.clock, host.reporter).unproven;
  REQUIRE(unproven.size() == 2);
  CHECK(unproven.front().advice == "import bundle 2 again, or bundle 3 or a newer one");
  // Another text for a state under keys that were replaced.
  host.change([&host](store::StateDb& state) {
    const auto key = state.channels().front();
    state.lower_floor(key, {}, {.time = host.clock.now(), .reason = "test"});
    state.raise_floor(key, {.serial = 2, .bundle_id = {}, .root_version = 2});
  });
  const auto replaced = host.status(std::chrono::days(60));
  CHECK(std::any_of(replaced.findings.begin(), replaced.findings.end(), [](const base::Finding& finding) {
    return finding.message.find("import a bundle that was made under root version 2") != std::string::npos;
  }));
}

TEST_CASE("what a restore serves under an older root than is known stays to be checked", "[backup]") {
  BackupStates states;
  OtherHost host;
  auto options = options_for(host.home, states.backup(Blobs::include));
  options.floors = {workflow::parse_floor("site-a:2,root=2")};
  host.restore(options);
  const auto status = host.status(std::chrono::days(60));
  CHECK(std::any_of(status.findings.begin(), status.findings.end(), [](const base::Finding& finding) {
    return finding.severity == base::Severity::warning &&
           finding.message.find("signed under root 1, and root 2 is known") != std::string::npos;
  }));
}

TEST_CASE("a receipt keeps what was lost from coming in again, and lets the newest in", "[backup]") {
  BackupStates states;
  const auto file = states.backup();
  states.take(2);
  states.take(3);
  const auto receipt = states.site.receipt();
  // A backup of serial 2, and a receipt that knows 4.
  OtherHost host;
  auto options = options_for(host.home, file);
  options.receipts = {receipt};
  const auto report = host.restore(options);
  CHECK(report.floors_given);
  CHECK(report.far_channels.front().floor == 4);
  CHECK(host.state().restored()->floors_given);
  CHECK(host.state().time_floor() == bundle_time(3));
  CHECK(code_of([&] { host.import(states.made[2].head); }) == ErrorCode::rollback);
  CHECK(code_of([&] { host.import(states.made[0].head); }) == ErrorCode::rollback);
  // The bytes of the state that is here may come again.
  CHECK(host.import(states.made[1].head).bundles.front().outcome == workflow::ImportedBundle::Outcome::refreshed);

  // The same serial with another content is an alarm, although no generation here has it.
  Medium other;
  const auto forged = make_bundle(other.path(), {text_file("a.txt", "another state 4")}, states.keys,
                                  {.serial = 4, .created = bundle_time(3), .previous = states.made[2].contents});
  CHECK(code_of([&] { host.import(forged.head); }) == ErrorCode::equivocation);

  CHECK(host.import(states.made[3].head).bundles.front().outcome == workflow::ImportedBundle::Outcome::imported);
  CHECK_FALSE(host.state().restored());
  CHECK(host.import(states.made[3].head).bundles.front().outcome == workflow::ImportedBundle::Outcome::nothing_to_do);
}

TEST_CASE("a floor from paper counts, and one that cannot be right is refused", "[backup]") {
  BackupStates states;
  const auto file = states.backup();
  OtherHost host;
  auto options = options_for(host.home, file);
  options.floors = {workflow::parse_floor("site-a:9999999")};
  CHECK(code_of([&] { host.restore(options); }) == ErrorCode::usage);
  CHECK_FALSE(fs::exists(host.home.root / "airlock.db"));
  options.floors = {workflow::parse_floor("site-a:3,created=2027-01-01T00:00:00Z")};
  CHECK(code_of([&] { host.restore(options); }) == ErrorCode::usage);
  options.floors = {workflow::parse_floor("site-a:3,root=2")};
  host.restore(options);
  // Root version 2 was known once, perhaps because it took a key away: what only knows 1 does not come in.
  CHECK(code_of([&] { host.import(states.made[2].head); }) == ErrorCode::rollback);

  for (const char* bad : {"", "site-a", ":3", "site-a:", "site-a:x", "Site A:3", "-a:3", "site-a:3,x=1",
                          "site-a:3,root=", "site-a:3,created=yesterday", "../x:1", "site-a:3,producer=abc"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(workflow::parse_floor(bad), base::Error);
  }
}

TEST_CASE("no floor may be further ahead of what was proven than can be right", "[backup]") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  site.import({make_bundle(medium.path(), {text_file("a.txt", "1")}, keys).head});
  store::StateDb state(site.home.root, store::StateDb::Access::change);
  const auto change = state.change();
  const auto raise = [&](const std::string& text, bool from_receipt = false) {
    auto wish = workflow::parse_floor(text);
    wish.from_receipt = from_receipt;
    return test::error_of([&] {
      workflow::raise_floors(state, site.home, {wish}, site.clock.now());
      throw base::Error(ErrorCode::internal, "accepted");
    });
  };
  const auto paper = GENERATE(as<std::string>(), "site-a:1000002", "site-a:1,root=1026", "site-a:1,snapshot=1000002",
                              "site-a:1,root=99999999,snapshot=99999999");
  CHECK(raise(paper).code() == ErrorCode::usage);
  CHECK(raise(paper).hint().find("paper again") != std::string::npos);
  const auto receipt = GENERATE(as<std::string>(), "site-a:10002", "site-a:1,root=66", "site-a:1,snapshot=10002");
  CHECK(raise(receipt, true).code() == ErrorCode::usage);
  CHECK(raise(receipt, true).hint().find("altered") != std::string::npos);
  CHECK_FALSE(state.floor(state.channels().front()));
  CHECK(raise("site-a:10001,root=65,snapshot=10001", true).message() == "accepted");
  // From a floor that was raised the next one does not climb on.
  CHECK(raise("site-a:10002,root=66", true).code() == ErrorCode::usage);
  CHECK(raise("site-a:1000001,root=1025,snapshot=1000001").message() == "accepted");
}

TEST_CASE("a floor that was a mistake is lowered with a reason, and bundles come in again", "[backup]") {
  States states(2);
  auto& site = states.site;
  const auto& first = states.made[0];
  const auto& second = states.made[1];
  site.import({first.head});
  const auto lower = [&](const std::string& text, const std::string& reason) {
    return site.change([&](store::StateDb& state) {
      return workflow::lower_floor(state, site.home, workflow::parse_floor(text), {reason, "OPS-7"}, bundle_time(1));
    });
  };
  CHECK(code_of([&] { lower("site-a:1", "none is there"); }) == ErrorCode::usage);
  site.change([&](store::StateDb& state) {
    workflow::raise_floors(state, site.home, {workflow::parse_floor("site-a:99,root=99,snapshot=99")}, bundle_time(1));
  });
  site.clock.set(bundle_time(2));
  CHECK(code_of([&] { site.import({second.head}); }) == ErrorCode::rollback);
  for (const auto& wrong :
       {std::pair("site-a:1", ""), std::pair("site-a:1", "  "), std::pair("site-a:100", "up"),
        std::pair("site-a:1,root=100", "up"), std::pair("site-a:1,created=2026-07-01T12:00:00Z", "time")}) {
    CAPTURE(wrong.first);
    CHECK(code_of([&] { lower(wrong.first, wrong.second); }) == ErrorCode::usage);
  }
  const auto change = lower("site-a:2,root=1", "a digit too many");
  CHECK(change.before.root_version == 99);
  CHECK(change.after.serial == 2);
  CHECK(change.after.root_version == 1);
  CHECK(change.after.snapshot_version == 99);  // was not named
  CHECK(code_of([&] { site.import({second.head}); }) == ErrorCode::rollback);
  lower("site-a:1,snapshot=2", "that too");
  CHECK(site.import({second.head}).bundles.size() == 1);
  // What was imported still counts.
  CHECK(code_of([&] { site.import({first.head}); }) == ErrorCode::rollback);
  CHECK(site.state().last_serial(site.state().channels().front()) == 2);
}

TEST_CASE("without a receipt a restored home says so until the next import", "[backup]") {
  BackupStates states;
  const auto file = states.backup(Blobs::include);
  OtherHost host;
  host.restore(file);
  const auto status = [&host] { return host.status(std::chrono::days(60)); };
  const auto tells = [](const workflow::StatusReport& report) {
    return std::ranges::any_of(report.findings, [](const auto& finding) { return finding.subject == "restore"; });
  };
  CHECK(tells(status()));
  host.import(states.made[2].head);
  CHECK_FALSE(tells(status()));
}

TEST_CASE("a channel of which only floors are here comes home with them, out of service as it was", "[backup]") {
  BackupStates states;
  auto& site = states.site;
  const auto file = states.backup();
  const store::ChannelKey gone{site.generations().front().channel.producer, "site-z"};
  const auto bundle_id = base::sha256("bundle 7").hex();
  site.change([&](store::StateDb& state) {
    state.raise_floor(gone, {.serial = 7, .bundle_id = bundle_id, .root_version = 1, .snapshot_version = 9});
  });
  workflow::deactivate_channel(site.home, {.producer = {}, .channel = "site-z"}, site.clock, {"moved", {}});
  const auto path = site.receipt();
  const auto receipt = workflow::read_receipt(path);
  REQUIRE(receipt.channels.size() == 1);  // older readers want a generation of each
  CHECK(receipt.channels.front().channel == "site-a");
  REQUIRE(receipt.floors.size() == 1);
  CHECK(receipt.floors.front().producer == gone.producer);
  CHECK(receipt.floors.front().channel == "site-z");
  CHECK(receipt.floors.front().bundle_id == bundle_id);
  CHECK(receipt.floors.front().out_of_service);
  CHECK(workflow::floor_lines(receipt).back() == "site-z:7,root=1,snapshot=9");

  OtherHost host;
  auto options = options_for(host.home, file);
  options.receipts = {path};
  CHECK(host.restore(options).out_of_service == std::vector<std::string>{"site-z"});
  const auto floor = host.state().floor(gone);
  REQUIRE(floor);
  CHECK(floor->serial == 7);
  CHECK(floor->bundle_id == bundle_id);
  CHECK(floor->root_version == 1);
  CHECK(floor->snapshot_version == 9);
  CHECK(host.state().out_of_service(gone));
  CHECK(workflow::make_receipt(host.state(), host.clock.now()).floors.size() == 1);
}

TEST_CASE("a log that was cut off is found by a receipt, unless the restore accounts for it", "[backup][audit]") {
  BackupStates states;
  const auto file = states.backup();
  states.take(2);
  const auto receipt = workflow::make_receipt(states.site.state(), states.site.clock.now());
  const auto path = states.site.folder.path() / "receipt.json";
  workflow::write_receipt_file(receipt, path);
  const std::vector<store::AuditMark> marks = {{receipt.audit_number, receipt.audit_head, "the receipt"}};
  CHECK(store::check_audit_marks(states.site.state().audit_entries(), marks).empty());

  OtherHost silent;
  silent.restore(file);
  auto findings = store::check_audit_marks(silent.state().audit_entries(), marks);
  REQUIRE(findings.size() == 1);
  CHECK(findings.front().severity == base::Severity::error);
  CHECK(findings.front().code == ErrorCode::tampered);

  OtherHost told;
  auto options = options_for(told.home, file);
  options.receipts = {path};
  told.restore(options);
  findings = store::check_audit_marks(told.state().audit_entries(), marks);
  REQUIRE(findings.size() == 1);
  CHECK(findings.front().severity == base::Severity::warning);
}
