// A serial is used once: whatever interrupts a command after it has signed, and whatever a backup did not know.
#include <algorithm>

#include "bundle/authoring.hpp"
#include "support/catch.hpp"
#include "trust/metadata.hpp"
#include "unit/workflow/near_host.hpp"
#include "workflow/backup.hpp"
#include "workflow/channel_state.hpp"
#include "workflow/floors.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/restore.hpp"
#include "workflow/revoke.hpp"
#include "workflow/ship.hpp"

namespace airlock::workflow {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using test::NearHost;

const base::Time k_later = base::parse_rfc3339("2026-07-01T18:00:00Z");

// A channel of files of its own disk, whose commands can be made to fail after their bundle has its name: a folder
// stands where one of the small files beside it goes.
class Channel {
 public:
  explicit Channel(trust::Scheme scheme = trust::Scheme::ed25519) {
    init_keys(home, {.scheme = scheme}, clock);
    keys = std::make_unique<KeyRing>(home, std::nullopt);
    fs::create_directories(out());
  }

  fs::path out() const { return folder.path() / "out"; }
  fs::path obstacle() const { return out() / "root.json"; }
  ChannelState state() const { return {home, "site-a"}; }
  std::string fingerprint() const { return read_own_root(home)->producer(); }  // of the first root, hex

  CreateOptions options(const std::string& content, const std::string& output = "out") {
    base::write_file_atomic(folder.path() / "a.txt", content);
    base::write_file_atomic(folder.path() / "site.yaml",
                            "name: site-a\nfiles:\n  - { source: a.txt, path: data/a.txt }\n");
    CreateOptions options;
    options.manifests = {folder.path() / "site.yaml"};
    options.output = (folder.path() / output).string() + "/";
    options.readback = Readback::never;
    return options;
  }
  CreateReport create(const CreateOptions& options) {
    return create_bundle(home, options, keys.get(), clock, reporter);
  }
  RevokeOptions revoking(const std::string& content, const std::string& output = "out") const {
    RevokeOptions options;
    options.items = {base::sha256(content).to_string()};
    options.reason = "found bad";
    options.output = (folder.path() / output).string() + "/";
    options.readback = Readback::never;
    return options;
  }
  RevokeReport revoke(const RevokeOptions& options) { return workflow::revoke(home, options, *keys, clock, reporter); }
  ShipReport ship_statements(const fs::path& bundle, const std::string& output) {
    ShipOptions options;
    options.bundle = bundle;
    options.content = ShipContent::statements;
    options.output = (folder.path() / output).string() + "/";
    options.readback = Readback::never;
    return ship_bundle(home, options, *keys, clock, reporter);
  }
  // The channel's folder as it was then, as after a restore of a backup.
  void keep_backup() { fs::copy(home.channel("site-a"), folder.path() / "backup", fs::copy_options::recursive); }
  void restore_backup(std::optional<std::uint64_t> floor) {
    fs::remove_all(home.channel("site-a"));
    fs::copy(folder.path() / "backup", home.channel("site-a"), fs::copy_options::recursive);
    state().set_restored(RestoredChannel{.serial = state().last()->hint().serial, .floor = floor});
  }

