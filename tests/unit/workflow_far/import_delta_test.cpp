// Deltas: the store decides what is missing, and says it before anything changes.
#include "far_fixture.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "bundle/layout.hpp"
#include "support/head_file.hpp"
#include "trust/metadata.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/receipt.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

namespace {

struct TwoStates {
  ProducerKeys keys;
  Medium medium;
  MadeBundle first = make_bundle(medium.path(), {text_file("a.txt", "old"), text_file("b.txt", "stays")}, keys);
  MadeBundle delta =
      make_bundle(medium.path(), {text_file("a.txt", "new"), text_file("b.txt", "stays")}, keys,
                  {.serial = 2, .created = bundle_time(1), .omit = {"b.txt"}, .previous = first.contents});
};

std::string producer_of(const ProducerKeys& keys) {
  return trust::identity(trust::parse_signed(keys.first_root(), "root", trust::k_root_limit)).hex();
}

}  // namespace

TEST_CASE("a delta on its base is taken") {
  TwoStates states;
  Site site(&states.keys);
  site.clock.set(bundle_time(2));
  site.import({states.first.head});
  const auto report = site.import({states.delta.head});
  CHECK(report.bundles.front().blobs_present == 1);
  CHECK(site.served("file", "a.txt") == "new");
  CHECK(site.served("file", "b.txt") == "stays");
}

TEST_CASE("a delta without its base changes nothing and writes what is needed") {
  TwoStates states;
  Site site(&states.keys);
  site.clock.set(bundle_time(2));
  const auto error = error_of([&] { return site.import({states.delta.head}); });
  CHECK(error.code() == ErrorCode::base_missing);
  CHECK(base::error_code_info(error.code()).exit_code == 4);
  CHECK(site.generations().empty());
  CHECK_FALSE(fs::exists(site.home.blobs()));
  const auto need = workflow::read_receipt(site.home.root / "receipts" / "need-site-a-2.json");
  CHECK(need.is_need());
  CHECK(need.need_channel == "site-a");
  CHECK(need.need_producer == producer_of(states.keys));
  CHECK(need.need_serial == 2);
  REQUIRE(need.missing.size() == 1);
  CHECK(need.missing.front().sha256 == base::sha256("stays"));

  // Then the base, then the same delta.
  site.import({states.first.head});
  site.import({states.delta.head});
  CHECK(site.served("file", "a.txt") == "new");
}

TEST_CASE("the need list of another producer's channel of that name stays as it is") {
  TwoStates states;
  TwoStates others;
  Site site(&states.keys);
  workflow::pin_root(site.home, others.keys.first_root(), {});
  site.clock.set(bundle_time(2));
  const auto folder = site.home.root / "receipts";
  const auto own = folder / "need-site-a-2.json";
  const auto beside = folder / ("need-site-a-2-" + producer_of(others.keys).substr(0, 12) + ".json");
  const auto hint_for = [&site](const TwoStates& from) {
    const auto error = error_of([&] { site.import({from.delta.head}); });
    CHECK(error.code() == ErrorCode::base_missing);
    return error.hint();
  };
  CHECK(hint_for(states).find("--base need-site-a-2.json`") != std::string::npos);
  SECTION("where both name their producers") {
    const auto before = text_of(own);
    CHECK(hint_for(others).find("--base " + beside.filename().string() + "`") != std::string::npos);
    CHECK(text_of(own) == before);
  }
  SECTION("where an older airlock wrote the first one") {
    auto need = workflow::read_receipt(own);
    need.need_producer.clear();
    workflow::write_receipt_file(need, own);
    const auto before = text_of(own);
    CHECK(before.find(producer_of(states.keys)) == std::string::npos);
    hint_for(others);
    CHECK(text_of(own) == before);
  }
  CHECK(workflow::read_receipt(beside).need_producer == producer_of(others.keys));
  // Each has its place, however often it is refused.
  hint_for(states);
  hint_for(others);
  CHECK(workflow::read_receipt(own).need_producer == producer_of(states.keys));
  CHECK(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 2);
}

