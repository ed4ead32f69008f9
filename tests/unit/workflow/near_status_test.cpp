// What `status` tells of a home that makes bundles.
#include "base/files.hpp"
#include "support/catch.hpp"
#include "unit/workflow/near_host.hpp"
#include "workflow/approve.hpp"
#include "workflow/channel_state.hpp"
#include "workflow/root_change.hpp"
#include "workflow/run_journal.hpp"
#include "workflow/ship.hpp"
#include "workflow/status.hpp"

namespace airlock::workflow {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::Severity;
using test::content_for;
using test::FaultServer;
using test::url_entry;

// One channel; of two approvers' keys the second lies elsewhere.
class MakingHome {
 public:
  explicit MakingHome(std::uint64_t threshold) {
    init_keys(home, {.name = "Build host", .threshold = threshold}, clock);
    if (threshold > 1) {
      fs::rename(home.keys() / "snapshot-2.pem", folder.path() / "second.pem");
    }
    ring = std::make_unique<KeyRing>(home, std::nullopt);
  }
  CreateOptions options() {
    const std::string path = "/" + std::to_string(++m_made);
    m_server.script(path, {{.body = content_for(m_made, 1000)}});
    base::write_file_atomic(folder.path() / "site.yaml",
                            "name: site-a\nfiles:\n" + url_entry(m_server, path, content_for(m_made, 1000)));
    CreateOptions options;
    options.manifests = {folder.path() / "site.yaml"};
    options.output = (folder.path() / "out").string() + "/";
    options.readback = Readback::never;
    return options;
  }
  CreateReport create() { return create_bundle(home, options(), ring.get(), clock, reporter); }
  StatusReport status() const {
    return examine_status({.home = home, .wall = clock.now(), .stale_after = std::chrono::days(60)});
  }

  base::TempDir folder;
  Home home{.root = folder.path() / "home", .config = folder.path() / "home"};
  base::FixedClock clock{base::parse_rfc3339("2026-07-01T12:00:00Z")};
  test::RecordingReporter reporter;
  std::unique_ptr<KeyRing> ring;

