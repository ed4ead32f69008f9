// Versions and serials that leap: how far a site follows, and how it goes on after a thief used them up.
#include "far_fixture.hpp"

#include <algorithm>
#include <deque>

#include "attacks/attack_kit.hpp"
#include "base/json.hpp"
#include "support/head_file.hpp"
#include "workflow/floors.hpp"
#include "workflow/sweep.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;
using base::Json;

namespace {

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

// A site that took in bundle 1, and after it what a thief with all keys made: bundle 900000.
struct SerialUsedUp {
  ProducerKeys keys;
  Site site{&keys};
  Medium medium;
  MadeBundle first = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys);
  MadeBundle stolen = make_bundle(medium.path(), {text_file("a.txt", "evil")}, keys,
                                  {.serial = 900'000, .created = bundle_time(1), .previous = first.contents});

  SerialUsedUp() {
    site.import({first.head});
    site.clock.set(bundle_time(2));
    site.import({stolen.head});
  }
  workflow::FloorChange lower(const std::string& text) const {
    return site.change([&](store::StateDb& state) {
      return workflow::lower_floor(state, site.home, workflow::parse_floor(text), {"stolen", ""}, bundle_time(2));
    });
  }
};

}  // namespace

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
  // As an airlock that did not compare the two versions took it in.
  DishonestProducer thief(keys, first.contents);
  thief.edit_role("timestamp", [&](Json& part) { part["version"] = 900'000; });
  site.change([&thief](store::StateDb& state) {
    state.set_role(state.channels().front(), "timestamp", thief.role_bytes("timestamp"));
  });
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
  SerialUsedUp given;
  auto& keys = given.keys;
  auto& site = given.site;
  const auto& first = given.first;
  const auto& stolen = given.stolen;
  const auto lower = [&given](const std::string& text) { return given.lower(text); };
  const auto warnings = site.reporter.warnings();
  CHECK(std::any_of(warnings.begin(), warnings.end(), [](const std::string& line) {
    return line.starts_with("the serial of channel 'site-a' leapt from 1 to 900000: ask the producer");
  }));
  const auto missing = [&] { return site.status().channels.front(); };
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
  SerialUsedUp given;
  auto& keys = given.keys;
  auto& site = given.site;
  const auto& first = given.first;
  const auto& stolen = given.stolen;
  workflow::sweep_store({.home = site.home, .keep = 1}, site.clock, site.reporter);
  REQUIRE(site.generations().size() == 1);
  REQUIRE(site.generations().front().serial == 900'000);
  given.lower("site-a:1");
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
