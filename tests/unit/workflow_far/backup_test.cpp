// A home in a file and back: what is in it, what a hostile one can do, and a restore that ends at any moment.
#include "far_fixture.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "base/tar.hpp"
#include "store/blob_store.hpp"
#include "store/catalog.hpp"
#include "workflow/backup.hpp"
#include "workflow/backup_places.hpp"
#include "workflow/block.hpp"
#include "workflow/generations.hpp"
#include "workflow/keys.hpp"
#include "workflow/receipt.hpp"
#include "workflow/restore.hpp"
#include "workflow/status.hpp"
#include "workflow/sweep.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

namespace {

using Blobs = workflow::BackupOptions::Blobs;
using Secrets = workflow::BackupOptions::Secrets;

// Four states of one channel, the first two imported.
struct TwoStates : States {
  TwoStates() : States(4) {
    take(0);
    take(1);
  }
  fs::path backup(Blobs blobs = Blobs::leave_out, const std::string& name = "backup.tar") {
    const auto file = site.folder.path() / name;
    workflow::write_backup({.home = site.home, .file = file, .secrets = {}, .blobs = blobs}, site.clock, site.reporter);
    return file;
  }
};

workflow::RestoreOptions options_for(const workflow::Home& home, const fs::path& file) {
  workflow::RestoreOptions options;
  options.home = home;
  options.file = file;
  return options;
}

// Another host, to which the backup is brought.
struct OtherHost : Site {
  OtherHost() { clock.set(bundle_time(5)); }

  workflow::RestoreReport restore(workflow::RestoreOptions options) {
    return workflow::restore_home(options, clock, reporter);
  }
  workflow::RestoreReport restore(const fs::path& file) { return restore(options_for(home, file)); }
  workflow::ImportReport import(const fs::path& bundle) { return Site::import({bundle}); }
};

struct Member {
  std::string name, content;
};
std::vector<Member> members_of(const fs::path& file) {
  std::vector<Member> members;
  const auto text = text_of(file);
  const auto fd = base::open_for_reading(file);
  CHECK(base::list_tar(
            fd.get(), text.size(), "backup", 1000,
            [&](const base::TarMember& member) {
              members.push_back({member.name, text.substr(member.offset, member.size)});
              return true;
            },
            base::TarModes::any) == base::TarEnd::complete);
  return members;
}
void write_members(const fs::path& file, const std::vector<Member>& members) {
  std::string text;
  for (const auto& [name, content] : members) {
    text += base::tar_header(name, content.size(), 0) + content + std::string(base::tar_padding(content.size()), '\0');
  }
  base::write_file_atomic(file, text + std::string(base::k_tar_end_size, '\0'));
}
// With a list that fits what the members are now.
void list_anew(std::vector<Member>& members) {
  auto list = workflow::parse_backup_list(members.back().content);
  list.entries.clear();
  for (const auto& [name, content] : members) {
    if (name != workflow::k_backup_list && !name.starts_with(workflow::k_backup_blobs)) {
      list.entries.push_back({name, content.size(), base::sha256(content)});
    }
  }
  members.back().content = to_text(list);
}

}  // namespace