 private:
  FaultServer m_server;
  unsigned m_made = 0;
};

std::size_t count_findings(const StatusReport& report, Severity severity, ErrorCode code, std::string_view text = "") {
  return static_cast<std::size_t>(std::ranges::count_if(report.findings, [&](const base::Finding& finding) {
    return finding.severity == severity && finding.code == code &&
           (finding.subject + ": " + finding.message).find(text) != std::string::npos;
  }));
}

TEST_CASE("status tells whose keys are in force, and where they are", "[workflow][status]") {
  MakingHome host(2);
  const StatusReport report = host.status();
  CHECK_FALSE(report.stale());
  CHECK(report.findings.empty());
  REQUIRE(report.near.keys);
  CHECK(report.near.keys->root_version == 1);
  CHECK(report.near.keys->thresholds.at("snapshot") == 2);
  CHECK(std::ranges::count_if(report.near.keys->keys,
                              [](const KeyInfo& key) { return key.role == "snapshot" && !key.file.empty(); }) == 1);
  CHECK(report.near.channels.empty());
  CHECK(report.channels.empty());
  const StatusReport other =
      examine_status({.home = {host.folder.path() / "other", host.folder.path() / "other"}, .wall = host.clock.now()});
  CHECK(other.near.empty());
}

TEST_CASE("status tells of a private key that is missing where bundles are made", "[workflow][status]") {
  MakingHome host(1);
  const auto role = GENERATE(as<std::string>{}, "targets", "timestamp");
  fs::rename(host.home.keys() / (role + ".pem"), host.folder.path() / "away.pem");
  const StatusReport report = host.status();
  CHECK_FALSE(report.stale());
  CHECK(report.findings.size() == 1);
  CHECK(count_findings(report, Severity::warning, ErrorCode::not_found, "key of role '" + role + "'") == 1);
}

TEST_CASE("status tells of a restored channel that waits for its newest bundle", "[workflow][status]") {
  MakingHome host(1);
  host.create();
  const ChannelState channel(host.home, host.status().near.channels.front().name);
  const auto waits = [&] {
    return count_findings(host.status(), Severity::warning, ErrorCode::base_missing, "with --continue");
  };
  CHECK(waits() == 0);
  channel.set_restored(RestoredChannel{.serial = 1, .floor = {}});
  CHECK(waits() == 1);
  channel.set_restored(RestoredChannel{.serial = 1, .floor = 2});
  CHECK(waits() == 1);
  channel.set_restored(RestoredChannel{.serial = 1, .floor = 1});  // somebody knows that there is no newer one
  CHECK(waits() == 0);
}

TEST_CASE("status tells which drafts wait, and for whom", "[workflow][status]") {
  MakingHome host(2);
  const CreateReport first = host.create();
  REQUIRE_FALSE(first.sealed);
  StatusReport report = host.status();
  CHECK_FALSE(report.stale());
  REQUIRE(report.near.channels.size() == 1);
  const MadeChannel& draft = report.near.channels.front();
  CHECK(draft.serial == 1);
  CHECK(draft.sealed == 0);
  CHECK(draft.expiries.empty());
  REQUIRE(draft.drafts.size() == 1);
  CHECK(draft.drafts.front().approvals == 1);
  CHECK(draft.drafts.front().threshold == 2);
  CHECK(draft.drafts.front().missing.size() == 1);
  CHECK(draft.drafts.front().bundle == first.bundle);
  CHECK(count_findings(report, Severity::note, ErrorCode::approval_missing, "1 of 2 people") == 1);

  const auto second = trust::load_private_key(host.folder.path() / "second.pem", std::nullopt);
  Draft open = open_draft(first.bundle, {}, host.ring->roots().back(), host.clock.now());
  sign_draft(host.home, open, {second.get()}, {}, host.clock, host.reporter);
  report = host.status();
  CHECK(report.near.channels.front().drafts.front().missing.empty());
  CHECK(count_findings(report, Severity::note, ErrorCode::approval_missing, "bundle seal " + first.bundle.string()) ==
        1);

  seal_bundle(host.home, {.bundle = first.bundle}, *host.ring, host.clock, host.reporter);
  report = host.status();
  CHECK(report.findings.empty());
  CHECK(report.near.channels.front().sealed == 1);
  CHECK(report.near.channels.front().expiries.size() == 3);
  CHECK(report.near.channels.front().drafts.empty());

  // What was sealed before the drafts is what the sites have.
  host.create();
  host.create();
  report = host.status();
  const MadeChannel& later = report.near.channels.front();
  CHECK(later.sealed == 1);
  REQUIRE(later.drafts.size() == 2);
  CHECK(later.drafts[0].serial == 3);
  CHECK(later.drafts[1].serial == 2);
  host.clock.set(later.drafts[0].expires);
  report = host.status();
  CHECK(count_findings(report, Severity::warning, ErrorCode::expired, "never sealed") == 2);
}

TEST_CASE("status warns before what this home signed ends, and is stale after", "[workflow][status]") {
  MakingHome host(1);
  const CreateReport made = host.create();
  REQUIRE(made.sealed);
  StatusReport report = host.status();
  CHECK(report.findings.empty());
  const base::Time timestamp = report.near.channels.front().expiries.at("timestamp");
  const base::Time snapshot = report.near.channels.front().expiries.at("snapshot");

  host.clock.set(timestamp - std::chrono::days(3));
  report = host.status();
  CHECK_FALSE(report.stale());
  CHECK(count_findings(report, Severity::warning, ErrorCode::expired, "timestamp expires in 3 days") == 1);
  host.clock.set(timestamp);
  report = host.status();
  CHECK(report.stale());
  CHECK(count_findings(report, Severity::error, ErrorCode::expired, "bundle 'site-a' 1: its timestamp expired") == 1);

  // A sending of the same state has a timestamp of its own, which only sendings.json knows.
  ShipOptions again;
  again.bundle = made.bundle;
  again.content = ShipContent::statements;
  again.output = (host.folder.path() / "again").string() + "/";
  again.readback = Readback::never;
  ship_bundle(host.home, again, *host.ring, host.clock, host.reporter);
  report = host.status();
  CHECK_FALSE(report.stale());
  CHECK(report.near.channels.front().expiries.at("timestamp") > timestamp);
  CHECK(report.near.channels.front().expiries.at("snapshot") == snapshot);

  host.clock.set(snapshot);
  CHECK(count_findings(host.status(), Severity::error, ErrorCode::expired, "its snapshot expired") == 1);
}

TEST_CASE("status warns before the root ends, and is stale after", "[workflow][status]") {
  MakingHome host(1);
  const base::Time expires = host.status().near.keys->expires;
  host.clock.set(expires - std::chrono::days(100));
  StatusReport report = host.status();
  CHECK_FALSE(report.stale());
  CHECK(count_findings(report, Severity::warning, ErrorCode::expired, "it expires in 100 days") == 1);
  host.clock.set(expires);
  report = host.status();
  CHECK(report.stale());
  CHECK(count_findings(report, Severity::error, ErrorCode::expired, "airlock keys renew") == 1);
}

TEST_CASE("status tells of a root that waits for signatures", "[workflow][status]") {
  base::TempDir folder;
  const Home home{.root = folder.path() / "home", .config = folder.path() / "home"};
  const base::FixedClock clock{base::parse_rfc3339("2026-07-01T12:00:00Z")};
  const auto holder = trust::generate_key(trust::Scheme::ed25519);
  KeysInitOptions options;
  options.holders["root"] = {{.role = "root", .name = "Anna", .key = holder->public_key()}};
  REQUIRE(init_keys(home, options, clock).pending);
  const StatusReport report = examine_status({.home = home, .wall = clock.now()});
  CHECK_FALSE(report.near.keys);
  REQUIRE(report.near.pending);
  CHECK(report.near.pending->version == 1);
  CHECK(count_findings(report, Severity::note, ErrorCode::approval_missing, "0 of 1 by its own") == 1);
}

TEST_CASE("status tells what was interrupted and can be continued", "[workflow][status]") {
  MakingHome host(1);
  auto options = host.options();
  FaultServer broken;
  broken.script("/gone", {{.status = 403}});
  base::write_file_atomic(host.folder.path() / "site.yaml",
                          "name: site-a\nfiles:\n" + url_entry(broken, "/gone", content_for(7, 1000)));
  CHECK(test::code_of([&] { return create_bundle(host.home, options, host.ring.get(), host.clock, host.reporter); }) ==
        ErrorCode::auth);
  StatusReport report = host.status();
  CHECK_FALSE(report.stale());
  REQUIRE(report.near.channels.size() == 1);
  CHECK(report.near.channels.front().serial == 0);
  REQUIRE(report.near.channels.front().interrupted.size() == 1);
  CHECK(report.near.channels.front().interrupted.front().what == InterruptedRun::What::create);
  CHECK(report.near.channels.front().interrupted.front().serial == 1);
  CHECK(count_findings(report, Severity::warning, ErrorCode::interrupted, "the same command continues it") == 1);

  // What is at work was not interrupted.
  {
    const base::FileLock busy(making_lock(host.home, "site-a"));
    report = host.status();
    CHECK(report.near.channels.empty());
    REQUIRE(report.services.size() == 1);
    CHECK(report.services.front().what == ServiceStatus::What::making);
  }
  // A run that another state has overtaken would begin anew.
  const ChannelState channel(host.home, "site-a");
  const auto plan = RunJournal(channel.run_folder()).plan();
  REQUIRE(plan);
  options.restart = true;
  host.options();  // another manifest, which can be fetched
  REQUIRE(create_bundle(host.home, options, host.ring.get(), host.clock, host.reporter).serial == 1);
  CHECK(host.status().near.channels.front().interrupted.empty());
  model::Lock lock;
  lock.channel = "site-a";
  RunJournal(channel.run_folder()).begin(*plan, lock);
  CHECK(host.status().near.channels.front().interrupted.empty());
}

TEST_CASE("what of a making home cannot be read hides nothing else", "[workflow][status]") {
  MakingHome host(1);
  host.create();
  base::write_file_atomic(host.home.channel("site-a") / "last.airlock", "no head");
  base::make_directories(host.home.channel("site-b"));
  const StatusReport report = host.status();
  CHECK(report.near.keys);
  CHECK(report.near.channels.empty());
  CHECK(count_findings(report, Severity::warning, ErrorCode::malformed, "channel 'site-a': it cannot be looked at") ==
        1);
}

}  // namespace
}  // namespace airlock::workflow
