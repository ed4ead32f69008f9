// What an import must refuse, with the code that says whom to call, and without a trace in what is served.
#include "far_fixture.hpp"

#include <algorithm>

#include "store/blob_store.hpp"
#include "workflow/receipt.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

namespace {

int exit_code(ErrorCode code) {
  return base::error_code_info(code).exit_code;
}

}  // namespace

TEST_CASE("a refusal does not hide what was taken in before it") {
  States states(2);
  auto& site = states.site;
  const auto& second = states.made[1];
  flip_bit(second.head, offset_of(second.head, "state 2"));
  site.clock.set(bundle_time(2));
  std::optional<workflow::ImportReport> taken;
  auto options = site.options({states.medium.path()});
  options.taken_before_refusal = [&taken](const workflow::ImportReport& report) { taken = report; };
  CHECK(code_of([&] { return workflow::import_bundles(options, site.clock, site.reporter); }) == ErrorCode::tampered);
  REQUIRE(taken);
  REQUIRE(taken->bundles.size() == 1);
  CHECK(taken->bundles.front().serial == 1);
  CHECK(taken->bundles.front().active);
  REQUIRE(fs::exists(taken->receipt));
  CHECK(workflow::read_receipt(taken->receipt).channels.front().serial == 1);
  // Nothing is told where nothing is in.
  taken.reset();
  options.bundles = {second.head};
  CHECK_THROWS_AS(workflow::import_bundles(options, site.clock, site.reporter), base::Error);
  CHECK_FALSE(taken);
}

TEST_CASE("a receipt that cannot be written does not take a refusal's place") {
  States states(2);
  auto& site = states.site;
  const auto& second = states.made[1];
  flip_bit(second.head, offset_of(second.head, "state 2"));
  site.clock.set(bundle_time(2));
  base::make_directories(site.home.root);
  base::write_file_atomic(site.home.root / "receipts", "a file in the way");
  CHECK(code_of([&] { return site.import({states.medium.path()}); }) == ErrorCode::tampered);
  CHECK(site.served("file", "a.txt") == "state 1");
  const auto warnings = site.reporter.warnings();
  CHECK(std::ranges::any_of(warnings,
                            [](const auto& text) { return text.starts_with("the receipt could not be written"); }));
}

TEST_CASE("without a pinned root nothing is trusted, and nothing is made") {
  const ProducerKeys keys;
  Site site;
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys);
  const auto error = error_of([&] { return site.import({bundle.head}); });
  CHECK(error.code() == ErrorCode::untrusted);
  CHECK(exit_code(error.code()) == 3);
  CHECK(error.hint().find("trust init") != std::string::npos);
  CHECK_FALSE(fs::exists(site.home.root / "airlock.db"));
}

TEST_CASE("a bundle of another producer is refused") {
  const ProducerKeys keys;
  const ProducerKeys stranger;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), stranger);
  CHECK(code_of([&] { return site.import({bundle.head}); }) == ErrorCode::untrusted);
  CHECK(site.generations().empty());
}

TEST_CASE("a stranger who puts the pinned root into his bundle is refused") {
  const ProducerKeys keys;
  const ProducerKeys stranger;
  Site site(&keys);
  Medium medium;
  BundlePlan plan;
  plan.change_head = [&keys](bundle::HeadContents& head) { head.metadata["1.root.json"] = keys.first_root(); };
  const auto bundle = make_bundle(medium.path(), sample_files(), stranger, plan);
  CHECK(exit_code(code_of([&] { return site.import({bundle.head}); })) == 3);
  CHECK(site.generations().empty());
}

TEST_CASE("an older bundle is stale, not an alarm") {
  States states(2);
  auto& site = states.site;
  const auto& first = states.made[0];
  const auto& second = states.made[1];
  site.clock.set(bundle_time(2));
  site.import({second.head});
  const auto before = site.fingerprint();
  const auto error = error_of([&] { return site.import({first.head}); });
  CHECK(error.code() == ErrorCode::rollback);
  CHECK(exit_code(error.code()) == 5);
  CHECK(site.fingerprint() == before);
  CHECK(site.served("file", "a.txt") == "state 2");
}

