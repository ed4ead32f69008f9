// An approved state that is sent again by the same approval: cut otherwise, renewed, revoked, or refused.
#include "ship_fixture.hpp"

#include "store/catalog.hpp"
#include "support/head_file.hpp"
#include "trust/dsse.hpp"
#include "workflow/receipt.hpp"
#include "workflow/revocation.hpp"
#include "workflow/revoke.hpp"
#include "workflow/root_change.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;
using workflow::ShipContent;

TEST_CASE("a state is sent again as it was approved", "[ship]") {
  Producer near;
  const auto made = near.create({{"a.txt", "first"}, {"b.txt", "second"}});
  const auto sent = near.ship(near.options(made.bundle));
  CHECK(sent.shipment == 2);
  CHECK(sent.bundle.filename() == "site-a-1-s2.airlock");
  CHECK(sent.bundle_id == made.bundle_id);
  CHECK(sent.kind == bundle::Shipment::Kind::full);
  CHECK(sent.blobs_omitted == 0);
  const auto before = bundle::Head::read(made.bundle).contents();
  const auto after = bundle::Head::read(sent.bundle).contents();
  CHECK(before.metadata == after.metadata);  // the timestamp is fresh, so it is kept
  CHECK(before.targets == after.targets);
  CHECK(before.oci_index == after.oci_index);
  CHECK(before.shipment != after.shipment);

  FarSite site(near);
  CHECK(site.verify(sent.bundle).ok());
  site.import({sent.bundle});
  CHECK(site.served("file", "data/a.txt") == "first");
  // The first sending then brings nothing new.
  CHECK(site.import({made.bundle}).bundles.front().outcome == workflow::ImportedBundle::Outcome::nothing_to_do);

  const auto third = near.ship(near.options(made.bundle, "third"));
  CHECK(third.shipment == 3);
}

TEST_CASE("the number of a sending is nobody's word but this home's own keys'", "[ship]") {
  Producer near;
  const auto made = near.create({{"a.txt", "first"}});
  const auto options = near.options(made.bundle);
  const fs::path folder(options.output);
  base::make_directories(folder);
  const auto plant = [&](const std::string& name, const bundle::HeadContents& contents) {
    write_head(folder / name, contents);
  };
  bundle::HeadContents hint;
  hint.hint = bundle::Head::read(made.bundle).hint();
  hint.hint.shipment = bundle::k_number_limit;
  plant("hint.airlock", hint);
  // The same in front of all that is signed, and a shipment by somebody else's key.
  auto whole = bundle::Head::read(made.bundle).contents();
  whole.hint.shipment = bundle::k_number_limit;
  plant("whole.airlock", whole);
  const auto stranger = trust::generate_key(trust::Scheme::ed25519);
  auto shipment = near.host.open(made.bundle).shipment;
  shipment.number = bundle::k_number_limit - 1;
  whole.shipment = trust::sign_envelope(bundle::k_shipment_type, bundle::to_text(shipment), {stranger.get()});
  plant("stranger.airlock", whole);
  CHECK(near.ship(options).shipment == 2);
  CHECK(near.ship(options).shipment == 3);

  // Another home with the same keys, which does not know of those.
  const workflow::Home twin{near.host.root() / "twin", near.host.root() / "twin"};
  fs::copy(near.host.home().root, twin.root, fs::copy_options::recursive);
  fs::remove(twin.channel("site-a") / "sendings.json");
  const base::FixedClock clock(bundle_time());
  CHECK(workflow::ship_bundle(twin, options, near.host.keys(), clock, near.host.reporter()).shipment == 4);

  // Whoever has the key may use the numbers of one state up, and no more than those.
  auto last = bundle::Head::read(made.bundle).contents();
  shipment.number = bundle::k_number_limit;
  bundle::seal(last, shipment, bundle_time(), near.host.keys().signing_set());
  plant("last.airlock", last);
  CHECK(code_of([&] { return near.ship(options); }) == ErrorCode::limit);
  const auto next = near.create({{"a.txt", "second"}});
  CHECK(next.serial == 2);
  CHECK(near.ship(near.options(next.bundle)).shipment == 2);
}

