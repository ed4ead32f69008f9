// Several bundles in one run: what is refused keeps nothing else away, and what is here already is nothing to do.
#include "far_fixture.hpp"

#include <algorithm>

#include "store/blob_store.hpp"
#include "support/head_file.hpp"
#include "trust/dsse.hpp"
#include "workflow/pinned_roots.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;
using base::Severity;
using Outcome = workflow::ImportedBundle::Outcome;

namespace {

// A stick with three states of one channel.
struct Stick {
  ProducerKeys keys;
  Medium medium;
  MadeBundle first, second, third;

  explicit Stick(bool rotate = false) {
    first = make_bundle(medium.path(), {text_file("a.txt", "state one")}, keys);
    if (rotate) {
      keys.rotate("timestamp");
    }
    second = make_bundle(medium.path(), {text_file("a.txt", "state two")}, keys,
                         {.serial = 2, .created = bundle_time(1), .previous = first.contents});
    third = make_bundle(medium.path(), {text_file("a.txt", "state three")}, keys,
                        {.serial = 3, .created = bundle_time(2), .previous = second.contents});
  }
};

struct Run {
  workflow::ImportReport told;  // before the refusal
  base::Error error{ErrorCode::internal, ""};
};

Run run_refused(Site& site, const std::vector<fs::path>& bundles) {
  Run run;
  auto options = site.options(bundles);
  options.taken_before_refusal = [&run](const workflow::ImportReport& report) { run.told = report; };
  run.error = error_of([&] { return workflow::import_bundles(options, site.clock, site.reporter); });
  return run;
}

std::size_t count_errors(const workflow::ImportReport& report) {
  return static_cast<std::size_t>(std::ranges::count(report.notes, Severity::error, &base::Finding::severity));
}

}  // namespace

TEST_CASE("the same stick again is nothing to do") {
  const bool rotated = GENERATE(false, true);
  CAPTURE(rotated);
  Stick stick(rotated);
  Site site(&stick.keys);
  site.clock.set(bundle_time(3));
  site.import({stick.medium.path()});
  const auto before = site.fingerprint();
  const auto report = site.import({stick.medium.path()});
  REQUIRE(report.bundles.size() == 1);
  CHECK(report.bundles[0].outcome == Outcome::nothing_to_do);
  CHECK(report.bundles[0].serial == 3);
  CHECK(report.bundles[0].active);
  CHECK(count_errors(report) == 0);
  CHECK(report.receipt.empty());
  CHECK(site.fingerprint() == before);
  CHECK(site.verify(stick.medium.path()).exit_code() == 0);
  // Alone an older one is stale: whoever brings it has the wrong stick.
  CHECK(code_of([&] { return site.import({stick.first.head}); }) == ErrorCode::rollback);
  CHECK(site.verify(stick.first.head).exit_code() == 5);
}

TEST_CASE("a bundle from before a new root does not stop the newer ones beside it") {
  Stick stick(true);
  Site site(&stick.keys);
  site.clock.set(bundle_time(3));
  site.import({stick.second.head});
  const auto report = site.import({stick.medium.path()});
  REQUIRE(report.bundles.size() == 2);
  CHECK(report.bundles.back().serial == 3);
  CHECK(site.served("file", "a.txt") == "state three");
  CHECK(count_errors(report) == 0);
  CHECK(site.verify(stick.medium.path()).exit_code() == 0);
  // Alone it is stale, and says what is here.
  const auto error = error_of([&] { return site.import({stick.first.head}); });
  CHECK(error.code() == ErrorCode::rollback);
  CHECK(error.message().find("older than 3") != std::string::npos);
}

TEST_CASE("an older bundle alone is told what is here") {
  const Stick stick;
  Site site(&stick.keys);
  site.clock.set(bundle_time(3));
  site.import({stick.third.head});
  const auto error = error_of([&] { return site.import({stick.first.head}); });
  CHECK(error.code() == ErrorCode::rollback);
  CHECK(error.hint().find("older than the serial 3 that is here") != std::string::npos);
}

TEST_CASE("a state that is known here is older, whatever its unsigned hint says") {
  const Stick stick;
  Site site(&stick.keys);
  site.clock.set(bundle_time(3));
  site.import({stick.first.head});
  site.import({stick.third.head});
  auto contents = stick.first.contents;
  contents.hint.serial = 9;
  Medium medium;
  const auto head = medium.path() / "site-a-9.airlock";
  base::write_file_atomic(head, bundle::build_head(contents, std::nullopt, bundle::HeadEnd::alone).value());
  const auto error = error_of([&] { return site.import({head}); });
  CHECK(error.code() == ErrorCode::rollback);
  CHECK(error.hint() == "it is older than the serial 3 that is here: nothing to do; to serve an earlier state again "
                        "use `airlock store rollback`");
}