TEST_CASE("two statements with one version are an alarm, and both are kept") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium first_medium;
  Medium second_medium;
  site.import({make_bundle(first_medium.path(), {text_file("a.txt", "one")}, keys).head});
  const auto other = make_bundle(second_medium.path(), {text_file("a.txt", "two")}, keys);
  const auto error = error_of([&] { return site.import({other.head}); });
  CHECK(error.code() == ErrorCode::equivocation);
  CHECK(exit_code(error.code()) == 3);
  CHECK(site.served("file", "a.txt") == "one");
  std::size_t kept = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(site.home.root / "evidence")) {
    ++kept;
  }
  CHECK(kept == 2);
  CHECK(site.state().audit_entries().back().action == "equivocation");
  // And status names them until somebody moves them away.
  const auto tells = [&] {
    const auto status = site.status();
    return std::ranges::any_of(status.findings, [](const base::Finding& finding) {
      return finding.code == ErrorCode::equivocation && finding.severity == base::Severity::warning &&
             finding.message.starts_with("2 files of statements that contradict what was accepted lie in ");
    });
  };
  CHECK(tells());
  fs::remove_all(site.home.evidence());
  CHECK_FALSE(tells());
}

TEST_CASE("one serial with two states is an alarm, although every version is newer") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium first_medium;
  Medium second_medium;
  const auto first = make_bundle(first_medium.path(), {text_file("a.txt", "one")}, keys);
  site.import({first.head});
  site.clock.set(bundle_time(2));
  const auto other = make_bundle(second_medium.path(), {text_file("a.txt", "two")}, keys,
                                 {.serial = 1, .created = bundle_time(1), .previous = first.contents});
  CHECK(site.verify(other.head).exit_code() == 3);
  const auto error = error_of([&] { return site.import({other.head}); });
  CHECK(error.code() == ErrorCode::equivocation);
  CHECK(exit_code(error.code()) == 3);
  CHECK(error.message().find("serial 1 of channel 'site-a'") != std::string::npos);
  CHECK(site.served("file", "a.txt") == "one");
  const fs::directory_iterator evidence(site.home.root / "evidence");
  CHECK(std::distance(begin(evidence), end(evidence)) == 2);
  CHECK(site.state().audit_entries().back().action == "equivocation");
}

TEST_CASE("nothing that nobody signed turns the alarm into something else") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium first_medium;
  Medium second_medium;
  site.import({make_bundle(first_medium.path(), {text_file("a.txt", "one")}, keys).head});
  SECTION("a time that is none") {}
  SECTION("a folder of evidence that cannot be made") {
    base::write_file_atomic(site.home.root / "evidence", "a file");
  }
  const auto other = make_bundle(second_medium.path(), {text_file("a.txt", "two")}, keys);
  std::string bytes = text_of(other.head);
  const auto at = bytes.find("\"created\":\"2026");
  REQUIRE(at != std::string::npos);
  bytes.replace(at + 11, 4, "zzzz");
  base::write_file_atomic(other.head, bytes);
  const auto error = error_of([&] { return site.import({other.head}); });
  CHECK(error.code() == ErrorCode::equivocation);
  CHECK(site.state().audit_entries().back().action == "equivocation");
}

TEST_CASE("a draft is not complete") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys, {.sealed = false});
  const auto error = error_of([&] { return site.import({bundle.head}); });
  CHECK(error.code() == ErrorCode::approval_missing);
  CHECK(exit_code(error.code()) == 4);
}

TEST_CASE("a clock that went back is refused, and can be set right") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  site.clock.set(bundle_time(10));
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys);
  site.import({first.head});
  const auto second = make_bundle(medium.path(), {text_file("a.txt", "2")}, keys,
                                  {.serial = 2, .created = bundle_time(3), .previous = first.contents});
  site.clock.set(bundle_time(5));
  const auto error = error_of([&] { return site.import({second.head}); });
  CHECK(error.code() == ErrorCode::clock);
  CHECK(exit_code(error.code()) == 5);
  site.clock.set(bundle_time(11));
  site.import({second.head});
  CHECK(site.served("file", "a.txt") == "2");
}

TEST_CASE("a bundle from the future says that this clock is slow") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys, {.created = bundle_time(30)});
  CHECK(code_of([&] { return site.import({bundle.head}); }) == ErrorCode::clock);
}