  base::TempDir folder;
  Home home{.root = folder.path() / "home", .config = folder.path() / "home"};
  base::FixedClock clock{base::parse_rfc3339("2026-07-01T12:00:00Z")};
  test::RecordingReporter reporter;
  std::unique_ptr<KeyRing> keys;
};

std::uint64_t timestamp_version(const fs::path& bundle) {
  const auto bytes = bundle::Head::read(bundle).metadata("timestamp.json").value();
  return trust::parse_timestamp(trust::parse_signed(bytes, "timestamp.json", trust::k_timestamp_limit)).version;
}

std::string sums_of(const fs::path& head) {
  return test::read_whole(fs::path(head).replace_extension(".sha256"));
}

TEST_CASE("a serial is taken before its bundle has a name, whatever stops the rest", "[workflow][create][resume]") {
  Channel near;
  const auto options = near.options("bad");
  fs::create_directories(near.obstacle());
  REQUIRE_THROWS(near.create(options));
  REQUIRE(fs::exists(near.out() / "site-a-1.airlock"));
  fs::remove(near.obstacle());
  REQUIRE(near.state().last());
  CHECK(near.state().last()->hint().serial == 1);
  CHECK(near.state().bundles().size() == 1);

  SECTION("a revocation is the next state") {
    CHECK(near.revoke(near.revoking("bad")).serial == 2);
    // The interrupted run is brought to its end and changes nothing of what came after.
    const auto report = near.create(options);
    CHECK(report.continued);
    CHECK(report.serial == 1);
    CHECK(near.state().last()->hint().serial == 2);
    CHECK(near.create(near.options("good")).serial == 3);
  }
  SECTION("another state, to another place, is the next one") {
    CHECK(near.create(near.options("good", "elsewhere")).serial == 2);
    const auto bundles = near.state().bundles();
    CHECK(std::ranges::count(bundles, std::uint64_t{1}, &WrittenBundle::serial) == 1);
  }
  SECTION("--restart makes the next one") {
    auto again = options;
    again.restart = true;
    CHECK(near.create(again).serial == 2);
  }
}

TEST_CASE("a run that goes on to another medium says the same as before", "[workflow][create][resume]") {
  const auto scheme = GENERATE(trust::Scheme::ed25519, trust::Scheme::ecdsa_p256);
  Channel near(scheme);
  CHECK(near.create(near.options("before")).serial == 1);
  auto options = near.options("content");
  const bool volumes = GENERATE(false, true);
  if (volumes) {
    options.volume_size = 128 * 1024;
  }
  fs::remove(near.obstacle());
  fs::create_directories(near.obstacle());
  base::write_file_atomic(near.out() / "site-a-2.root.json", "another root");
  REQUIRE_THROWS(near.create(options));
  const fs::path first = near.folder.path() / "first";
  fs::rename(near.out(), first);
  fs::create_directories(near.out());

  near.clock.set(k_later);
  const auto report = near.create(options);
  CHECK(report.continued);
  CHECK(report.serial == 2);
  CHECK(report.previous_serial == 1);
  const auto one = bundle::Head::read(first / "site-a-2.airlock").contents();
  const auto other = bundle::Head::read(report.bundle).contents();
  CHECK(one.metadata == other.metadata);
  CHECK(one.targets == other.targets);
  CHECK(one.oci_index == other.oci_index);
  for (const auto& volume : report.volumes) {
    CHECK(test::read_whole(volume) == test::read_whole(first / volume.filename()));
  }
  CHECK(verify_own_head(bundle::Head::read(report.bundle), near.home).descriptor().serial == 2);
  CHECK(near.state().before_last()->hint().serial == 1);
  CHECK_FALSE(fs::exists(near.home.channel("site-a") / "run"));
  CHECK(near.create(near.options("next")).serial == 3);
}

TEST_CASE("a head that never got its name is not signed a second time", "[workflow][create][resume]") {
  Channel near;
  auto options = near.options("content");
  options.volume_size = 128 * 1024;
  const fs::path partial = near.out() / "site-a-1.airlock.partial";
  fs::create_directories(partial);
  REQUIRE_THROWS(near.create(options));
  fs::remove(partial);
  const auto last = near.state().last();
  REQUIRE(last);
  near.clock.set(k_later);
  const auto report = near.create(options);
  CHECK(report.serial == 1);
  CHECK(bundle::Head::read(report.bundle).contents().metadata == last->contents().metadata);
}

TEST_CASE("a restored home revokes only where it knows the newest state", "[workflow][revoke][restore]") {
  Channel near;
  near.create(near.options("bad"));
  near.keep_backup();
  const auto lost = near.create(near.options("bad and more"));
  const bool floor_known = GENERATE(false, true);
  near.restore_backup(floor_known ? std::optional<std::uint64_t>(2) : std::nullopt);
  auto options = near.revoking("bad", "elsewhere");
  const auto error = test::error_of([&] { return near.revoke(options); });
  CHECK(error.code() == ErrorCode::base_missing);
  CHECK(error.hint().find("--continue") != std::string::npos);
  CHECK(near.state().last()->hint().serial == 1);

  options.continue_from = lost.bundle;
  const auto report = near.revoke(options);
  CHECK(report.serial == 3);
  CHECK(near.state().before_last()->hint().serial == 2);
  CHECK_FALSE(near.state().restored());
  CHECK(near.create(near.options("good")).serial == 4);
}

TEST_CASE("a restored home asks for no bundle further ahead than can be right", "[workflow][restore]") {
  Channel near;
  near.create(near.options("content"));
  const fs::path backup = near.folder.path() / "backup.tar";
  write_backup({.home = near.home, .file = backup}, near.clock, near.reporter);
  int homes = 0;
  const auto floor_after = [&](const std::string& text, bool from_receipt) {
    RestoreOptions options;
    const fs::path home = near.folder.path() / ("restored-" + std::to_string(++homes));
    options.home = {.root = home, .config = home};
    options.file = backup;
    options.floors = {parse_floor(text)};
    options.floors.front().from_receipt = from_receipt;
    return restore_home(options, near.clock, near.reporter).near_channels.front().floor.value();
  };
  CHECK(floor_after("site-a:10001", true) == 10'001);
  CHECK(test::code_of([&] { return floor_after("site-a:10002", true); }) == ErrorCode::usage);
  CHECK(floor_after("site-a:1000001", false) == 1'000'001);
  CHECK(test::code_of([&] { return floor_after("site-a:9007199254740991", false); }) == ErrorCode::usage);
  CHECK_FALSE(fs::exists(near.folder.path() / ("restored-" + std::to_string(homes)) / "channels"));
}

TEST_CASE("a restored home takes no floor of another producer's channel", "[workflow][restore]") {
  Channel near;
  near.create(near.options("content"));
  const std::string own = near.fingerprint();
  const std::string other = Channel().fingerprint();
  const fs::path backup = near.folder.path() / "backup.tar";
  write_backup({.home = near.home, .file = backup}, near.clock, near.reporter);
  int homes = 0;
  const auto floor_after = [&](const std::vector<std::string>& texts) {
    RestoreOptions options;
    const fs::path home = near.folder.path() / ("restored-" + std::to_string(++homes));
    options.home = {.root = home, .config = home};
    options.file = backup;
    for (const std::string& text : texts) {
      options.floors.push_back(parse_floor(text));
    }
    return restore_home(options, near.clock, near.reporter).near_channels.front().floor;
  };
  CHECK(floor_after({"site-a:3,producer=" + own.substr(0, 12), "site-a:17,producer=" + other}) == 3U);
  CHECK_FALSE(floor_after({"site-a:17,producer=" + other.substr(0, 12)}));
  // Nor does one of its floors have to be near what is known here.
  CHECK(floor_after({"site-a:9000000,producer=" + other, "site-a:2"}) == 2U);
}

TEST_CASE("a restored home sends no timestamp version and no number a second time", "[workflow][ship][restore]") {
  Channel near;
  const auto made = near.create(near.options("content"));
  near.ship_statements(made.bundle, "s2");
  near.keep_backup();
  const auto lost = near.ship_statements(made.bundle, "s3");
  CHECK(lost.shipment == 3);
  near.restore_backup(1);

  SECTION("of a state that the backup knew") {
    near.clock.set(k_later);
    const auto sent = near.ship_statements(made.bundle, "s4");
    CHECK(sent.shipment > lost.shipment + 50);
    CHECK(timestamp_version(sent.bundle) > timestamp_version(lost.bundle) + 50);
    const auto next = near.ship_statements(made.bundle, "s5");
    CHECK(next.shipment == sent.shipment + 1);
    CHECK(timestamp_version(next.bundle) == timestamp_version(sent.bundle) + 1);
  }
  SECTION("also with bytes, and after a newer state was made") {
    const auto newer = near.create(near.options("newer", "elsewhere"));
    ShipOptions options;
    options.bundle = made.bundle;
    options.output = (near.folder.path() / "s4").string() + "/";
    options.readback = Readback::never;
    const auto sent = ship_bundle(near.home, options, *near.keys, near.clock, near.reporter);
    CHECK(sent.shipment > lost.shipment + 50);
    CHECK(timestamp_version(sent.bundle) > timestamp_version(lost.bundle) + 50);
    // What was made after the restore is known from its first sending on.
    CHECK(near.ship_statements(newer.bundle, "s5").shipment == 2);
  }
}

TEST_CASE("a revocation that was interrupted goes on with the same statement", "[workflow][revoke][resume]") {
  Channel near;
  near.create(near.options("bad"));
  fs::remove(near.obstacle());
  auto options = near.revoking("bad");

  SECTION("after the bundle had its name") {
    fs::create_directories(near.obstacle());
    REQUIRE_THROWS(near.revoke(options));
    fs::remove(near.obstacle());
  }
  SECTION("before it had one") {
    fs::create_directories(near.out() / "site-a-2.airlock.partial");
    REQUIRE_THROWS(near.revoke(options));
    fs::remove(near.out() / "site-a-2.airlock.partial");
  }
  SECTION("to another place") {
    fs::create_directories(near.obstacle());
    REQUIRE_THROWS(near.revoke(options));
    fs::remove(near.obstacle());
    options = near.revoking("bad", "elsewhere");
  }
  const auto signed_before = near.state().last();
  REQUIRE(signed_before->hint().serial == 2);
  near.clock.set(k_later);
  const auto report = near.revoke(options);
  CHECK(report.continued);
  CHECK(report.serial == 2);
  CHECK(report.sealed);
  REQUIRE(report.added.size() == 1);
  CHECK(report.added.front().reason == "found bad");
  const auto written = bundle::Head::read(report.bundle).contents();
  CHECK(written.metadata == signed_before->contents().metadata);
  CHECK(sums_of(report.bundle).find(base::sha256(test::read_whole(report.bundle)).hex()) != std::string::npos);
  CHECK(near.state().bundles().front().head == report.bundle);
  // It is done now: the same again is refused, and what comes next has the next serial.
  CHECK(test::code_of([&] { return near.revoke(options); }) == ErrorCode::conflict);
  CHECK(near.create(near.options("good")).serial == 3);
}

TEST_CASE("a name that is revoked means what is called so now, and that is said", "[workflow][revoke]") {
  Channel near;
  near.create(near.options("bad"));
  const auto noted = [&] {
    const auto notes = near.reporter.notes();
    return std::ranges::any_of(notes, [](const std::string& note) {
      return note.find("'file:data/a.txt' takes back what is called so in the newest state, and no later version") !=
             std::string::npos;
    });
  };
  CHECK_FALSE(noted());
  RevokeOptions options = near.revoking("bad");
  options.items = {"file:data/a.txt"};
  const auto report = near.revoke(options);
  CHECK(report.added.size() == 1);
  CHECK(report.files == 1);
  CHECK(noted());
}

}  // namespace
}  // namespace airlock::workflow