TEST_CASE("an older statement of the state that is here is nothing to do") {
  ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys);
  site.import({first.head});
  bundle::EmptyStateStore nothing;
  const auto verified = bundle::verify_head(bundle::Head::read(first.head), nothing, verify_options(keys));
  SECTION("under the same keys") {}
  SECTION("from before a new timestamp key") {
    keys.rotate("timestamp");
  }
  // The same state, as `ship --metadata` sends it.
  auto contents = first.contents;
  const auto signing = keys.signing_set();
  for (std::size_t i = 1; i <= keys.roots().size(); ++i) {
    contents.metadata[std::to_string(i) + ".root.json"] = keys.roots()[i - 1];
  }
  const auto old = trust::parse_envelope(contents.shipment, "shipment", 1 << 20);
  auto shipment = bundle::parse_shipment(old.payload, "shipment");
  std::vector<base::Digest> omitted;
  std::ranges::transform(verified.blobs(), std::back_inserter(omitted), &bundle::VerifiedBundle::StateBlob::sha256);
  shipment.number = 2;
  shipment.kind = bundle::Shipment::Kind::metadata;
  shipment.blobs = 0;
  shipment.bytes = 0;
  shipment.omitted = bundle::omitted_digest(omitted);
  shipment.omitted_blobs = omitted.size();
  bundle::seal(contents, shipment, bundle_time(2), signing, bundle::Timestamping::renew);
  contents.hint.shipment = 2;
  Medium other;
  const auto renewed = write_head(other.path() / "renewed.airlock", contents);
  site.clock.set(bundle_time(3));
  REQUIRE(site.import({renewed}).bundles.front().outcome == Outcome::refreshed);

  const auto before = site.fingerprint();
  const auto report = site.import({first.head});
  CHECK(report.bundles.front().outcome == Outcome::nothing_to_do);
  CHECK(report.bundles.front().active);
  CHECK(site.fingerprint() == before);
  CHECK(site.verify(first.head).exit_code() == 0);
  // Whoever asks for a decision about it is not told that nothing is to be done.
  auto options = site.options({first.head});
  options.withhold = {base::sha256("one")};
  options.reason = "licence";
  CHECK(code_of([&] { return workflow::import_bundles(options, site.clock, site.reporter); }) == ErrorCode::rollback);
  // Nor where something of it is missing: both together bring it.
  site.change([](store::StateDb& state) { state.remove_blob(base::sha256("one")); });
  store::BlobStore(site.home.blobs()).remove(base::sha256("one"));
  const auto error = error_of([&] { return site.import({first.head}); });
  CHECK(error.code() == ErrorCode::rollback);
  CHECK(error.hint().find("together with the newest sending") != std::string::npos);
  site.import({first.head, renewed});
  CHECK(site.served("file", "a.txt") == "one");
}

TEST_CASE("one bundle that is refused keeps no other away, and is what the run ends with") {
  const Stick stick;
  Site site(&stick.keys);
  site.clock.set(bundle_time(3));
  const ProducerKeys stranger;
  make_bundle(stick.medium.path(), {text_file("x.txt", "x")}, stranger, {.channel = "another"});
  make_bundle(stick.medium.path(), {text_file("z.txt", "z")}, stick.keys, {.channel = "zone"});
  flip_bit(stick.first.head, offset_of(stick.first.head, "state one"));
  const auto run = run_refused(site, {stick.medium.path()});
  CHECK(base::error_code_info(run.error.code()).exit_code == 3);
  CHECK(run.told.bundles.size() == 3);
  CHECK(count_errors(run.told) == 1);  // one is thrown, the other told
  CHECK(site.served("file", "a.txt") == "state three");
  CHECK(site.served("file", "z.txt") == "z");
  CHECK_FALSE(site.served("file", "x.txt"));
}

TEST_CASE("a bundle of another producer makes no refusal of a channel of that name good") {
  const Stick stick;
  Site site(&stick.keys);
  site.clock.set(bundle_time(5));
  site.import({stick.first.head});
  const ProducerKeys heirs;
  workflow::pin_root(site.home, heirs.first_root(), {});
  const Medium medium;
  const auto cut = medium.path() / "cut.airlock";
  const auto bytes = text_of(stick.second.head);
  base::write_file_atomic(cut, bytes.substr(0, offset_of(stick.second.head, "state two") + 3));
  make_bundle(medium.path(), {text_file("heirs.txt", "another's")}, heirs, {.serial = 3, .created = bundle_time(4)});
  const auto run = run_refused(site, {medium.path()});
  CHECK(run.error.code() == ErrorCode::truncated);
  CHECK(run.told.bundles.size() == 1);
  CHECK(site.served("file", "heirs.txt") == "another's");
  CHECK(site.served("file", "a.txt") == "state one");
}

