// A backup that somebody exchanged where it lay, the true root in it: what it may make a host run and serve.
#include "backup_fixture.hpp"

#include <algorithm>

#include "base/sqlite.hpp"
#include "store/blob_store.hpp"
#include "store/catalog.hpp"
#include "workflow/block.hpp"
#include "workflow/generations.hpp"
#include "workflow/status.hpp"
#include "workflow/sweep.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

namespace {

// A site with two states, and its backup as members that can be changed.
struct Given {
  ProducerKeys keys;
  Site site{&keys};
  Medium medium;
  MadeBundle first = make_bundle(medium.path(), {text_file("a.txt", "old"), text_file("b.txt", "b")}, keys);
  MadeBundle second =
      make_bundle(medium.path(), {text_file("a.txt", "new"), text_file("b.txt", "b")}, keys,
                  {.serial = 2, .created = bundle_time(1), .previous = first.contents, .revoked = {"pkg:npm/evil"}});
  base::TempDir elsewhere;
  workflow::Home home{elsewhere.path() / "home", elsewhere.path() / "home"};
  std::vector<BackupMember> members;
  fs::path file;

  Given() {
    site.clock.set(bundle_time(3));
    site.import({first.head});
    site.import({second.head});
  }
  void back_up(workflow::BackupOptions::Blobs blobs) {
    file = elsewhere.path() / "backup.tar";
    workflow::write_backup({.home = site.home, .file = file, .secrets = {}, .blobs = blobs}, site.clock, site.reporter);
    members = members_of(file);
  }
  // With a list that fits what the members are now, as whoever exchanges the file makes it.
  void write() {
    list_anew(members);
    fs::remove(file);
    write_members(file, members);
  }
  void add(const std::string& name, std::string content) {
    members.insert(members.begin(), {name, std::move(content)});
  }
  void change_database(const std::string& sql) {
    const auto database = std::ranges::find(members, "airlock.db", &BackupMember::name);
    REQUIRE(database != members.end());
    const auto path = elsewhere.path() / "airlock.db";
    base::write_file_atomic(path, database->content);
    base::Database(path, base::DatabaseMode::read_write).execute(sql + "; PRAGMA journal_mode=DELETE");
    database->content = text_of(path);
    fs::remove(path);
    write();
  }
  workflow::RestoreOptions options() const { return options_for(home, file); }
  workflow::RestoreReport restore(const workflow::RestoreOptions& options) {
    return workflow::restore_home(options, site.clock, site.reporter);
  }
  void refused(const workflow::RestoreOptions& options) {
    const auto error = error_of([&] { restore(options); });
    CHECK(error.code() == ErrorCode::tampered);
    CHECK_FALSE(fs::exists(home.root / "airlock.db"));
    CHECK_FALSE(fs::exists(home.root / ".restore"));
  }
  std::optional<store::CatalogRow> served(std::string_view path) const {
    return store::Catalog::open_current(home.root)->find("file", path);
  }
};

using Blobs = workflow::BackupOptions::Blobs;

}  // namespace

TEST_CASE("only the file whose digest was written down is restored", "[backup][hostile]") {
  Given given;
  given.back_up(Blobs::include);
  const auto right = base::sha256(text_of(given.file));
  given.add("receipts/x.json", "{}");
  given.write();
  auto options = given.options();
  options.sha256 = right;
  given.refused(options);
  const auto seen = base::sha256(text_of(given.file));
  options.sha256 = seen;
  CHECK(given.restore(options).sha256 == seen);
}

TEST_CASE("what a backup would run is told before it counts", "[backup][hostile]") {
  Given given;
  given.back_up(Blobs::include);
  given.add("config/policy.yaml", "scan: { command: [evil, --now], at: [import], version: x }\n");
  given.add("keys/keys.json", R"({"name":"n","cadence":"monthly","keys":{"0123456789abcdef":{"command":["evil2"]}}})");
  given.write();
  auto options = given.options();
  std::vector<workflow::BroughtCommand> told;
  options.confirm = [&](const auto& commands, const base::Digest& seen) {
    told = commands;
    CHECK(seen == base::sha256(text_of(given.file)));
    CHECK_FALSE(fs::exists(given.home.root / "airlock.db"));
    throw base::Error(ErrorCode::interrupted, "not wanted");
  };
  CHECK(code_of([&] { given.restore(options); }) == ErrorCode::interrupted);
  CHECK_FALSE(fs::exists(given.home.root / "policy.yaml"));
  CHECK_FALSE(fs::exists(given.home.root / ".restore"));
  REQUIRE_FALSE(told.empty());
  CHECK(told.front().file == "policy.yaml");
  CHECK(told.front().argv == std::vector<std::string>{"evil", "--now"});
  CHECK_FALSE(told.front().in_force);
  CHECK(std::ranges::any_of(told, [](const auto& command) { return command.file == "keys/keys.json"; }));

  // What the home has already is nothing new; a file that nobody can read is.
  options.confirm = [&](const auto& commands, const base::Digest&) { told = commands; };
  const auto listed = given.restore(options).commands.size();
  CHECK(listed == told.size());
  options.present = workflow::RestoreOptions::Present::put_aside;
  given.restore(options);
  CHECK(told.front().in_force);
  given.members.front().content = "[";
  given.write();
  given.restore(options);
  CHECK(std::ranges::any_of(told, [](const auto& command) { return command.argv.empty() && !command.in_force; }));
}

