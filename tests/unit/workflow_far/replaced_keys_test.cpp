// Bundles from before and after a change of the producer's keys: which are only old, and which are an alarm.
#include "far_fixture.hpp"

#include <algorithm>

#include "workflow/extract.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

TEST_CASE("new roots are kept even when the rest of the bundle is bad") {
  ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys);
  site.import({first.head});
  keys.rotate("timestamp");
  BundlePlan plan{.serial = 2, .created = bundle_time(1), .previous = first.contents};
  plan.change_head = [](bundle::HeadContents& head) { head.metadata["timestamp.json"] = "{}"; };
  const auto bad = make_bundle(medium.path(), {text_file("a.txt", "2")}, keys, plan);
  site.clock.set(bundle_time(2));
  CHECK_THROWS_AS(site.import({bad.head}), base::Error);
  CHECK(site.state().roots(site.state().channels().front().producer).size() == 1);
  CHECK(std::ranges::any_of(site.reporter.said(), [](const std::string& line) {
    return line.starts_with("root version 2 of this producer is trusted from now on: timestamp: ");
  }));
}

TEST_CASE("a key that was revoked in one channel signs for none of its producer's") {
  ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const ProducerKeys stolen = keys;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys);
  site.import({first.head});
  keys.rotate("timestamp");
  keys.rotate("snapshot");
  const auto second = make_bundle(medium.path(), {text_file("a.txt", "2")}, keys,
                                  {.serial = 2, .created = bundle_time(1), .previous = first.contents});
  site.clock.set(bundle_time(2));
  site.import({second.head});

  Medium other;
  const auto forged = make_bundle(other.path(), {text_file("b.txt", "bad")}, stolen, {.channel = "x"});
  CHECK(code_of([&] { return site.import({forged.head}); }) == ErrorCode::untrusted);
  CHECK(site.verify(forged.head).exit_code() == 3);
  const workflow::ExtractOptions look{.bundle = forged.head,
                                      .volumes = {},
                                      .what = "file:b.txt",
                                      .output = other.path(),
                                      .home = site.home,
                                      .now = bundle_time(2)};
  CHECK(code_of([&] { return workflow::extract(look, site.reporter); }) == ErrorCode::untrusted);
  CHECK_FALSE(site.served("file", "b.txt"));
  CHECK(site.state().channels().size() == 1);  // a name that nobody proved is not kept

  const auto honest = make_bundle(other.path(), {text_file("c.txt", "good")}, keys, {.channel = "y"});
  site.import({honest.head});
  CHECK(site.served("file", "c.txt") == "good");
}

TEST_CASE("a root that says something else than the one of its version here is an alarm") {
  ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  ProducerKeys forked = keys;
  keys.rotate("timestamp");
  forked.rotate("timestamp");
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys);
  site.import({first.head});
  BundlePlan plan{.serial = 2, .created = bundle_time(1), .previous = first.contents};
  plan.change_head = [&](bundle::HeadContents& head) { head.metadata["2.root.json"] = forked.newest_root(); };
  const auto second = make_bundle(medium.path(), {text_file("a.txt", "2")}, keys, plan);
  site.clock.set(bundle_time(2));
  CHECK(code_of([&] { return site.import({second.head}); }) == ErrorCode::equivocation);
  CHECK(site.state().audit_entries().back().action == "equivocation");
  CHECK(site.served("file", "a.txt") == "1");
}