TEST_CASE("what was blocked and withheld after the backup stays so with a receipt", "[backup]") {
  TwoStates states;
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
  TwoStates states;
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
    const auto receipt = site.folder.path() / "after.json";
    workflow::write_receipt_file(workflow::make_receipt(site.state(), site.clock.now()), receipt);
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

TEST_CASE("a backup without blobs comes back, and the same bundle brings the content", "[backup]") {
  TwoStates states;
  const auto file = states.backup();
  struct stat about = {};
  REQUIRE(::stat(file.c_str(), &about) == 0);
  CHECK((about.st_mode & 0777) == 0600);
  CHECK(states.site.state().last_audit_entry()->action == "backup");

  OtherHost host;
  const auto report = host.restore(file);
  REQUIRE(report.far_channels.size() == 1);
  CHECK(report.far_channels.front().serial == 2);
  CHECK(report.far_channels.front().lacking > 0);
  CHECK(workflow::read_receipt(report.far_channels.front().need).missing.size() == report.far_channels.front().lacking);
  CHECK(report.roots.size() == 1);
  CHECK_FALSE(report.floors_given);
  CHECK(host.state().last_audit_entry()->action == "restore");
  CHECK(store::check_audit(host.state().audit_entries()).empty());
  CHECK(store::current_catalog_number(host.home.root) > 0);

  const auto look = [&] {
    return std::pair(
        workflow::examine_status({.home = host.home, .wall = host.clock.now(), .stale_after = std::chrono::days(60)}),
        workflow::check_store({.home = host.home}, host.clock, host.reporter));
  };
  const auto lacks = look();
  CHECK(lacks.first.stale());
  CHECK(lacks.first.channels.front().lacking == report.far_channels.front().lacking);
  CHECK(lacks.second.lacking == report.far_channels.front().lacking);
  REQUIRE(lacks.second.findings.size() == 1);
  CHECK(lacks.second.findings.front().code == ErrorCode::base_missing);
  CHECK(lacks.second.findings.front().message.find("import bundle 2 again") != std::string::npos);

  CHECK(host.import(states.made[1].head).bundles.front().outcome == workflow::ImportedBundle::Outcome::refreshed);
  CHECK(store::BlobStore(host.home.blobs()).open(base::sha256("state 2")));
  const auto whole = look();
  CHECK_FALSE(whole.first.stale());
  CHECK(whole.first.channels.front().lacking == 0);
  CHECK(whole.second.findings.empty());
  // What the older state needs is still not here, so it is not served.
  CHECK(code_of([&] { workflow::roll_back(host.home, 1, host.clock); }) == ErrorCode::base_missing);
  CHECK(host.import(states.made[2].head).bundles.front().serial == 3);
}

TEST_CASE("below a floor it is named which bundle an import takes", "[backup]") {
  TwoStates states;
  const auto file = states.backup();
  states.take(2);
  const auto path = states.site.folder.path() / "receipt.json";
  workflow::write_receipt_file(workflow::make_receipt(states.site.state(), states.site.clock.now()), path);
  OtherHost host;
  auto options = options_for(host.home, file);
  options.receipts = {path};
  host.restore(options);
  const auto status =
      workflow::examine_status({.home = host.home, .wall = host.clock.now(), .stale_after = std::chrono::days(60)});
  const auto names_it = [](const base::Finding& finding) {
    return finding.message.find("import bundle 2 again, or bundle 3 or a newer one") != std::string::npos;
  };
  CHECK(std::any_of(status.findings.begin(), status.findings.end(), names_it));
  const auto checked = workflow::check_store({.home = host.home}, host.clock, host.reporter);
  CHECK(std::any_of(checked.findings.begin(), checked.findings.end(), names_it));
  {
    // As where no head came with the backup.
    store::StateDb state(host.home.root, store::StateDb::Access::change);
    auto change = state.change();
    for (const auto& generation : state.generations()) {
      state.set_unproven(generation.id, true);
      state.remove_blob(base::Digest::parse_sha256_hex(generation.head_digest));
    }
    change.commit();
  }
  const auto unproven = workflow::check_store({.home = host.home}, host.clock, host.reporter).unproven;
  REQUIRE(unproven.size() == 2);
  CHECK(unproven.front().advice == "import bundle 2 again, or bundle 3 or a newer one");
  // Another text for a state under keys that were replaced.
  {
    store::StateDb state(host.home.root, store::StateDb::Access::change);
    auto change = state.change();
    const auto key = state.channels().front();
    state.lower_floor(key, {}, {.time = host.clock.now(), .reason = "test"});
    state.raise_floor(key, {.serial = 2, .bundle_id = {}, .root_version = 2});
    change.commit();
  }
  const auto replaced =
      workflow::examine_status({.home = host.home, .wall = host.clock.now(), .stale_after = std::chrono::days(60)});
  CHECK(std::any_of(replaced.findings.begin(), replaced.findings.end(), [](const base::Finding& finding) {
    return finding.message.find("import a bundle that was made under root version 2") != std::string::npos;
  }));
}

TEST_CASE("what a restore serves under an older root than is known stays to be checked", "[backup]") {
  TwoStates states;
  OtherHost host;
  auto options = options_for(host.home, states.backup(Blobs::include));
  options.floors = {workflow::parse_floor("site-a:2,root=2")};
  host.restore(options);
  const auto status =
      workflow::examine_status({.home = host.home, .wall = host.clock.now(), .stale_after = std::chrono::days(60)});
  CHECK(std::any_of(status.findings.begin(), status.findings.end(), [](const base::Finding& finding) {
    return finding.severity == base::Severity::warning &&
           finding.message.find("signed under root 1, and root 2 is known") != std::string::npos;
  }));
}

TEST_CASE("a backup with blobs serves at once", "[backup]") {
  TwoStates states;
  const auto file = states.backup(Blobs::include);
  OtherHost host;
  const auto report = host.restore(file);
  CHECK(report.far_channels.front().lacking == 0);
  CHECK(report.far_channels.front().need.empty());
  CHECK(store::BlobStore(host.home.blobs()).open(base::sha256("state 1")));
  CHECK(workflow::roll_back(host.home, std::nullopt, host.clock).generation.serial == 1);
  CHECK_FALSE(fs::exists(host.home.root / ".restore"));
}

TEST_CASE("what is in the home is put aside, never deleted, and its blobs are used", "[backup]") {
  TwoStates states;
  const auto file = states.backup();
  states.take(2);
  auto& site = states.site;
  const auto number = store::current_catalog_number(site.home.root);
  auto options = options_for(site.home, file);
  CHECK(code_of([&] { workflow::restore_home(options, site.clock, site.reporter); }) == ErrorCode::conflict);
  CHECK(site.generations().front().serial == 3);

  options.present = workflow::RestoreOptions::Present::put_aside;
  const auto report = workflow::restore_home(options, site.clock, site.reporter);
  CHECK(site.generations().front().serial == 2);
  CHECK(site.served("file", "a.txt") == "state 2");
  CHECK(report.far_channels.front().lacking == 0);
  // A server that looks at the old catalog meanwhile must see another number.
  CHECK(store::current_catalog_number(site.home.root) > number);
  const store::StateDb before(site.home.root / report.put_aside, store::StateDb::Access::read);
  CHECK(before.generations().front().serial == 3);
}

TEST_CASE("a receipt keeps what was lost from coming in again, and lets the newest in", "[backup]") {
  TwoStates states;
  const auto file = states.backup();
  states.take(2);
  states.take(3);
  const auto receipt = states.site.folder.path() / "receipt.json";
  workflow::write_receipt_file(workflow::make_receipt(states.site.state(), states.site.clock.now()), receipt);
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
  TwoStates states;
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
  const auto in_state = [&](auto&& what) {
    store::StateDb state(site.home.root, store::StateDb::Access::change);
    auto change = state.change();
    auto result = what(state);
    change.commit();
    return result;
  };
  const auto lower = [&](const std::string& text, const std::string& reason) {
    return in_state([&](store::StateDb& state) {
      return workflow::lower_floor(state, site.home, workflow::parse_floor(text), {reason, "OPS-7"}, bundle_time(1));
    });
  };
  CHECK(code_of([&] { lower("site-a:1", "none is there"); }) == ErrorCode::usage);
  in_state([&](store::StateDb& state) {
    return workflow::raise_floors(state, site.home, {workflow::parse_floor("site-a:99,root=99,snapshot=99")},
                                  bundle_time(1));
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
  TwoStates states;
  const auto file = states.backup(Blobs::include);
  OtherHost host;
  host.restore(file);
  const auto status = [&] {
    return workflow::examine_status(
        {.home = host.home, .wall = host.clock.now(), .stale_after = std::chrono::days(60)});
  };
  const auto tells = [](const workflow::StatusReport& report) {
    return std::ranges::any_of(report.findings, [](const auto& finding) { return finding.subject == "restore"; });
  };
  CHECK(tells(status()));
  host.import(states.made[2].head);
  CHECK_FALSE(tells(status()));
}

TEST_CASE("a channel of which only floors are here comes home with them, out of service as it was", "[backup]") {
  TwoStates states;
  auto& site = states.site;
  const auto file = states.backup();
  const store::ChannelKey gone{site.generations().front().channel.producer, "site-z"};
  const auto bundle_id = base::sha256("bundle 7").hex();
  {
    store::StateDb state(site.home.root, store::StateDb::Access::change);
    auto change = state.change();
    state.raise_floor(gone, {.serial = 7, .bundle_id = bundle_id, .root_version = 1, .snapshot_version = 9});
    change.commit();
  }
  workflow::deactivate_channel(site.home, {.producer = {}, .channel = "site-z"}, site.clock, {"moved", {}});
  const auto path = site.folder.path() / "receipt.json";
  workflow::write_receipt_file(workflow::make_receipt(site.state(), site.clock.now()), path);
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

TEST_CASE("a receipt says what holds a channel up beyond its newest generation", "[backup]") {
  TwoStates states;
  auto& site = states.site;
  const auto key = site.generations().front().channel;
  CHECK(workflow::make_receipt(site.state(), site.clock.now()).floors.empty());
  {
    store::StateDb state(site.home.root, store::StateDb::Access::change);
    auto change = state.change();
    state.raise_floor(key, {.serial = 4});
    change.commit();
  }
  const auto path = site.folder.path() / "receipt.json";
  workflow::write_receipt_file(workflow::make_receipt(site.state(), site.clock.now()), path);
  const auto receipt = workflow::read_receipt(path);
  REQUIRE(receipt.channels.size() == 1);
  CHECK(receipt.channels.front().serial == 2);
  REQUIRE(receipt.floors.size() == 1);
  CHECK(receipt.floors.front().serial == 4);
  CHECK(receipt.floors.front().bundle_id.empty());
  CHECK(receipt.floors.front().root_version == 1);
  CHECK_FALSE(receipt.floors.front().out_of_service);
  const auto wishes = workflow::floors_of(receipt);
  REQUIRE(wishes.size() == 2);
  CHECK(wishes[0].floor.serial == 2);
  CHECK(wishes[0].created);
  CHECK(wishes[1].floor.serial == 4);
  CHECK_FALSE(wishes[1].created);
  CHECK(wishes[1].from_receipt);

  const auto text = text_of(path);
  const auto changed = [&text](std::string_view from, std::string_view to) {
    auto other = text;
    other.replace(other.find(from, other.find("\"floors\"")), from.size(), to);
    return code_of([&] { return workflow::parse_receipt(other, "r"); });
  };
  CHECK(changed("\"floors\": [", "\"floors\": 7, \"other\": [") == ErrorCode::malformed);
  CHECK(changed(key.producer, "zzz") == ErrorCode::malformed);
  CHECK(changed("\"serial\": 4", "\"serial\": 9007199254740992") == ErrorCode::malformed);
  CHECK(changed("\"serial\": 4", "\"bundle_id\": \"\", \"serial\": 4") == ErrorCode::malformed);
}

TEST_CASE("a log that was cut off is found by a receipt, unless the restore accounts for it", "[backup][audit]") {
  TwoStates states;
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

TEST_CASE("a backup that was changed restores nothing", "[backup]") {
  TwoStates states;
  const auto file = states.backup(Blobs::include);
  const auto good = members_of(file);
  OtherHost host;
  const auto refused = [&](const std::vector<Member>& members) {
    const auto changed = host.folder.path() / "changed.tar";
    fs::remove(changed);
    write_members(changed, members);
    const auto code = code_of([&] { host.restore(changed); });
    CHECK(workflow::restore_is_unfinished(host.home.root) == false);
    CHECK_FALSE(fs::exists(host.home.root / "airlock.db"));
    CHECK_FALSE(fs::exists(host.home.root / ".restore"));
    return code;
  };
  auto members = good;
  SECTION("a file with another content") {
    members.front().content += "x";
    CHECK(refused(members) == ErrorCode::tampered);
    list_anew(members);
    members.front().content.back() = 'y';
    CHECK(refused(members) == ErrorCode::tampered);
  }
  SECTION("names that lead elsewhere, or mean nothing") {
    for (const char* name : {"keys/x/y.pem", "lock", "control/server.json", "config/other.yaml", "catalog/current",
                             "blobs/sha256/ab", "config/roots/.json", "keys/-x.pem", "evidence/a.exe"}) {
      CAPTURE(name);
      members = good;
      members.insert(members.begin(), {name, "x"});
      list_anew(members);
      CHECK(refused(members) == ErrorCode::tampered);
    }
  }
  SECTION("a member twice") {
    members.insert(members.begin(), members.front());
    list_anew(members);
    CHECK(refused(members) == ErrorCode::tampered);
  }
  SECTION("a file that the list does not name, and one that it names in vain") {
    members.insert(members.begin(), {"receipts/x.json", "{}"});
    CHECK(refused(members) == ErrorCode::tampered);
    members = good;
    members.erase(members.begin());
    CHECK(refused(members) == ErrorCode::tampered);
  }
  SECTION("a blob with another content, and one too few") {
    const auto blob = std::ranges::find_if(
        members, [](const Member& member) { return member.name.starts_with(workflow::k_backup_blobs); });
    REQUIRE(blob != members.end());
    auto fewer = members;
    fewer.erase(fewer.begin() + (blob - members.begin()));
    CHECK(refused(fewer) == ErrorCode::tampered);
    blob->content.front() ^= 1;
    CHECK(refused(members) == ErrorCode::tampered);
  }
  SECTION("no list, an early end, a list of another kind") {
    members.pop_back();
    CHECK(refused(members) == ErrorCode::truncated);
    members = good;
    members.back().content = "{}";
    CHECK(refused(members) == ErrorCode::tampered);
    const auto cut_file = host.folder.path() / "cut.tar";
    fs::copy_file(file, cut_file);
    cut(cut_file, fs::file_size(file) / 2);
    CHECK(code_of([&] { host.restore(cut_file); }) == ErrorCode::truncated);
  }
  SECTION("a database with a trigger in it") {
    const auto database = std::ranges::find(members, "airlock.db", &Member::name);
    REQUIRE(database != members.end());
    const auto path = host.folder.path() / "airlock.db";
    base::write_file_atomic(path, database->content);
    base::Database(path, base::DatabaseMode::read_write)
        .execute("CREATE TRIGGER t AFTER INSERT ON audit BEGIN DELETE FROM audit; END; PRAGMA journal_mode=DELETE");
    database->content = text_of(path);
    list_anew(members);
    CHECK(refused(members) == ErrorCode::tampered);
    database->content = std::string(100, 'x');
    list_anew(members);
    CHECK(refused(members) == ErrorCode::tampered);
    // Right at the beginning, and broken behind it.
    database->content = text_of(path).substr(0, 1500);
    list_anew(members);
    CHECK(refused(members) == ErrorCode::tampered);
  }
}

TEST_CASE("a restore that ends at any moment leaves the old or the new", "[backup]") {
  TwoStates states;
  const auto file = states.backup();
  states.take(2);
  auto& site = states.site;
  struct Killed {};
  for (int at = 0; at < 40; ++at) {
    CAPTURE(at);
    const base::TempDir copy;
    fs::copy(site.home.root, copy.path() / "home", fs::copy_options::recursive);
    const workflow::Home home{copy.path() / "home", copy.path() / "home"};
    auto options = options_for(home, file);
    options.present = workflow::RestoreOptions::Present::put_aside;
    int step = 0;
    bool killed = false;
    options.at_step = [&](std::string_view) {
      if (step++ == at) {
        killed = true;
        throw Killed();
      }
    };
    try {
      workflow::restore_home(options, site.clock, site.reporter);
    } catch (const Killed&) {
    }
    if (killed && !workflow::restore_is_unfinished(home.root)) {
      // Before it was ready, or after all was in its place.
      const auto serial = store::StateDb(home.root, store::StateDb::Access::read).generations().front().serial;
      CHECK((serial == 3 || serial == 2));
    }
    if (workflow::restore_is_unfinished(home.root)) {
      options.at_step = {};
      CHECK(workflow::restore_home(options, site.clock, site.reporter).finished_earlier);
      CHECK(store::StateDb(home.root, store::StateDb::Access::read).generations().front().serial == 2);
    }
    CHECK_FALSE(fs::exists(home.root / ".restore"));
    if (!killed) {
      CHECK(at > 5);
      break;
    }
  }
}

TEST_CASE("a public key that lies among the private ones is no secret, and stops no backup", "[backup]") {
  TwoStates given;
  workflow::init_keys(given.site.home, {}, given.site.clock);
  const auto file = given.site.home.keys() / "anna.pem";
  base::write_file_atomic(file, "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n");
  workflow::BackupOptions options{
      .home = given.site.home, .file = given.site.folder.path() / "keys.tar", .secrets = Secrets::include, .blobs = {}};
  const auto report = workflow::write_backup(options, given.site.clock, given.site.reporter);
  CHECK(report.secrets == 4);
  CHECK(report.unencrypted_keys == 4);
  // Whoever unpacks it with `tar` gets them as they lay here.
  const auto archive = text_of(options.file);
  const auto mode_of = [&archive](const std::string& member) {
    return archive.substr(archive.find(member + '\0') + 100, 7);
  };
  CHECK(mode_of("keys/targets.pem") == "0000600");
  CHECK(mode_of("keys/1.root.json") == "0000644");
  OtherHost host;
  host.restore(options.file);
  CHECK(text_of(host.home.keys() / "anna.pem") == text_of(file));

  // A private key that others can read is still refused.
  fs::permissions(given.site.home.keys() / "targets.pem", fs::perms::others_read, fs::perm_options::add);
  options.file = given.site.folder.path() / "again.tar";
  CHECK(code_of([&] { return workflow::write_backup(options, given.site.clock, given.site.reporter); }) ==
        ErrorCode::untrusted);
}

TEST_CASE("a list of as many files as a home may have is read", "[backup]") {
  workflow::BackupList list;
  list.tool = "test";
  for (int i = 0; i < 250'001; ++i) {
    list.entries.push_back({"control/logs/" + std::to_string(i), 1, base::sha256("x")});
  }
  CHECK(workflow::parse_backup_list(to_text(list)).entries.size() == list.entries.size());
}

TEST_CASE("only the names of the fixed list are places", "[backup]") {
  for (const char* name :
       {"airlock.db", "keys/snapshot-2.pem", "keys/12.root.json", "keys/12.review.txt", "keys/pending/13.root.tbs",
        "keys/retired/targets-0a1b2c3d4e5f.pem", "channels/site-a/last.airlock", "config/roots/ab.json",
        "control/logs/ab/abc/0/1.log", "receipts/need-site-a-7.json"}) {
    CAPTURE(name);
    CHECK(workflow::find_backup_place(name) != nullptr);
  }
  for (const char* name : {"", "/", "airlock.db/", "keys", "keys/", "keys/..", "../airlock.db", "/airlock.db",
                           "keys/.pem", "channels/./last.airlock", "channels/a/b/last.airlock", "config/roots/x",
                           "control/lock", "AIRLOCK.DB", "keys/a b.pem"}) {
    CAPTURE(name);
    CHECK(workflow::find_backup_place(name) == nullptr);
  }
}
