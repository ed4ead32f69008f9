// The shipment and the hint: what says how the bytes travel, and decides nothing that it should not.
#include "attack_kit.hpp"

#include "support/head_file.hpp"

using namespace airlock;
using namespace airlock::test;

TEST_CASE("a shipment of another state is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const base::TempDir folder;
  const auto other =
      make_bundle(folder.path(), {text_file("x", "x")}, keys, {.serial = 2, .previous = scene.made.contents});
  bundle::HeadContents head = scene.made.contents;
  head.shipment = other.contents.shipment;
  CHECK(scene.fate_with(head) == "tampered");
  const auto same_serial = make_bundle(folder.path(), {text_file("y", "y")}, keys, {.created = bundle_time(1)});
  head.shipment = same_serial.contents.shipment;
  CHECK(scene.fate_with(head) == "tampered");
}

TEST_CASE("a shipment is signed by the keys of timestamp, as a shipment", "[attacks]") {
  const ProducerKeys keys, others;
  Scene scene(keys);
  DishonestProducer producer(keys, scene.made.contents);
  const bundle::Shipment shipment = producer.shipment();
  producer.set_shipment(shipment, {&keys.signer("timestamp")});
  CHECK(scene.fate_with(producer.head) == "ok");
  for (const std::string role : {"root", "snapshot", "targets"}) {
    producer.set_shipment(shipment, {&keys.signer(role)});
    CHECK(scene.fate_with(producer.head) == "untrusted");
  }
  producer.set_shipment(shipment, {&others.signer("timestamp")});
  CHECK(scene.fate_with(producer.head) == "untrusted");
  producer.set_shipment(shipment, {});
  CHECK(scene.fate_with(producer.head) == "untrusted");
  producer.set_shipment(shipment, {&keys.signer("timestamp")}, "application/vnd.in-toto+json");
  CHECK(scene.fate_with(producer.head) == "untrusted");
}

TEST_CASE("a shipment whose numbers do not fit is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const auto with = [&](const std::function<void(bundle::Shipment&)>& change) {
    DishonestProducer producer(keys, scene.made.contents);
    bundle::Shipment shipment = producer.shipment();
    change(shipment);
    producer.set_shipment(shipment, {&keys.signer("timestamp")});
    return scene.fate_with(producer.head);
  };
  using Kind = bundle::Shipment::Kind;
  CHECK(with([](auto& s) { --s.blobs; }) == "tampered");
  CHECK(with([](auto& s) { --s.bytes; }) == "tampered");
  CHECK(with([](auto& s) { s.omitted_blobs = 1; }) == "tampered");
  CHECK(with([](auto& s) {
          s.blobs = UINT64_MAX >> 11;
          s.omitted_blobs = 8;
        }) == "tampered");
  CHECK(with([](auto& s) { s.kind = Kind::metadata; }) == "tampered");
  CHECK(with([](auto& s) {
          s.kind = Kind::metadata;
          s.omitted_blobs = s.blobs;
          s.blobs = 0;
        }) == "tampered");
  CHECK(with([](auto& s) { s.volumes.resize(1); }) == "tampered");  // blobs follow the head all the same
  CHECK(with([](auto& s) { s.channel = "site-b"; }) == "tampered");
  CHECK(with([](auto& s) { s.serial = 2; }) == "tampered");
  CHECK(with([](auto& s) { s.number = 2; }) == "tampered");  // the hint says 1
}

TEST_CASE("a shipment of more volumes than any is refused", "[attacks]") {
  const ProducerKeys keys;
  const base::TempDir folder;
  const auto made = make_bundle(folder.path(), sample_files(), keys, {.volume_size = 8192});
  // Right in every other number: the hint says as many, and nothing that is needed is in the volumes beyond.
  const auto with_volumes = [&](std::uint64_t count) {
    DishonestProducer producer(keys, made.contents);
    bundle::Shipment shipment = producer.shipment();
    shipment.volumes.resize(count, shipment.volumes.back());
    producer.set_shipment(shipment, {&keys.signer("timestamp")});
    producer.head.hint.volumes = count;
    write_head(made.head, producer.head);
    return fate(made.head, verify_options(keys));
  };
  CHECK(with_volumes(bundle::k_volume_limit) == "ok");
  const Fate outcome = with_volumes(bundle::k_volume_limit + 1);
  CHECK(outcome == "tampered");
  CHECK(outcome.says("is not a list of at most 9999"));
}

TEST_CASE("a hint that lies is found", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const auto with = [&](const std::function<void(bundle::Hint&)>& change) {
    bundle::HeadContents head = scene.made.contents;
    change(head.hint);
    return scene.fate_with(head);
  };
  CHECK(with([](bundle::Hint&) {}) == "ok");
  CHECK(with([](auto& h) { h.channel = "site-b"; }) == "foreign");
  CHECK(with([](auto& h) { h.channel = "../x"; }) == "tampered");
  CHECK(with([](auto& h) { h.channel = ""; }) == "tampered");
  CHECK(with([](auto& h) { h.serial = 99; }) == "tampered");
  CHECK(with([](auto& h) { h.shipment = 2; }) == "tampered");
  CHECK(with([](auto& h) { h.set = std::string(64, '0'); }) == "tampered");
  CHECK(with([](auto& h) { h.volumes = 3; }) == "tampered");
  CHECK(with([](auto& h) { h.created = "2030-01-01T00:00:00Z"; }) == "tampered");
  CHECK(with([](auto& h) { h.needs = "0.0.1"; }) == "tampered");
  CHECK(with([](auto& h) { h.needs = "99.0.0"; }) == "unsupported");
}

TEST_CASE("hostile JSON in the hint decides nothing", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::size_t hint = index_of(scene.members, "airlock.json");
  for (const std::string& text : {std::string(), std::string("{"), std::string(100'000, '['), std::string("null"),
                                  scene.members[hint].content + " ", std::string("{\"channel\":\"site-a\"}")}) {
    auto members = scene.members;
    members[hint].content = text;
    CAPTURE(text.substr(0, 40));
    CHECK(scene.fate_of_bytes(put_together(members)) == "tampered");
  }
}
