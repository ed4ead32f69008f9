// Importing what is as it should be.
#include "far_fixture.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "store/blob_store.hpp"
#include "store/catalog.hpp"
#include "support/environment.hpp"
#include "workflow/generations.hpp"
#include "workflow/receipt.hpp"
#include "workflow/sweep.hpp"

using namespace airlock;
using namespace airlock::test;
using Outcome = workflow::ImportedBundle::Outcome;

TEST_CASE("an import takes a bundle in, serves it and writes a receipt") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys);
  const auto before = text_of(bundle.head);

  const auto report = site.import({bundle.head});

  REQUIRE(report.bundles.size() == 1);
  const auto& imported = report.bundles.front();
  CHECK(imported.outcome == Outcome::imported);
  CHECK(imported.channel == "site-a");
  CHECK(imported.serial == 1);
  CHECK(imported.active);
  CHECK(imported.bundle_id == bundle.bundle_id);
  CHECK(imported.approvals == 1);
  CHECK(imported.blobs_new > 0);
  CHECK(imported.blobs_present == 0);
  CHECK(imported.changes.removed.empty());
  CHECK_FALSE(imported.changes.added.empty());
  CHECK(imported.expiries.front().first == "root");
  CHECK(site.served("file", "docs/guide.txt") == "read me\n");
  CHECK(text_of(bundle.head) == before);

  const auto receipt = workflow::read_receipt(report.receipt);
  REQUIRE(receipt.channels.size() == 1);
  CHECK(receipt.channels.front().serial == 1);
  CHECK(receipt.channels.front().bundle_id == bundle.bundle_id);
  CHECK(receipt.channels.front().root_version == 1);
  CHECK(receipt.channels.front().active_generation == imported.generation);
  CHECK(receipt.blobs.size() == imported.blobs_new + 1);  // and the head
  CHECK(receipt.audit_number == site.state().audit_entries().back().number);
}

TEST_CASE("the same bundle again changes nothing") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys);
  site.import({bundle.head});
  const auto before = site.fingerprint();
  const auto report = site.import({bundle.head});
  CHECK(report.bundles.front().outcome == Outcome::nothing_to_do);
  CHECK(report.bundles.front().bytes_written == 0);
  CHECK(report.receipt.empty());
  CHECK(site.fingerprint() == before);
}

TEST_CASE("a newer bundle replaces the older one, and says what changed") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "one"), text_file("b.txt", "two")}, keys);
  site.import({first.head});
  const auto second = make_bundle(medium.path(), {text_file("a.txt", "one"), text_file("c.txt", "three")}, keys,
                                  {.serial = 4, .created = bundle_time(1), .previous = first.contents});
  site.clock.set(bundle_time(2));
  const auto report = site.import({second.head});
  const auto& imported = report.bundles.front();
  CHECK(imported.previous_serial == 1u);
  CHECK(imported.blobs_present == 1);
  REQUIRE(imported.changes.added.size() == 1);
  CHECK(imported.changes.added.front().name == "pkg:generic/c.txt");
  REQUIRE(imported.changes.removed.size() == 1);
  CHECK(imported.changes.removed.front().name == "pkg:generic/b.txt");
  CHECK(site.served("file", "c.txt") == "three");
  CHECK_FALSE(site.served("file", "b.txt"));
}

TEST_CASE("a folder with several bundles is taken in order, older ones are passed over") {
  States states(3);
  auto& site = states.site;
  const auto& second = states.made[1];
  site.clock.set(bundle_time(3));
  site.import({second.head});

  const auto report = site.import({states.medium.path()});

  REQUIRE(report.bundles.size() == 2);
  CHECK(report.bundles[0].outcome == Outcome::nothing_to_do);
  CHECK(report.bundles[1].serial == 3);
  CHECK(site.served("file", "a.txt") == "state 3");
  CHECK(std::any_of(report.notes.begin(), report.notes.end(),
                    [](const auto& note) { return note.code == base::ErrorCode::rollback; }));
}

TEST_CASE("a held import is not served until it is activated") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys);
  auto options = site.options({bundle.head});
  options.activation = workflow::Activation::hold;
  const auto report = workflow::import_bundles(options, site.clock, site.reporter);
  CHECK_FALSE(report.bundles.front().active);
  CHECK_FALSE(site.served("file", "docs/guide.txt"));

  const auto activated = workflow::activate_generation(site.home, site.generations().front().id, site.clock);
  CHECK_FALSE(activated.before);
  CHECK(activated.generation.active);
  CHECK(site.served("file", "docs/guide.txt") == "read me\n");
}

