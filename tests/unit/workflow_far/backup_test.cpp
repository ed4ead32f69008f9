// A home in a file and back: what is in it, one that was changed, and a restore that ends at any moment.
#include "backup_fixture.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "base/sqlite.hpp"
#include "store/blob_store.hpp"
#include "store/catalog.hpp"
#include "workflow/generations.hpp"
#include "workflow/keys.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/receipt.hpp"
#include "workflow/sweep.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

namespace {

using Blobs = workflow::BackupOptions::Blobs;
using Secrets = workflow::BackupOptions::Secrets;

}  // namespace

TEST_CASE("a restore says for each producer's channel of one name what it lacks", "[backup]") {
  BackupStates states;
  const ProducerKeys others;
  workflow::pin_root(states.site.home, others.first_root(), {});
  const Medium medium;
  states.site.import({make_bundle(medium.path(), {text_file("c.txt", "c")}, others, {.serial = 2}).head});
  const auto file = states.backup();

  OtherHost host;
  const auto report = host.restore(file);
  REQUIRE(report.far_channels.size() == 2);
  for (const auto& channel : report.far_channels) {
    CHECK(channel.lacking > 0);
    CHECK(channel.need ==
          host.home.root / "receipts" / ("need-site-a-2-" + channel.key.producer.substr(0, 12) + ".json"));
    const auto need = workflow::read_receipt(channel.need);
    CHECK(need.need_producer == channel.key.producer);
    CHECK(need.missing.size() == channel.lacking);
  }
}

TEST_CASE("a backup without blobs comes back, and the same bundle brings the content", "[backup]") {
  BackupStates states;
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
    return std::pair(host.status(std::chrono::days(60)),
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

TEST_CASE("a backup with blobs serves at once", "[backup]") {
  BackupStates states;
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
  BackupStates states;
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

TEST_CASE("a backup that was changed restores nothing", "[backup]") {
  BackupStates states;
  const auto file = states.backup(Blobs::include);
  const auto good = members_of(file);
  OtherHost host;
  const auto refused = [&](const std::vector<BackupMember>& members) {
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
        members, [](const BackupMember& member) { return member.name.starts_with(workflow::k_backup_blobs); });
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
    const auto database = std::ranges::find(members, "airlock.db", &BackupMember::name);
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
  BackupStates states;
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
  BackupStates given;
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