TEST_CASE("a state that came as a delta in one file is proven by its head as well", "[backup][hostile]") {
  Given given;
  const auto delta =
      make_bundle(given.medium.path(), {text_file("a.txt", "newer"), text_file("b.txt", "b")}, given.keys,
                  {.serial = 3,
                   .created = bundle_time(2),
                   .omit = {"b.txt"},
                   .previous = given.second.contents,
                   .revoked = {"pkg:npm/evil"}});
  REQUIRE(delta.volumes.empty());
  given.site.import({delta.head});
  given.back_up(Blobs::include);
  const auto report = given.restore(given.options());
  CHECK(report.far_channels.front().served == 3);
  CHECK(given.served("a.txt")->sha256 == base::sha256("newer"));
}

TEST_CASE("rows that no signed head has are not restored", "[backup][hostile]") {
  Given given;
  given.back_up(Blobs::include);
  const std::string other = "(SELECT sha256 FROM files WHERE path='b.txt' LIMIT 1)";
  const auto sql =
      GENERATE_COPY(as<std::string>(), "UPDATE files SET sha256=" + other + " WHERE path='a.txt'",
                    "UPDATE files SET media_type='text/html' WHERE path='a.txt'",
                    "UPDATE files SET path='c.txt' WHERE path='a.txt' AND generation=2",
                    "INSERT INTO files SELECT generation, ecosystem, 'c.txt', artifact, kind, media_type, "
                    "platform, origin, pin, verified, length, sha256 FROM files WHERE path='a.txt'",
                    "DELETE FROM files WHERE path='b.txt' AND generation=1",
                    "UPDATE files SET sha256=" + other + " WHERE ecosystem='bundle'",
                    "UPDATE generations SET serial=3 WHERE serial=2", "UPDATE generations SET created=created+1",
                    "UPDATE generations SET bytes=1", "UPDATE generations SET head_digest='x'",
                    "UPDATE generations SET head_digest=(SELECT head_digest FROM generations WHERE id=1)");
  CAPTURE(sql);
  given.change_database(sql);
  given.refused(given.options());
}

TEST_CASE("a channel whose name leads out is refused", "[backup][hostile]") {
  Given given;
  given.back_up(Blobs::leave_out);
  // Of what is served and not here, a list is written that is called like the channel.
  const auto sql = GENERATE(as<std::string>(), "UPDATE channels SET channel='x/../../../../../out'",
                            "UPDATE channels SET channel=''", "UPDATE channels SET channel='A'",
                            "UPDATE channels SET producer='../x'");
  CAPTURE(sql);
  given.change_database(sql);
  given.refused(given.options());
  CHECK_FALSE(fs::exists(given.elsewhere.path() / "out-2.json"));
}

TEST_CASE("a head that others signed proves nothing", "[backup][hostile]") {
  Given given;
  const ProducerKeys others;
  Site forger(&others);
  forger.clock.set(bundle_time(3));
  Medium medium;
  forger.import({make_bundle(medium.path(), {text_file("a.txt", "evil")}, others).head});
  const auto backup = given.elsewhere.path() / "forged.tar";
  workflow::write_backup({.home = forger.home, .file = backup, .secrets = {}, .blobs = Blobs::include}, forger.clock,
                         forger.reporter);
  given.back_up(Blobs::include);
  const auto root = *std::ranges::find_if(
      given.members, [](const BackupMember& member) { return member.name.starts_with("config/roots/"); });
  // Everything is the forger's but the root, whose fingerprint is on paper.
  auto forged = members_of(backup);
  std::erase_if(forged, [](const BackupMember& member) { return member.name.starts_with("config/roots/"); });
  forged.insert(forged.begin(), root);
  given.members = forged;
  given.write();
  SECTION("as another producer, whose root is not pinned") {
    given.restore(given.options());
    CHECK_FALSE(given.served("a.txt"));
    const auto check = workflow::check_store({.home = given.home}, given.site.clock, given.site.reporter);
    CHECK(check.findings.empty());
    REQUIRE(check.unproven.size() == 1);
    CHECK(check.unproven.front().advice ==
          "its signed head is here: once the root of its producer is pinned (`airlock trust init`), `airlock store "
          "activate 1` proves it and serves it");
  }
  SECTION("in the name of the true one") {
    const auto producer = given.site.generations().front().channel.producer;
    given.change_database("UPDATE channels SET producer='" + producer + "'");
    given.refused(given.options());
  }
}