TEST_CASE("a withheld blob is neither taken nor served, and stays so") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto unwanted = base::sha256("unwanted");
  const auto files = std::vector{text_file("a.txt", "wanted"), text_file("b.txt", "unwanted")};
  const auto first = make_bundle(medium.path(), files, keys);
  auto options = site.options({first.head});
  options.withhold = {unwanted};
  CHECK(code_of([&] { return workflow::import_bundles(options, site.clock, site.reporter); }) ==
        base::ErrorCode::usage);  // no reason
  options.reason = "licence";
  options.ticket = "CHG-1";
  const auto report = workflow::import_bundles(options, site.clock, site.reporter);
  CHECK(report.bundles.front().withheld == 1);
  CHECK(site.served("file", "a.txt") == "wanted");
  CHECK_FALSE(store::BlobStore(site.home.blobs()).open(unwanted));
  CHECK(workflow::read_receipt(report.receipt).withheld == std::vector{unwanted});
  const auto detail = base::Json::parse(site.state().audit_entries().back().detail);
  CHECK(detail["reason"] == "licence");
  CHECK(detail["ticket"] == "CHG-1");

  const auto second =
      make_bundle(medium.path(), files, keys,
                  {.serial = 2, .created = bundle_time(1), .omit = {"b.txt"}, .previous = first.contents});
  site.clock.set(bundle_time(2));
  site.import({second.head});
  CHECK_FALSE(store::BlobStore(site.home.blobs()).open(unwanted));

  auto release = site.options({first.head, second.head});
  release.release = {unwanted};
  release.reason = "licence was cleared";
  // The newest bundle leaves the blob out, so it can come from nowhere: said, and nothing changed.
  CHECK(code_of([&] { return workflow::import_bundles(release, site.clock, site.reporter); }) ==
        base::ErrorCode::base_missing);
}

TEST_CASE("a withheld blob stays so where a state in between lacks it") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto unwanted = base::sha256("unwanted");
  const auto both = std::vector{text_file("a.txt", "wanted"), text_file("b.txt", "unwanted")};
  const auto first = make_bundle(medium.path(), both, keys);
  const auto second = make_bundle(medium.path(), {text_file("a.txt", "wanted")}, keys,
                                  {.serial = 2, .created = bundle_time(1), .previous = first.contents});
  const auto third =
      make_bundle(medium.path(), both, keys, {.serial = 3, .created = bundle_time(2), .previous = second.contents});
  auto options = site.options({first.head});
  options.withhold = {unwanted};
  options.reason = "licence";
  workflow::import_bundles(options, site.clock, site.reporter);
  site.clock.set(bundle_time(3));
  auto report = site.import({second.head});
  CHECK(workflow::read_receipt(report.receipt).withheld == std::vector{unwanted});
  workflow::sweep_store({.home = site.home, .keep = 1}, site.clock, site.reporter);

  report = site.import({third.head});
  CHECK(report.bundles.front().withheld == 1);
  CHECK_FALSE(site.served("file", "b.txt"));
  CHECK_FALSE(store::BlobStore(site.home.blobs()).open(unwanted));

  options = site.options({third.head});
  options.release = {unwanted};
  options.reason = "licence was cleared";
  workflow::import_bundles(options, site.clock, site.reporter);
  CHECK(site.served("file", "b.txt") == "unwanted");
}

TEST_CASE("what is withheld is served of no generation until it is released") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), {text_file("a.txt", "wanted"), text_file("b.txt", "unwanted")}, keys);
  site.import({bundle.head});
  REQUIRE(site.served("file", "b.txt") == "unwanted");
  const auto is_withheld = [&site] {
    return store::Catalog::open_current(site.home.root)->find("file", "b.txt")->kind == model::Kind::withheld;
  };
  auto options = site.options({bundle.head});
  options.withhold = {base::sha256("unwanted")};
  options.reason = "found bad";
  SECTION("at once") {}
  SECTION("although the generation without it is only held") {
    options.activation = workflow::Activation::hold;
  }
  workflow::import_bundles(options, site.clock, site.reporter);
  CHECK(is_withheld());
  workflow::activate_generation(site.home, 2, site.clock);
  CHECK(workflow::roll_back(site.home, std::nullopt, site.clock).generation.id == 1);
  CHECK(is_withheld());
  CHECK(site.served("file", "a.txt") == "wanted");

  options = site.options({bundle.head});
  options.release = {base::sha256("unwanted")};
  options.reason = "a false alarm";
  workflow::import_bundles(options, site.clock, site.reporter);
  CHECK(site.served("file", "b.txt") == "unwanted");
}

