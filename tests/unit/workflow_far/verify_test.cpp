// Proving without taking: every finding, the worst of them as exit code, nothing written.
#include "far_fixture.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

TEST_CASE("a good bundle is proven against the root that is given, pinned or this home's own") {
  const ProducerKeys keys;
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys);
  SECTION("pinned") {
    Site site(&keys);
    const auto report = site.verify(bundle.head);
    CHECK(report.ok());
    CHECK(report.findings.empty());
    CHECK(report.channel == "site-a");
    CHECK(report.approvals == 1);
    CHECK(report.blobs > 0);
    CHECK(site.fingerprint() == "nothing");
  }
  SECTION("given") {
    Site site;
    const auto root = medium.path() / "root.json";
    base::write_file_atomic(root, keys.first_root());
    const auto report = workflow::verify_bundle(
        {.bundle = bundle.head, .volumes = {}, .root = root, .home = site.home, .wall = site.clock.now()},
        site.reporter);
    CHECK(report.ok());
    CHECK(report.root_file == root);
    CHECK_FALSE(fs::exists(site.home.root));
  }
  SECTION("own") {
    Site site;
    base::make_directories(site.home.keys());
    base::write_file_atomic(site.home.keys() / "1.root.json", keys.first_root());
    CHECK(site.verify(bundle.head).ok());
  }
  SECTION("none") {
    Site site;
    const auto report = site.verify(bundle.head);
    CHECK(report.exit_code() == 3);
    CHECK(has_finding(report, ErrorCode::untrusted));
  }
  SECTION("another producer's") {
    const ProducerKeys stranger;
    Site site(&stranger);
    CHECK(site.verify(bundle.head).exit_code() == 3);
  }
}

TEST_CASE("every damaged blob is a finding of its own") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto files = big_files(10, 3000);
  const auto bundle = make_bundle(medium.path(), files, keys);
  flip_bit(bundle.head, offset_of(bundle.head, "file 2 ") + 30);
  flip_bit(bundle.head, offset_of(bundle.head, "file 5 ") + 30);
  const auto report = site.verify(bundle.head);
  CHECK(report.exit_code() == 3);
  CHECK(has_finding(report, ErrorCode::tampered, base::sha256(files[2].content).to_string()));
  CHECK(has_finding(report, ErrorCode::tampered, "data/0005.bin"));
}

TEST_CASE("what is expired is examined all the same") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys);
  site.clock.set(bundle_time(100));
  const auto report = site.verify(bundle.head);
  CHECK(report.exit_code() == 5);
  CHECK(has_finding(report, ErrorCode::expired));
  CHECK(report.blobs > 0);
}

TEST_CASE("what is older than what is here is stale") {
  States states(2);
  auto& site = states.site;
  const auto& first = states.made[0];
  const auto& second = states.made[1];
  site.clock.set(bundle_time(2));
  site.import({second.head});
  const auto before = site.fingerprint();
  const auto report = site.verify(first.head);
  CHECK(report.exit_code() == 5);
  CHECK(has_finding(report, ErrorCode::rollback));
  CHECK(report.blobs > 0);
  CHECK(site.verify(second.head).ok());
  CHECK(site.fingerprint() == before);
}

TEST_CASE("the most severe finding decides") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), big_files(12, 20'000), keys, {.volume_size = 80'000});
  fs::remove(bundle.volumes[1]);
  site.clock.set(bundle_time(100));
  CHECK(site.verify(bundle.head).exit_code() == 4);  // missing before expired
  const auto volume = text_of(bundle.volumes[0]);
  flip_bit(bundle.volumes[0], volume.find("file ") + 20);
  const auto report = site.verify(bundle.head);
  CHECK(report.exit_code() == 3);  // damaged before missing
  CHECK(has_finding(report, ErrorCode::expired));
  CHECK(has_finding(report, ErrorCode::volume_missing, "volume 2 of"));
  CHECK(has_finding(report, ErrorCode::tampered));
}

TEST_CASE("a draft is incomplete") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys, {.sealed = false});
  const auto report = site.verify(bundle.head);
  CHECK(report.exit_code() == 4);
  CHECK(has_finding(report, ErrorCode::approval_missing));
}

TEST_CASE("an index.json that does not follow from the catalog is found") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  BundlePlan plan;
  plan.change_head = [](bundle::HeadContents& head) { head.oci_index = R"({"schemaVersion":2,"manifests":[]})"; };
  const auto bundle = make_bundle(medium.path(), sample_files(), keys, plan);
  const auto report = site.verify(bundle.head);
  CHECK(report.exit_code() == 3);
  CHECK(has_finding(report, ErrorCode::tampered, "index.json"));
}

TEST_CASE("what is no bundle is an error and not a finding") {
  Site site;
  Medium medium;
  base::write_file_atomic(medium.path() / "x", "nothing");
  CHECK(code_of([&] { return site.verify(medium.path() / "x"); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return site.verify(medium.path() / "absent"); }) == ErrorCode::not_found);
}

TEST_CASE("other files beside a bundle are no finding") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys);
  base::write_file_atomic(medium.path() / "README.txt", "hello");
  make_bundle(medium.path(), big_files(12, 20'000), keys, {.channel = "site-b", .volume_size = 80'000});
  CHECK(site.verify(bundle.head).findings.empty());
}