TEST_CASE("a delta on the wrong base names what is lacking") {
  TwoStates states;
  Site site(&states.keys);
  site.clock.set(bundle_time(2));
  // The same channel and serial as the base, made by a home that lost its memory: other bytes in it.
  Medium other;
  site.import(
      {make_bundle(other.path(), {text_file("a.txt", "old"), text_file("b.txt", "something else")}, states.keys).head});
  const auto before = site.fingerprint();
  const auto error = error_of([&] { return site.import({states.delta.head}); });
  CHECK(error.code() == ErrorCode::base_missing);
  // Not to import serial 1, which would be refused: another state is here under it.
  CHECK(error.hint().starts_with("ask for a full bundle, or carry "));
  CHECK(site.fingerprint() == before);
  CHECK(site.served("file", "b.txt") == "something else");
}

TEST_CASE("any store that holds the bytes is a base") {
  TwoStates states;
  Site site(&states.keys);
  site.clock.set(bundle_time(2));
  Medium other;
  site.import({make_bundle(other.path(), {text_file("x.txt", "stays")}, states.keys, {.channel = "site-b"}).head});
  site.import({states.delta.head});
  CHECK(site.served("file", "b.txt") == "stays");
}

TEST_CASE("verify takes an absent base for a note") {
  TwoStates states;
  Site site(&states.keys);
  site.clock.set(bundle_time(2));
  const auto report = site.verify(states.delta.head);
  CHECK(report.ok());
  CHECK(report.left_out == 1);
  CHECK(report.lacking == 0);  // nothing was imported here, so that nobody can say
  CHECK(has_finding(report, ErrorCode::base_missing, "left out"));
  Medium other;
  site.import({make_bundle(other.path(), {text_file("x.txt", "x")}, states.keys, {.channel = "site-b"}).head});
  const auto later = site.verify(states.delta.head);
  CHECK(later.ok());
  CHECK(later.lacking == 1);
}

TEST_CASE("statements alone renew what is here") {
  TwoStates states;
  Site site(&states.keys);
  site.import({states.first.head});
  auto head = states.first.contents;
  // A sending without a byte: it names everything as left out.
  std::vector<base::Digest> all;
  for (const auto& line : base::split(base::trim(head.targets.at(std::string(bundle::k_sums_target))), '\n')) {
    all.push_back(base::Digest::parse_sha256_hex(line.substr(0, line.find(' '))));
  }
  bundle::Shipment shipment{.number = 2, .kind = bundle::Shipment::Kind::metadata};
  shipment.omitted_blobs = all.size();
  shipment.omitted = bundle::omitted_digest(all);
  bundle::seal(head, shipment, bundle_time(60), states.keys.signing_set());
  write_head(states.medium.path() / "renewed.airlock", head);
  site.clock.set(bundle_time(61));
  const auto report = site.import({states.medium.path() / "renewed.airlock"});
  CHECK(report.bundles.front().outcome == workflow::ImportedBundle::Outcome::refreshed);
  CHECK(report.bundles.front().blobs_new == 0);
  CHECK(site.generations().size() == 1);
  CHECK(report.bundles.front().expiries[1].second > bundle_time(140));  // timestamp: 91 days
  CHECK(site.served("file", "a.txt") == "old");
}

TEST_CASE("an incomplete bundle does not keep a later complete one from being taken") {
  TwoStates states;
  Site site(&states.keys);
  Medium medium;
  site.clock.set(bundle_time(3));
  fs::copy_file(states.delta.head, medium.path() / "a.airlock");
  const auto full = make_bundle(medium.path(), {text_file("a.txt", "newest"), text_file("b.txt", "stays")}, states.keys,
                                {.serial = 3, .created = bundle_time(2), .previous = states.delta.contents});
  const auto report = site.import({medium.path()});
  REQUIRE(report.bundles.size() == 1);
  CHECK(report.bundles.front().serial == 3);
  CHECK(std::any_of(report.notes.begin(), report.notes.end(),
                    [](const auto& note) { return note.code == ErrorCode::base_missing; }));
  CHECK(site.served("file", "a.txt") == "newest");
}