TEST_CASE("an old bundle from before the keys were replaced is stale, and raises no alarm") {
  ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto old = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys);
  const ProducerKeys before = keys;
  const std::string role = GENERATE(as<std::string>(), "timestamp", "root");
  keys.rotate(role);
  if (role == "root") {
    keys.rotate("timestamp");
    keys.rotate("snapshot");
    keys.rotate("targets");
  }
  const auto next = make_bundle(medium.path(), {text_file("a.txt", "2")}, keys,
                                {.serial = 2, .created = bundle_time(1), .previous = old.contents});
  site.clock.set(bundle_time(2));
  site.import({next.head});
  const auto served = site.fingerprint();

  SECTION("genuine") {
    const auto error = error_of([&] { return site.import({old.head}); });
    CHECK(error.code() == ErrorCode::rollback);
    CHECK(error.message().find("before the producer's keys were replaced") != std::string::npos);
    const auto report = site.verify(old.head);
    CHECK(report.exit_code() == 5);
    CHECK(has_finding(report, ErrorCode::rollback, "keys were replaced"));
  }
  SECTION("with old keys, and not old") {
    for (const std::uint64_t serial : {2u, 3u}) {
      Medium other;
      const auto forged = make_bundle(other.path(), {text_file("a.txt", "forged")}, before,
                                      {.serial = serial, .created = bundle_time(1), .previous = old.contents});
      const auto error = error_of([&] { return site.import({forged.head}); });
      CHECK(error.code() == ErrorCode::untrusted);
      CHECK(error.hint().starts_with("it is signed under root version 1, whose keys version "));
      const auto report = site.verify(forged.head);
      CHECK(report.exit_code() == 3);
      CHECK(has_finding(report, ErrorCode::untrusted, "somebody else has the old keys"));
    }
  }
  SECTION("damaged") {
    flip_bit(old.head, offset_of(old.head, "\"signatures\"") + 1);
    CHECK(base::error_code_info(code_of([&] { return site.import({old.head}); })).exit_code == 3);
  }
  CHECK(site.fingerprint() == served);
}

TEST_CASE("what has nothing to do with replaced keys is not explained by them") {
  ProducerKeys keys;
  Site site(&keys);
  Medium medium, other;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys);
  const ProducerKeys before = keys;
  keys.rotate("root");
  const auto second = make_bundle(medium.path(), {text_file("a.txt", "2")}, keys,
                                  {.serial = 2, .created = bundle_time(1), .previous = first.contents});
  site.clock.set(bundle_time(2));
  site.import({second.head});
  // Under the first root, whose keys for what signs a state the second one has too.
  const auto leap = make_bundle(other.path(), {text_file("a.txt", "far")}, before,
                                {.serial = 5'000'000, .created = bundle_time(1), .previous = second.contents});
  REQUIRE(site.state().roots(site.state().channels().front().producer).size() == 1);
  const auto error = error_of([&] { return site.import({leap.head}); });
  CHECK(error.code() == ErrorCode::untrusted);
  CHECK(error.hint().find("`largest_version_jump` in policy.yaml") != std::string::npos);
  const auto report = site.verify(leap.head);
  CHECK(report.exit_code() == 3);
  CHECK_FALSE(has_finding(report, ErrorCode::untrusted, "old keys"));
}

TEST_CASE("where a newer root only asks for more signatures, no key is called old or replaced") {
  ProducerKeys keys;
  Site site(&keys);
  Medium medium, other;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys);
  const ProducerKeys before = keys;
  keys.add_approver(2);
  const auto second = make_bundle(medium.path(), {text_file("a.txt", "2")}, keys,
                                  {.serial = 2, .created = bundle_time(1), .previous = first.contents});
  site.clock.set(bundle_time(2));
  site.import({second.head});
  const auto alone = make_bundle(other.path(), {text_file("a.txt", "alone")}, before,
                                 {.serial = 3, .created = bundle_time(1), .previous = second.contents});
  const auto error = error_of([&] { return site.import({alone.head}); });
  CHECK(error.code() == ErrorCode::untrusted);
  CHECK(error.hint() == "it is signed under root version 1, and version 2 asks for more signatures here: ask the "
                        "producer for a bundle that is made under the newest root; where it did not make this one "
                        "before that, somebody else has its keys, so call security");
}

TEST_CASE("another state under an old serial, signed with replaced keys, is an alarm still") {
  ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto old = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys);
  const ProducerKeys before = keys;
  site.import({old.head});
  keys.rotate("timestamp");
  const auto next = make_bundle(medium.path(), {text_file("a.txt", "2")}, keys,
                                {.serial = 2, .created = bundle_time(1), .previous = old.contents});
  site.clock.set(bundle_time(2));
  site.import({next.head});
  Medium other;
  const auto forged = make_bundle(other.path(), {text_file("a.txt", "forged")}, before);
  CHECK(code_of([&] { return site.import({forged.head}); }) == ErrorCode::untrusted);
  CHECK(code_of([&] { return site.import({old.head}); }) == ErrorCode::rollback);
}
