// Time: roles that ran out, clocks that are wrong.
#include "attack_kit.hpp"

using namespace airlock;
using namespace airlock::test;
using base::Json;

TEST_CASE("an expired role is refused, whichever it is", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::string role = GENERATE("oci", "npm", "targets", "snapshot", "timestamp");
  DishonestProducer producer(keys, scene.made.contents);
  producer.edit_role(role, [](Json& part) { part["expires"] = "2026-07-01T18:00:00Z"; });
  producer.renew_shipment();
  CHECK(scene.fate_with(producer.head, bundle_time()) == "ok");
  CHECK(scene.fate_with(producer.head, bundle_time(1)) == "expired");
}

TEST_CASE("an expired root is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  CHECK(scene.fate_with(scene.made.contents, bundle_time(365 * 3 + 1)) == "expired");
}

TEST_CASE("expiry in another spelling is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  for (const std::string expires :
       {"2030-01-01", "2030-01-01T00:00:00", "2030-01-01T00:00:00+00:00", "2030-01-01T00:00:00.5Z", "never", "",
        "99999-01-01T00:00:00Z", "2030-13-01T00:00:00Z"}) {
    DishonestProducer producer(keys, scene.made.contents);
    producer.edit_role("snapshot", [&](Json& part) { part["expires"] = expires; });
    producer.renew_shipment();
    CAPTURE(expires);
    CHECK(scene.fate_with(producer.head) == "tampered");
  }
}

TEST_CASE("a clock that is behind the bundle is named as such", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  CHECK(scene.fate_with(scene.made.contents, bundle_time(-2)) == "clock");
  CHECK(scene.fate_with(scene.made.contents, bundle_time(-1)) == "ok");  // within the tolerance
}