TEST_CASE("a revoked blob is not taken") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bad = base::sha256("bad");
  const auto bundle = make_bundle(medium.path(), {text_file("a.txt", "good"), text_file("b.txt", "bad")}, keys,
                                  {.revoked = {bad.to_string()}});
  site.import({bundle.head});
  CHECK(site.served("file", "a.txt") == "good");
  CHECK_FALSE(store::BlobStore(site.home.blobs()).open(bad));
}

TEST_CASE("two channels may bring one file, and not two different ones under one path") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  site.import({make_bundle(medium.path(), {text_file("a.txt", "same"), text_file("b.txt", "one")}, keys).head});
  const auto equal = make_bundle(medium.path(), {text_file("a.txt", "same")}, keys, {.channel = "site-b"});
  CHECK(site.import({equal.head}).bundles.front().blobs_present >= 1);

  const auto other = make_bundle(medium.path(), {text_file("b.txt", "two")}, keys, {.channel = "site-c"});
  const auto before = site.fingerprint();
  const auto error = error_of([&] { return site.import({other.head}); });
  CHECK(error.code() == base::ErrorCode::untrusted);
  CHECK(base::error_code_info(error.code()).exit_code == 3);  // a substitution, not a mistake in the command
  CHECK(error.message().find("site-a") != std::string::npos);
  CHECK(error.message().find("site-c") != std::string::npos);
  CHECK(site.fingerprint() == before);
  CHECK(site.served("file", "b.txt") == "one");
}

TEST_CASE("expired metadata is refused, and accepted once with a reason") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys);
  site.clock.set(bundle_time(100));  // timestamp: 90 days
  CHECK(code_of([&] { return site.import({bundle.head}); }) == base::ErrorCode::expired);
  CHECK(site.generations().empty());
  auto options = site.options({bundle.head});
  options.expiry = trust::Expiry::accept;
  options.reason = "the courier was late";
  workflow::import_bundles(options, site.clock, site.reporter);
  CHECK(site.generations().size() == 1);
  CHECK(site.state().audit_entries().back().detail.find("accepted_expired") != std::string::npos);
}

TEST_CASE("with expired metadata accepted, timestamp and snapshot may have expired, and nothing else") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  // Signed for: timestamp 90 days, snapshot 120, targets and ecosystems 365, root 1095.
  const auto at = [&](int made, const std::optional<bundle::HeadContents>& previous = {}) {
    return make_bundle(medium.path(), sample_files(), keys,
                       {.serial = previous ? 2u : 1u, .created = bundle_time(made), .previous = previous});
  };
  struct Case {
    MadeBundle bundle;
    int day = 0;
    std::string expired;  // the role that stops it; empty: it is taken
  };
  const int number = GENERATE(0, 1, 2, 3);
  const Case looked = number == 0   ? Case{at(0), 130, ""}
                      : number == 1 ? Case{at(0), 370, "'targets'"}
                      : number == 2 ? Case{at(150, at(0).contents), 370, "'file'"}  // as it was signed on day 0
                                    : Case{at(1000), 1096, "'root'"};
  CAPTURE(looked.expired);
  site.clock.set(bundle_time(looked.day));
  const auto first = error_of([&] { return site.import({looked.bundle.head}); });
  CHECK(first.code() == base::ErrorCode::expired);
  const bool by_root = looked.expired == "'root'";
  CHECK((first.hint().find("bundle ship BUNDLE --metadata") != std::string::npos) != by_root);
  CHECK((first.hint().find("--accept-expired --reason TEXT") != std::string::npos) != by_root);
  CHECK((first.hint().find("only a new root helps") != std::string::npos) == by_root);
  auto options = site.options({looked.bundle.head});
  options.expiry = trust::Expiry::accept;
  options.reason = "the courier was late";
  if (looked.expired.empty()) {
    CHECK(workflow::import_bundles(options, site.clock, site.reporter).bundles.size() == 1);
    return;
  }
  const auto error = error_of([&] { return workflow::import_bundles(options, site.clock, site.reporter); });
  CHECK(error.code() == base::ErrorCode::expired);
  CHECK(error.message().find(looked.expired) != std::string::npos);
  CHECK((error.hint().find("--accept-expired helps") != std::string::npos) != by_root);
  CHECK(site.generations().empty());
}

TEST_CASE("an import works where a hardened kernel takes system calls away") {
  const ScopedEnvironment without("AIRLOCK_WITHOUT", "openat2,o_tmpfile,copy_file_range,syncfs,fallocate");
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  site.import({make_bundle(medium.path(), sample_files(), keys).head});
  CHECK(site.served("file", "docs/guide.txt") == "read me\n");
}