TEST_CASE("a producer that has no state here yet is not answered for by another one's bundle") {
  const ProducerKeys keys;
  Site site(&keys);
  const ProducerKeys heirs;
  workflow::pin_root(site.home, heirs.first_root(), {});
  const Medium medium;
  const Medium other;
  make_bundle(medium.path(), {text_file("a.txt", "one")}, keys);
  const bool draft_is_first = GENERATE(false, true);
  fs::create_directories(medium.path() / "0");
  const auto draft = make_bundle(draft_is_first ? medium.path() / "0" : other.path(), {text_file("b.txt", "two")},
                                 heirs, {.sealed = false});
  const auto run = run_refused(site, {medium.path(), draft.head});
  CHECK(run.error.code() == ErrorCode::approval_missing);
  CHECK(run.told.bundles.size() == 1);
  CHECK(site.served("file", "a.txt") == "one");
}

// For each of them all others would be looked at: the work would grow with their square.
TEST_CASE("a folder full of copies of one head is refused, and one of them can be named") {
  const Stick stick;
  Site site(&stick.keys);
  Medium full;
  std::vector<fs::path> copies;
  for (std::size_t i = 0; i <= bundle::k_copies_limit; ++i) {
    copies.push_back(full.path() / ("copy-" + std::to_string(i)));
    fs::copy_file(stick.first.head, copies.back());
  }
  const bool by_name = GENERATE(false, true);
  const auto all = by_name ? copies : std::vector<fs::path>{full.path()};
  const auto error = error_of([&] { return site.import(all); });
  CHECK(error.code() == ErrorCode::limit);
  CHECK(error.message().find("say that they are sending 1 of bundle 'site-a' 1") != std::string::npos);
  CHECK(site.generations().empty());
  CHECK(site.import({copies.front()}).bundles.front().outcome == Outcome::imported);
  // What is one file by several names is one.
  Medium links;
  std::vector<fs::path> names;
  for (std::size_t i = 0; i <= bundle::k_copies_limit; ++i) {
    names.push_back(links.path() / ("name-" + std::to_string(i)));
    fs::create_hard_link(i == 0 ? copies.front() : names.front(), names.back());
  }
  CHECK(site.import(names).bundles.front().outcome == Outcome::nothing_to_do);
}

TEST_CASE("of several refusals the worst is what the run ends with") {
  const Stick stick;
  Site site(&stick.keys);
  site.clock.set(bundle_time(3));
  Medium folder;
  fs::copy_file(stick.third.head, folder.path() / "3");
  site.import({folder.path() / "3"});
  Medium others;
  fs::copy_file(stick.first.head, others.path() / "1");
  make_bundle(others.path(), {text_file("d.txt", "d")}, stick.keys, {.channel = "draft", .sealed = false});
  auto run = run_refused(site, {others.path()});
  CHECK(run.error.code() == ErrorCode::approval_missing);
  CHECK(count_errors(run.told) == 1);
  make_bundle(others.path(), {text_file("x.txt", "x")}, ProducerKeys(), {.channel = "stranger"});
  run = run_refused(site, {others.path()});
  CHECK(run.error.code() == ErrorCode::untrusted);
  CHECK(count_errors(run.told) == 2);
}

TEST_CASE("a bundle that was made with a clock ahead does not keep the good one beside it away") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys, {.created = bundle_time(30)});
  const auto second = make_bundle(medium.path(), {text_file("a.txt", "2")}, keys,
                                  {.serial = 2, .created = bundle_time(1), .previous = first.contents});
  site.clock.set(bundle_time(2));
  const auto run = run_refused(site, {medium.path()});
  CHECK(run.error.code() == ErrorCode::clock);
  CHECK(run.told.bundles.size() == 1);
  CHECK(site.served("file", "a.txt") == "2");
  CHECK(site.import({medium.path()}).bundles.front().serial == 2);  // it is only older now
}

TEST_CASE("two statements of one version end the run at once") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium first_medium;
  Medium medium;
  site.import({make_bundle(first_medium.path(), {text_file("a.txt", "one")}, keys).head});
  make_bundle(medium.path(), {text_file("a.txt", "two")}, keys);
  make_bundle(medium.path(), {text_file("z.txt", "z")}, keys, {.channel = "zone"});
  const auto error = error_of([&] { return site.import({medium.path()}); });
  CHECK(error.code() == ErrorCode::equivocation);
  CHECK_FALSE(site.served("file", "z.txt"));
}

TEST_CASE("a damaged head does not keep verify from looking at the others") {
  const Stick stick;
  Site site(&stick.keys);
  site.clock.set(bundle_time(3));
  cut(stick.first.head, 20'000);
  const auto report = site.verify(stick.medium.path());
  CHECK(report.exit_code() == 4);
  CHECK(report.heads.size() == 3);
  CHECK(report.serial == 3);
}

TEST_CASE("what is withheld and released at once is a mistake") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), {text_file("a.txt", "one")}, keys);
  auto options = site.options({bundle.head});
  options.withhold = {base::sha256("one")};
  options.release = {base::sha256("one")};
  options.reason = "both";
  CHECK(code_of([&] { return workflow::import_bundles(options, site.clock, site.reporter); }) == ErrorCode::usage);
  CHECK(site.generations().empty());
}