TEST_CASE("what is withheld, revoked and old stays so through a restore", "[backup][hostile]") {
  Given given;
  auto import = given.site.options({given.second.head});
  import.withhold = {base::sha256("b")};
  import.reason = "licence";
  workflow::import_bundles(import, given.site.clock, given.site.reporter);
  given.back_up(Blobs::include);
  // The thief takes the revocation out, adds one that nobody sees, and serves the state that was bad.
  given.change_database("DELETE FROM revoked; INSERT INTO aliases VALUES ('sha512:aa', x'00'); "
                        "UPDATE generations SET active=0; UPDATE generations SET active=1 WHERE id=1");
  const auto report = given.restore(given.options());
  REQUIRE(report.far_channels.size() == 1);
  CHECK(report.far_channels.front().served == 1);
  CHECK(report.far_channels.front().serial == 2);
  CHECK(report.far_channels.front().unproven == 0);
  CHECK(report.far_channels.front().root_version == 1);
  const store::StateDb state(given.home.root, store::StateDb::Access::read);
  REQUIRE(state.revoked().size() == 1);
  CHECK(state.revoked().front().item == "pkg:npm/evil");
  state.for_each_alias([](const base::Digest&, const base::Digest&) { FAIL("nobody signed it"); });
  REQUIRE(given.served("a.txt"));
  CHECK(given.served("b.txt")->kind == model::Kind::withheld);
}

TEST_CASE("a state whose head is not here is not served before its bundle comes again", "[backup][hostile]") {
  Given given;
  given.back_up(Blobs::include);
  std::vector<std::string> heads;
  for (const auto& generation : given.site.generations()) {
    heads.push_back(std::string(workflow::k_backup_blobs) + generation.head_digest);
  }
  std::erase_if(given.members, [&](const BackupMember& member) { return std::ranges::count(heads, member.name) > 0; });
  // Nothing seems to be lacking: the rows of the heads are gone with them.
  given.change_database(
      "DELETE FROM files WHERE ecosystem='bundle'; "
      "UPDATE files SET (sha256, length)=(SELECT sha256, length FROM files WHERE path='b.txt' LIMIT 1) "
      "WHERE path='a.txt'");
  const auto report = given.restore(given.options());
  CHECK(report.far_channels.front().unproven == 2);
  CHECK_FALSE(given.served("a.txt"));
  const auto status = [&] {
    return workflow::examine_status(
        {.home = given.home, .wall = given.site.clock.now(), .stale_after = std::chrono::days(90)});
  };
  CHECK(status().stale());
  const auto check = [&] { return workflow::check_store({.home = given.home}, given.site.clock, given.site.reporter); };
  const auto told = check();
  CHECK(told.findings.empty());
  REQUIRE(told.unproven.size() == 2);
  CHECK(told.unproven[0].generation.id == 2);
  CHECK(told.unproven[0].advice == "import bundle 2 again, or a newer one");
  CHECK(told.unproven[1].advice ==
        "it is older than bundle 2, so that it does not come in again: that one, or a newer one, stands in its place, "
        "and a later sweep frees this one");
  const auto hint_for = [&](std::uint64_t id) {
    const auto error =
        error_of([&] { return workflow::activate_generation(given.home, id, given.site.clock).generation; });
    CHECK(error.code() == ErrorCode::base_missing);
    return error.hint();
  };
  const std::string older = "it is older than bundle 2, so that it does not come in again; ";
  CHECK(hint_for(1) == older + "import bundle 2 again, or a newer one, with all that it needs");
  CHECK(hint_for(2) == "import bundle 2 again, or a newer one, with all that it needs");
  workflow::ImportOptions import;
  import.home = given.home;
  import.bundles = {given.second.head};
  workflow::import_bundles(import, given.site.clock, given.site.reporter);
  REQUIRE(given.served("a.txt"));
  CHECK(given.served("a.txt")->sha256 == base::sha256("new"));
  CHECK_FALSE(status().stale());
  CHECK(hint_for(1) == older + "`airlock store activate 3` serves bundle 2 in its place");
  // Now that its head is here, what was changed shows.
  CHECK(code_of([&] { workflow::activate_generation(given.home, 2, given.site.clock); }) == ErrorCode::tampered);
  const auto after = check();
  CHECK(after.findings.empty());
  REQUIRE(after.unproven.size() == 2);
  CHECK(after.unproven[0].advice ==
        "generation 3 is the same state, and proven: nothing to do, a later sweep frees this one");
}

TEST_CASE("a state under a root that was replaced since is proven as it was, and said to be so", "[backup][hostile]") {
  Given given;
  given.keys.rotate("targets");
  Medium medium;
  auto options =
      given.site.options({make_bundle(medium.path(), {text_file("a.txt", "third")}, given.keys,
                                      {.serial = 3, .created = bundle_time(2), .previous = given.second.contents})
                              .head});
  options.activation = workflow::Activation::hold;
  workflow::import_bundles(options, given.site.clock, given.site.reporter);
  given.back_up(Blobs::include);
  const auto report = given.restore(given.options());
  CHECK(report.far_channels.front().served == 2);
  CHECK(report.far_channels.front().root_version == 1);
  CHECK(report.far_channels.front().known_root == 2);
  CHECK(given.served("a.txt")->sha256 == base::sha256("new"));
  workflow::activate_generation(given.home, 3, given.site.clock);
  CHECK(given.served("a.txt")->sha256 == base::sha256("third"));
}
