// What an attacker with some of the keys, or with none, brings to a site: what the site says, keeps and goes on with.
#include "far_fixture.hpp"

#include <deque>

#include "attacks/attack_kit.hpp"
#include "base/json.hpp"
#include "bundle/inspection.hpp"
#include "bundle/oci_index.hpp"
#include "ecosystem/ecosystem.hpp"
#include "store/blob_store.hpp"
#include "workflow/extract.hpp"
#include "workflow/floors.hpp"
#include "workflow/status.hpp"
#include "workflow/sweep.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;
using base::Json;

namespace {

fs::path write_head(const fs::path& path, const bundle::HeadContents& head) {
  write_bytes(path, bundle::build_head(head, std::nullopt, bundle::HeadEnd::alone).value());
  return path;
}

// The statements of `made` alone, its timestamp with another version: what the timestamp key can say.
fs::path fast_forward(const fs::path& path, const ProducerKeys& keys, const MadeBundle& made, std::uint64_t version) {
  DishonestProducer thief(keys, made.contents);
  thief.edit_role("timestamp", [&](Json& part) { part["version"] = version; });
  return write_head(path, thief.head);
}

MadeBundle metadata_of(const fs::path& folder, const ProducerKeys& keys, BundlePlan plan, const std::string& text) {
  plan.metadata_only = true;
  return make_bundle(folder, {text_file("a.txt", text)}, keys, plan);
}

}  // namespace

TEST_CASE("what goes beyond a limit is refused like any other tampering") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto made = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys);
  DishonestProducer producer(keys, made.contents);
  Json file = Json::parse(producer.role_bytes("snapshot"));
  for (std::size_t i = 0; i < trust::k_signature_limit; ++i) {
    file["signatures"].push_back({{"keyid", base::sha256(std::to_string(i)).hex()}, {"sig", "00"}});
  }
  producer.set_role_bytes("snapshot", file.dump(1) + "\n");
  const auto head = write_head(medium.path() / "flood.airlock", producer.head);
  const auto error = error_of([&] { return site.import({head}); });
  CHECK(error.code() == ErrorCode::tampered);
  CHECK(error.message().find("signatures") != std::string::npos);
  CHECK(site.verify(head).exit_code() == 3);
  CHECK(site.generations().empty());
}

TEST_CASE("a path under another artifact's name is refused, and an inspection shows it") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  auto file = text_file("installers/prod-root-ca.sh", "evil");
  file.artifact = "pkg:generic/release-notes.txt@1.0.0";
  const auto made = make_bundle(medium.path(), {file, text_file("a.txt", "one")}, keys);
  const auto error = error_of([&] { return site.import({made.head}); });
  CHECK(error.code() == ErrorCode::tampered);
  CHECK(error.message().find("installers/prod-root-ca.sh") != std::string::npos);
  CHECK(error.message().find("pkg:generic/release-notes.txt@1.0.0") != std::string::npos);
  CHECK(site.verify(made.head).exit_code() == 3);
  CHECK(site.generations().empty());
  const auto inspection = bundle::inspect(bundle::Head::read(made.head), bundle_time(1), ecosystem::belongs);
  const auto text = bundle::render_text(inspection, nullptr, bundle::Detail::artifacts);
  CHECK(text.find("FAILED") != std::string::npos);
  CHECK(text.find("    file  installers/prod-root-ca.sh\n") != std::string::npos);
}

TEST_CASE("a blob that nobody listed is told of, and not taken") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto made = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys, {.volume_size = 1 << 20});
  auto members = take_apart(made.volumes[0]);
  members.push_back({.name = "blobs/sha256/" + base::sha256("evil").hex(), .content = "evil"});
  write_bytes(made.volumes[0], put_together(members));
  const auto report = site.verify(made.head);
  CHECK(report.ok());
  CHECK(has_finding(report, ErrorCode::foreign, "does not list"));
  const auto imported = site.import({made.head});
  CHECK(std::any_of(imported.notes.begin(), imported.notes.end(),
                    [](const auto& note) { return note.message.find("does not list") != std::string::npos; }));
  CHECK_FALSE(store::BlobStore(site.home.blobs()).open(base::sha256("evil")));
}