TEST_CASE("bundles made a little ahead of each other do not carry the floor of time away from the clock") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  site.clock.set(bundle_time());
  const auto make = [&](std::uint64_t serial, int hours, const MadeBundle* previous) {
    return make_bundle(medium.path(), {text_file("a.txt", std::to_string(serial))}, keys,
                       {.serial = serial,
                        .created = bundle_time() + std::chrono::hours(hours),
                        .previous = previous != nullptr ? std::optional(previous->contents) : std::nullopt});
  };
  const auto first = make(1, 20, nullptr);
  site.import({first.head});
  const auto second = make(2, 40, &first);
  CHECK(code_of([&] { return site.import({second.head}); }) == ErrorCode::clock);
  CHECK(site.verify(second.head).exit_code() == 5);
  site.clock.set(bundle_time() + std::chrono::hours(1));
  const auto third = make(3, 21, &first);
  site.import({third.head});
  CHECK(site.served("file", "a.txt") == "3");
}

TEST_CASE("one flipped bit in a blob names the blob and the file; the rest is kept for the next run") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto files = big_files(20, 5000);
  const auto bundle = make_bundle(medium.path(), files, keys);
  const auto place = offset_of(bundle.head, "file 7 ");
  flip_bit(bundle.head, place + 100);
  const auto error = error_of([&] { return site.import({bundle.head}); });
  CHECK(error.code() == ErrorCode::tampered);
  CHECK(error.message().find(base::sha256(files[7].content).to_string()) != std::string::npos);
  CHECK(error.message().find(bundle.head.filename().string()) != std::string::npos);
  CHECK(site.generations().empty());
  CHECK_FALSE(store::BlobStore(site.home.blobs()).open(base::sha256(files[7].content)));
  CHECK(store::BlobStore(site.home.blobs()).open(base::sha256(files[8].content)));

  flip_bit(bundle.head, place + 100);
  const auto report = site.import({bundle.head});
  CHECK(report.bundles.front().bytes_written < 20 * 5000);
  CHECK(site.served("file", "data/0007.bin") == files[7].content);
}

TEST_CASE("one flipped bit in the head is refused, wherever it is") {
  const ProducerKeys keys;
  Medium medium;
  const auto bundle = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys, {.volume_size = 1 << 20});
  const auto good = text_of(bundle.head);
  // Every member of the head, a few bytes apart: its header, its content, its end.
  for (std::size_t offset = 0; offset < good.size(); offset += 997) {
    auto bad = good;
    bad[offset] = static_cast<char>(bad[offset] ^ 0x20);
    base::write_file_atomic(bundle.head, bad);
    Site site(&keys);
    try {
      site.import({bundle.head});
      // Room, padding, hints and derived files decide nothing; what was taken in is what was signed.
      CHECK(site.served("file", "a.txt") == "one");
    } catch (const base::Error& error) {
      INFO("offset " << offset << ": " << error.message());
      CHECK(exit_code(error.code()) != 0);
      CHECK(error.code() != ErrorCode::internal);
      CHECK(site.generations().empty());
    }
  }
}

TEST_CASE("a head that is cut short is incomplete") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys);
  cut(bundle.head, 20'000);
  CHECK(exit_code(code_of([&] { return site.import({bundle.head}); })) == 4);
  CHECK(site.generations().empty());
}

TEST_CASE("a bundle that is cut short within its blobs is incomplete, and continues with the whole file") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto files = big_files(20, 5000);
  const auto bundle = make_bundle(medium.path(), files, keys);
  const auto whole = text_of(bundle.head);
  cut(bundle.head, offset_of(bundle.head, "file 10 ") + 1000);
  const auto error = error_of([&] { return site.import({bundle.head}); });
  CHECK(error.code() == ErrorCode::truncated);
  CHECK(exit_code(error.code()) == 4);
  CHECK(site.generations().empty());
  base::write_file_atomic(bundle.head, whole);
  const auto report = site.import({bundle.head});
  CHECK(report.bundles.front().bytes_written < 15 * 5000 + 100'000);
  CHECK(site.served("file", "data/0019.bin") == files[19].content);
}

TEST_CASE("what is no bundle is said to be none") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  base::write_file_atomic(medium.path() / "x.airlock", "not a bundle at all");
  CHECK(code_of([&] { return site.import({medium.path() / "x.airlock"}); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return site.import({medium.path() / "absent.airlock"}); }) == ErrorCode::not_found);
  CHECK(code_of([&] { return site.import({medium.path()}); }) == ErrorCode::not_found);
}