TEST_CASE("a sending may be cut otherwise than the first", "[ship]") {
  Producer near;
  FarSite site(near);
  const auto made = near.create({{"a.bin", content_for(1, 40'000)}, {"b.bin", content_for(2, 9'000)}});
  auto cut = near.options(made.bundle, "cut");
  cut.volume_size = 16 * 1024;
  const auto volumes = near.ship(cut);
  CHECK(volumes.volumes.size() >= 3);
  auto whole = near.options(volumes.bundle, "whole");
  const auto one = near.ship(whole);
  CHECK(one.volumes.empty());
  site.import({one.bundle});
  CHECK(site.served("file", "data/a.bin") == content_for(1, 40'000));

  SECTION("with a volume gone the other copies do") {
    fs::remove(volumes.volumes.front());
    CHECK(near.ship(near.options(volumes.bundle, "more")).shipment == 4);
  }
  SECTION("with every copy gone it says which volume is missing") {
    fs::remove(volumes.volumes.front());
    fs::remove(made.bundle);
    fs::remove(one.bundle);
    CHECK(code_of([&] { return near.ship(near.options(volumes.bundle, "more")); }) == ErrorCode::volume_missing);
  }
}

TEST_CASE("statements alone renew a state, and no two are the same version", "[ship]") {
  Producer near;
  FarSite site(near);
  const auto made = near.create({{"a.txt", "1"}});
  site.import({made.bundle});
  auto options = near.options(made.bundle, "renewed");
  options.content = ShipContent::statements;
  const auto day_20 = near.ship_at(options, 20);
  CHECK(day_20.kind == bundle::Shipment::Kind::metadata);
  CHECK(day_20.new_timestamp);
  CHECK(digests_in(day_20.bundle).empty());
  // From the first bundle again, as if the renewal in between were forgotten.
  options.output = (near.host.root() / "renewed-again").string() + "/";
  const auto day_40 = near.ship_at(options, 40);
  CHECK(day_40.shipment == 3);
  CHECK(day_40.timestamp_expires > day_20.timestamp_expires);
  site.clock.set(bundle_time(41));
  CHECK(site.import({day_20.bundle}).bundles.front().outcome == workflow::ImportedBundle::Outcome::refreshed);
  CHECK(site.import({day_40.bundle}).bundles.front().outcome == workflow::ImportedBundle::Outcome::refreshed);
  CHECK(site.generations().size() == 1);
  CHECK(site.served("file", "data/a.txt") == "1");
  // The older renewal, and the state as it came first, are nothing to do.
  for (const auto& older : {day_20.bundle, made.bundle}) {
    CHECK(site.import({older}).bundles.front().outcome == workflow::ImportedBundle::Outcome::nothing_to_do);
  }

  SECTION("a state whose approval ran out is not sent again") {
    options.output = (near.host.root() / "late").string() + "/";
    CHECK(code_of([&] { return near.ship_at(options, 400); }) == ErrorCode::expired);
    CHECK_FALSE(fs::exists(near.host.root() / "late"));
  }
}

TEST_CASE("a new key of timestamp goes over with statements alone, one of snapshot with the next state", "[ship]") {
  Producer near;
  FarSite site(near);
  const auto made = near.create({{"a.txt", "1"}});
  site.import({made.bundle});
  const base::FixedClock clock(bundle_time(2));
  const auto rotate = [&](const std::string& role) {
    workflow::change_root(near.host.home(), {.kind = workflow::RootChange::Kind::rotate, .role = role}, {}, clock);
  };
  const auto send = [&](const std::string& folder) {
    auto options = near.options(made.bundle, folder);
    options.content = ShipContent::statements;
    const workflow::KeyRing keys(near.host.home(), std::nullopt);
    return workflow::ship_bundle(near.host.home(), options, keys, clock, near.host.reporter());
  };

  rotate("timestamp");
  const auto renewed = send("renewed");
  CHECK(renewed.bundle_id == made.bundle_id);
  CHECK(renewed.new_timestamp);
  CHECK(digests_in(renewed.bundle).empty());
  site.clock.set(bundle_time(3));
  CHECK(site.import({renewed.bundle}).bundles.front().outcome == workflow::ImportedBundle::Outcome::refreshed);
  CHECK(workflow::make_receipt(site.state(), bundle_time(3)).channels.front().root_version == 2);
  CHECK(site.served("file", "data/a.txt") == "1");

  rotate("snapshot");
  const auto error = error_of([&] { return send("more"); });
  CHECK(error.code() == ErrorCode::approval_missing);
  CHECK(error.hint().find("`airlock bundle create`") != std::string::npos);
  CHECK_FALSE(fs::exists(near.host.root() / "more"));
}

TEST_CASE("a damaged source is named, and what was written is kept", "[ship]") {
  Producer near;
  const auto made = near.create({{"a.bin", content_for(1, 300'000)}, {"b.bin", content_for(2, 300'000)}});
  const auto good = read_whole(made.bundle);
  flip_bit(made.bundle, offset_of(made.bundle, content_for(2, 100)) + 5'000);
  const auto options = near.options(made.bundle);
  const auto error = error_of([&] { return near.ship(options); });
  CHECK(error.code() == ErrorCode::tampered);
  CHECK(error.message().find(base::sha256(content_for(2, 300'000)).hex()) != std::string::npos);
  CHECK(error.message().find("site-a-1.airlock") != std::string::npos);
  CHECK_FALSE(fs::exists(near.host.root() / "again" / "site-a-1-s2.airlock"));

  base::write_file_atomic(made.bundle, good);
  const auto sent = near.ship(options);
  CHECK(sent.continued);
  CHECK(sent.shipment == 2);
  CHECK(sent.bytes_written < 650'000);  // the first file was there
  FarSite site(near);
  site.import({sent.bundle});
  CHECK(site.served("file", "data/b.bin") == content_for(2, 300'000));
}

TEST_CASE("what cannot be sent is refused before anything is written", "[ship]") {
  Producer near;
  const auto made = near.create({{"a.txt", "1"}});
  auto options = near.options(made.bundle);

  SECTION("for a site that does not know the channel") {
    const ProducerKeys other;
    Medium medium;
    Site site(&other);
    site.import({make_bundle(medium.path(), {text_file("x", "y")}, other, {.channel = "site-b"}).head});
    workflow::write_receipt_file(workflow::make_receipt(site.state(), bundle_time(1)), near.host.root() / "b.json");
    options.bases = {near.host.root() / "b.json"};
    CHECK(code_of([&] { return near.ship(options); }) == ErrorCode::foreign);
  }
  SECTION("of another producer") {
    const ProducerKeys other;
    Medium medium;
    options.bundle = make_bundle(medium.path(), {text_file("x", "y")}, other).head;
    CHECK(base::error_code_info(code_of([&] { return near.ship(options); })).exit_code == 3);
  }
  SECTION("when it is a draft") {
    auto contents = bundle::Head::read(made.bundle).contents();
    contents.shipment.clear();
    contents.metadata.erase("timestamp.json");
    options.bundle = write_head(near.host.root() / "draft.airlock", contents);
    CHECK(code_of([&] { return near.ship(options); }) == ErrorCode::approval_missing);
  }
  SECTION("when another file has its name") {
    fs::create_directories(near.host.root() / "again");
    base::write_file_atomic(near.host.root() / "again" / "site-a-1-s2.airlock", "mine");
    CHECK(code_of([&] { return near.ship(options); }) == ErrorCode::conflict);
    CHECK(read_whole(near.host.root() / "again" / "site-a-1-s2.airlock") == "mine");
  }
  SECTION("when the bytes that a delta left out are nowhere") {
    const auto delta = near.create({{"a.txt", "1"}, {"b.txt", "2"}}, {made.bundle});
    fs::remove(made.bundle);
    options.bundle = delta.bundle;
    CHECK(code_of([&] { return near.ship(options); }) == ErrorCode::base_missing);
  }
  CHECK_FALSE(fs::exists(near.host.root() / "again" / "site-a-1-s2.airlock.partial"));
}

TEST_CASE("what is revoked becomes the next state, as statements alone", "[ship][revoke]") {
  Producer near;
  FarSite site(near);
  const auto first = near.create({{"a.txt", "bad"}, {"b.txt", "good"}});
  site.import({first.bundle});
  workflow::RevokeOptions options;
  options.items = {"file:data/a.txt"};
  options.reason = "found bad";
  options.output = (near.host.root() / "revoked").string() + "/";
  const base::FixedClock clock(bundle_time(1));
  const auto revoked = workflow::revoke(near.host.home(), options, near.host.keys(), clock, near.host.reporter());
  CHECK(revoked.serial == 2);
  CHECK(revoked.sealed);
  CHECK(revoked.files == 1);
  REQUIRE(revoked.added.size() == 1);
  CHECK(revoked.added.front().item.starts_with("pkg:generic/"));
  CHECK(digests_in(revoked.bundle).empty());

  site.clock.set(bundle_time(2));
  const auto report = site.import({revoked.bundle});
  CHECK(report.bundles.front().blobs_new == 0);
  CHECK(site.served("file", "data/b.txt") == "good");
  const auto row = store::Catalog::open_current(site.home.root)->find("file", "data/a.txt");
  REQUIRE(row);
  CHECK(row->kind == model::Kind::withheld);
  CHECK(row->reason == "revoked by the producer of 'site-a': found bad");

  SECTION("the same again is refused, and an unknown name too") {
    CHECK(code_of([&] {
            return workflow::revoke(near.host.home(), options, near.host.keys(), clock, near.host.reporter());
          }) == ErrorCode::conflict);
    options.items = {"file:data/nothing.txt"};
    CHECK(code_of([&] {
            return workflow::revoke(near.host.home(), options, near.host.keys(), clock, near.host.reporter());
          }) == ErrorCode::not_found);
  }
  SECTION("the state before is not sent again") {
    CHECK(code_of([&] { return near.ship(near.options(first.bundle)); }) == ErrorCode::revoked);
  }
  SECTION("the state that revokes can be sent, without what it revokes") {
    const auto sent = near.ship_at(near.options(revoked.bundle, "whole"), 2);
    CHECK(sent.blobs_revoked == 1);
    CHECK_FALSE(digests_in(sent.bundle).contains(digest_hex("bad")));
    CHECK(digests_in(sent.bundle).contains(digest_hex("good")));
    FarSite fresh(near);
    fresh.clock.set(bundle_time(3));
    CHECK(fresh.verify(sent.bundle).ok());
    fresh.import({sent.bundle});
    CHECK(fresh.served("file", "data/b.txt") == "good");
    CHECK_FALSE(fresh.served("file", "data/a.txt"));
  }
  SECTION("a state that still asks for it is not made") {
    CHECK(code_of([&] { return near.create({{"a.txt", "bad"}, {"c.txt", "more"}}); }) == ErrorCode::revoked);
    const auto next = near.create({{"b.txt", "good"}, {"c.txt", "more"}});
    CHECK(next.serial == 3);
    CHECK(workflow::revoked_in(bundle::Head::read(next.bundle).contents()).size() == 1);
    site.import({next.bundle});
    CHECK(site.served("file", "data/c.txt") == "more");
  }
}