TEST_CASE("a blob that nobody listed, in the bundle's own file, is refused, also where all of it is here already") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto made = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys);
  const bool before = GENERATE(true, false);
  if (before) {
    site.import({made.head});
  }
  auto members = take_apart(made.head);
  members.push_back({.name = "blobs/sha256/" + base::sha256("evil").hex(), .content = "evil"});
  write_bytes(made.head, put_together(members));
  const auto error = error_of([&] { return site.import({made.head}); });
  CHECK(error.code() == ErrorCode::tampered);
  CHECK(error.message().find(base::sha256("evil").hex()) != std::string::npos);
  CHECK(site.verify(made.head).exit_code() == 3);
  CHECK(site.generations().size() == (before ? 1U : 0U));
}

TEST_CASE("a stolen timestamp key leaps no further than the versions of its own snapshot") {
  ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys);
  site.import({first.head});
  const auto empty = metadata_of(medium.path(), keys, {.shipment = 2, .single_file = medium.path() / "m"}, "one");

  for (const auto version : std::vector<std::uint64_t>{5'000'000'000, 900'000, 2'000}) {
    CAPTURE(version);
    const auto leap = fast_forward(medium.path() / "leap", keys, empty, version);
    CHECK(code_of([&] { return site.import({leap}); }) == ErrorCode::untrusted);
    CHECK(site.verify(leap).exit_code() == 3);
    Site fresh(&keys);  // that has nothing to compare it with
    CHECK(code_of([&] { return fresh.import({leap}); }) == ErrorCode::untrusted);
  }
  const auto refused =
      error_of([&] { return site.import({fast_forward(medium.path() / "leap", keys, empty, 900'000)}); });
  CHECK(refused.message() == "the timestamp has version 900000, and those of snapshot version 1 go from 1000 to 1999");
  CHECK(refused.hint().find("ask the producer") != std::string::npos);

  // The last one of the snapshot makes other sendings of this state look old, and nothing else.
  const auto last = fast_forward(medium.path() / "last", keys, empty, 1'999);
  CHECK(site.import({last}).bundles.front().outcome == workflow::ImportedBundle::Outcome::refreshed);
  CHECK(site.import({first.head}).bundles.front().outcome == workflow::ImportedBundle::Outcome::nothing_to_do);
  const BundlePlan second{.serial = 2, .created = bundle_time(1), .previous = first.contents};
  site.clock.set(bundle_time(2));
  site.import({make_bundle(medium.path(), {text_file("a.txt", "two")}, keys, second).head});
  CHECK(site.served("file", "a.txt") == "two");
  CHECK(code_of([&] { return site.import({last}); }) == ErrorCode::rollback);
}

TEST_CASE("versions that a thief used up are said to be so, and new keys go on") {
  ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys);
  site.import({first.head});
  {
    // As an airlock that did not compare the two versions took it in.
    DishonestProducer thief(keys, first.contents);
    thief.edit_role("timestamp", [&](Json& part) { part["version"] = 900'000; });
    store::StateDb state(site.home.root, store::StateDb::Access::change);
    auto change = state.change();
    state.set_role(state.channels().front(), "timestamp", thief.role_bytes("timestamp"));
    change.commit();
  }
  const BundlePlan second{.serial = 2, .created = bundle_time(1), .previous = first.contents};
  const auto blocked = make_bundle(medium.path(), {text_file("a.txt", "two")}, keys, second);
  site.clock.set(bundle_time(2));
  const auto refused = error_of([&] { return site.import({blocked.head}); });
  CHECK(refused.code() == ErrorCode::rollback);
  CHECK(refused.message() == "timestamp version 2000 follows the trusted version 900000");
  CHECK(refused.hint() == "it says to be bundle 2, newer than 1, which is here, though its timestamp or snapshot is "
                          "older: ask the producer whether the timestamp key is safe (docs/operations/night.md)");
  const auto verified = site.verify(blocked.head);
  CHECK(verified.exit_code() == 5);
  CHECK(has_finding(verified, ErrorCode::rollback, "ask the producer whether the timestamp key is safe"));
  CHECK(site.served("file", "a.txt") == "one");

  keys.rotate("timestamp");
  Medium later;
  site.import({make_bundle(later.path(), {text_file("a.txt", "two")}, keys, second).head});
  CHECK(site.served("file", "a.txt") == "two");
}

TEST_CASE("a site may follow a leap when its policy says so") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys);
  site.import({first.head});
  const auto far =
      make_bundle(medium.path(), {text_file("a.txt", "two")}, keys, {.serial = 5'000'000, .previous = first.contents});
  CHECK(code_of([&] { return site.import({far.head}); }) == ErrorCode::untrusted);
  base::write_file_atomic(site.home.config / "policy.yaml", "largest_version_jump: 6000000\n");
  CHECK(site.import({far.head}).bundles.front().outcome == workflow::ImportedBundle::Outcome::imported);
}

TEST_CASE("a site that missed more than a thousand states takes the next one") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys);
  site.import({first.head});
  // The state before the one that arrives: 1,100 further on, in each version that rises with a state.
  DishonestProducer before(keys, first.contents);
  before.edit_role("snapshot", [](Json& part) { part["version"] = 1'101; });
  before.edit_role("timestamp", [](Json& part) {
    part["version"] = 1'101'000;
    part["meta"]["snapshot.json"]["version"] = 1'101;
  });
  auto snapshot = before.head.metadata.extract("1.snapshot.json");
  snapshot.key() = "1101.snapshot.json";
  before.head.metadata.insert(std::move(snapshot));
  const auto next = make_bundle(medium.path(), {text_file("a.txt", "two")}, keys,
                                {.serial = 1'102, .created = bundle_time(1), .previous = before.head});
  site.clock.set(bundle_time(2));
  CHECK(site.verify(next.head).exit_code() == 0);
  CHECK(site.import({next.head}).bundles.front().serial == 1'102);
  CHECK(site.served("file", "a.txt") == "two");
}

TEST_CASE("a serial that leaps is not followed, whatever the versions say") {
  const ProducerKeys keys;
  Site site(&keys);
  std::deque<Medium> media;  // one each: two of them have the same serial
  const auto made_as = [&](std::uint64_t serial, const std::optional<bundle::HeadContents>& previous = {}) {
    return make_bundle(media.emplace_back().path(), {text_file("a.txt", std::to_string(serial))}, keys,
                       {.serial = serial, .previous = previous});
  };
  const auto refuse = [&](const MadeBundle& made) {
    CAPTURE(made.head);
    CHECK(site.verify(made.head).exit_code() == 3);  // at first without any state
    CHECK(code_of([&] { return site.import({made.head}); }) == ErrorCode::untrusted);
  };
  // No site may begin so far on, and each may join a channel that is old, also with a policy that takes small steps.
  refuse(made_as(bundle::k_number_limit));
  refuse(made_as(1'000'001));
  CHECK(site.generations().empty());
  base::write_file_atomic(site.home.config / "policy.yaml", "largest_version_jump: 500\n");
  const auto old = made_as(1'040);
  CHECK(site.verify(old.head).ok());
  CHECK(site.import({old.head}).bundles.front().serial == 1'040);
  fs::remove(site.home.config / "policy.yaml");

  refuse(made_as(bundle::k_number_limit, old.contents));
  refuse(made_as(1'001'041, old.contents));
  // What was missed for many years is a small step.
  CHECK(site.import({made_as(3'000, old.contents).head}).bundles.front().serial == 3'000);
}

TEST_CASE("a serial that a thief used up is lowered with a reason, and the producer's new keys go on") {
  ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys);
  const auto stolen = make_bundle(medium.path(), {text_file("a.txt", "evil")}, keys,
                                  {.serial = 900'000, .created = bundle_time(1), .previous = first.contents});
  site.import({first.head});
  site.clock.set(bundle_time(2));
  site.import({stolen.head});
  const auto lower = [&](const std::string& text) {
    store::StateDb state(site.home.root, store::StateDb::Access::change);
    auto change = state.change();
    auto result = workflow::lower_floor(state, site.home, workflow::parse_floor(text), {"stolen", ""}, bundle_time(2));
    change.commit();
    return result;
  };
  const auto warnings = site.reporter.warnings();
  CHECK(std::any_of(warnings.begin(), warnings.end(), [](const std::string& line) {
    return line.starts_with("the serial of channel 'site-a' leapt from 1 to 900000: ask the producer");
  }));
  const auto missing = [&] {
    return workflow::examine_status({.home = site.home, .wall = site.clock.now(), .stale_after = std::chrono::days(90)})
        .channels.front();
  };
  CHECK(missing().missing_serials.size() == 20);
  CHECK(missing().missing_count == 899'998);
  CHECK(code_of([&] { return lower("site-a:900000"); }) == ErrorCode::usage);
  Medium later;

  SECTION("with the next state") {
    for (const char* role : {"timestamp", "snapshot", "targets"}) {
      keys.rotate(role);
    }
    const auto second = make_bundle(later.path(), {text_file("a.txt", "two")}, keys,
                                    {.serial = 2, .created = bundle_time(1), .previous = first.contents});
    const auto refused = error_of([&] { return site.import({second.head}); });
    CHECK(refused.code() == ErrorCode::rollback);
    CHECK(refused.hint().find("`airlock trust floor --lower site-a:SERIAL --reason TEXT`") != std::string::npos);
    const auto change = lower("site-a:1");
    REQUIRE(change.newest);
    CHECK(change.newest->before == 900'000);
    CHECK(change.newest->after == 1);
    site.import({second.head});
    CHECK(site.served("file", "a.txt") == "two");
    CHECK(missing().missing_count == 0);  // of serials that nobody made
    CHECK(site.state().last_serial(site.state().channels().front()) == 2);
    CHECK(site.state().floor_lowering(site.state().channels().front())->reason == "stolen");
    CHECK_FALSE(site.state().floor(site.state().channels().front()));
    CHECK(code_of([&] { return site.import({stolen.head}); }) == ErrorCode::untrusted);
  }
  SECTION("with the state before, sealed once more") {
    keys.rotate("timestamp");
    lower("site-a:1");
    const auto again = make_bundle(later.path(), {text_file("a.txt", "one")}, keys, {.shipment = 2});
    REQUIRE(again.bundle_id == first.bundle_id);
    CHECK(site.import({again.head}).bundles.front().outcome == workflow::ImportedBundle::Outcome::refreshed);
    const auto other = make_bundle(later.path(), {text_file("a.txt", "another")}, keys,
                                   {.shipment = 3, .created = bundle_time(1), .previous = first.contents});
    CHECK(code_of([&] { return site.import({other.head}); }) == ErrorCode::equivocation);
  }
}

TEST_CASE("a serial that was lowered keeps its one state, also after its generation was swept") {
  ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys);
  const auto stolen = make_bundle(medium.path(), {text_file("a.txt", "evil")}, keys,
                                  {.serial = 900'000, .created = bundle_time(1), .previous = first.contents});
  site.import({first.head});
  site.clock.set(bundle_time(2));
  site.import({stolen.head});
  workflow::sweep_store({.home = site.home, .keep = 1}, site.clock, site.reporter);
  REQUIRE(site.generations().size() == 1);
  REQUIRE(site.generations().front().serial == 900'000);
  {
    store::StateDb state(site.home.root, store::StateDb::Access::change);
    auto change = state.change();
    workflow::lower_floor(state, site.home, workflow::parse_floor("site-a:1"), {"stolen", ""}, bundle_time(2));
    change.commit();
  }
  // The thief's keys still count here: every version is newer, and only the serial is the old one.
  Medium forger;
  const auto forged = make_bundle(forger.path(), {text_file("a.txt", "worse")}, keys,
                                  {.created = bundle_time(1), .previous = stolen.contents});
  const auto error = error_of([&] { return site.import({forged.head}); });
  CHECK(error.code() == ErrorCode::equivocation);
  CHECK(error.message().find("serial 1 of channel 'site-a' was taken in with another state than this bundle has") !=
        std::string::npos);
  CHECK(site.verify(forged.head).exit_code() == 3);

  // The state that was taken in comes again under new keys.
  keys.rotate("timestamp");
  Medium later;
  const auto again = make_bundle(later.path(), {text_file("a.txt", "one")}, keys, {.shipment = 2});
  REQUIRE(again.bundle_id == first.bundle_id);
  CHECK(site.import({again.head}).bundles.front().outcome == workflow::ImportedBundle::Outcome::imported);
  CHECK(site.served("file", "a.txt") == "one");
}

TEST_CASE("names that are only odd are stored, served and extracted as data") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const std::vector<std::string> names = {
      "-rf",           "--help",        "CON", "aux/nul.txt",           "a.", "...", "C:x", "%2e%2e/%2e%2e/etc/passwd",
      "..%5c..%5cx.y", "$(touch here)", "a;b", "~/.ssh/authorized_keys"};
  std::vector<BundleFile> files;
  for (const auto& name : names) {
    files.push_back(text_file(name, "content of " + name));
  }
  const auto made = make_bundle(medium.path(), files, keys);
  site.import({made.head});
  base::TempDir output;
  for (const auto& name : names) {
    CAPTURE(name);
    CHECK(site.served("file", name) == "content of " + name);
    const auto report = workflow::extract({.bundle = made.head,
                                           .volumes = {},
                                           .what = "file:" + name,
                                           .output = output.path(),
                                           .home = site.home,
                                           .now = bundle_time(1)},
                                          site.reporter);
    CHECK(report.output.parent_path() == output.path());
    CHECK(text_of(report.output) == "content of " + name);
    fs::remove(report.output);
  }
  CHECK(fs::is_empty(output.path()));
  // Nothing in the home is called as anything in the bundle.
  for (const auto& entry : fs::recursive_directory_iterator(site.home.root)) {
    const auto own = entry.path().filename().string();
    CHECK(std::none_of(names.begin(), names.end(), [&](const auto& name) { return fs::path(name).filename() == own; }));
  }
}

TEST_CASE("settings that lie beside a bundle are not read") {
  const ProducerKeys keys, others;
  Site site(&keys);
  Medium medium;
  const auto made = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys);
  write_bytes(medium.path() / "policy.yaml", "minimum_threshold: { snapshot: 9 }\n");
  write_bytes(medium.path() / "airlock.yaml", "home: /nowhere\n");
  write_bytes(medium.path() / "root.json", others.first_root());
  site.import({medium.path()});
  CHECK(site.served("file", "a.txt") == "one");
  // Nor does a root on the medium help those who pinned none.
  Site unpinned;
  CHECK(code_of([&] { return unpinned.import({medium.path()}); }) == ErrorCode::untrusted);
}

TEST_CASE("an image whose documents lead astray is not extracted") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const std::string index_type(bundle::k_oci_index_type);
  const std::string manifest_type = "application/vnd.oci.image.manifest.v1+json";
  const auto extracting = [&](const std::vector<std::string>& documents, const std::string& type) {
    std::vector<BundleFile> files;
    const std::string repository = "registry.example/team/app";
    const std::string artifact =
        "pkg:oci/app@" + base::sha256(documents.back()).to_string() + "?repository_url=registry.example/team/app&tag=1";
    for (const auto& document : documents) {
      files.push_back({.ecosystem = "oci",
                       .path = repository + "@" + base::sha256(document).to_string(),
                       .content = document,
                       .artifact = artifact,
                       .media_type = type});
    }
    files.push_back({.ecosystem = "oci",
                     .path = repository + ":1",
                     .content = documents.back(),
                     .artifact = artifact,
                     .media_type = type,
                     .kind = model::Kind::tag});
    base::TempDir folder;
    const auto made = make_bundle(folder.path(), files, keys);
    const auto output = folder.path() / "out";
    const auto code = code_of([&] {
      return workflow::extract({.bundle = made.head,
                                .volumes = {},
                                .what = repository + ":1",
                                .output = output,
                                .home = site.home,
                                .now = bundle_time(1)},
                               site.reporter);
    });
    CHECK_FALSE(fs::exists(output));
    return code;
  };
  const std::string layer = R"({"digest":"sha256:)" + std::string(64, '0') + R"(","size":1})";
  CHECK(extracting({"not JSON"}, manifest_type) == ErrorCode::malformed);
  CHECK(extracting({R"({"layers":[{"digest":"../../etc/passwd"}]})"}, manifest_type) == ErrorCode::malformed);
  CHECK(extracting({R"({"layers":[{"digest":"sha256:../../etc/passwd"}]})"}, manifest_type) == ErrorCode::malformed);
  CHECK(extracting({R"({"config":{"digest":5},"layers":[]})"}, manifest_type) == ErrorCode::malformed);
  CHECK(extracting({R"({"layers":["text"]})"}, manifest_type) == ErrorCode::malformed);
  CHECK(extracting({R"({"layers":[)" + layer + "]}"}, manifest_type) == ErrorCode::base_missing);
  CHECK(extracting({R"({"manifests":[{"digest":null}]})"}, index_type) == ErrorCode::malformed);
  CHECK(extracting({R"({"manifests":[],"layers":[)" + layer + "]}"}, index_type) == ErrorCode::malformed);
  CHECK(extracting({R"({"manifests":[],"config":)" + layer + "}"}, index_type) == ErrorCode::malformed);
  CHECK(extracting({R"({"a":)" + std::string(10'000, '[') + "}"}, index_type) != ErrorCode::internal);
  // An index in an index in an index…: a cycle cannot be made, a long way down can.
  std::vector<std::string> nested = {R"({"manifests":[]})"};
  for (int i = 0; i < 300; ++i) {
    nested.push_back(R"({"manifests":[{"digest":")" + base::sha256(nested.back()).to_string() + R"(","size":1}]})");
  }
  CHECK(extracting(nested, index_type) == ErrorCode::limit);
}
