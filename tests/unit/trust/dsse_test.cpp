#include "trust/dsse.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "support/catch.hpp"
#include "support/tuf_repository.hpp"

using namespace airlock;
using base::Json;
using test::outcome;

namespace {

constexpr std::size_t k_limit = 1 << 20;
constexpr std::string_view k_type = "application/vnd.airlock.shipment+json";

struct Setup {
  std::unique_ptr<trust::Signer> a = trust::generate_key(trust::Scheme::ed25519);
  std::unique_ptr<trust::Signer> b = trust::generate_key(trust::Scheme::ecdsa_p256);
  std::map<std::string, trust::PublicKey> keys = {{a->public_key().keyid(), a->public_key()},
                                                  {b->public_key().keyid(), b->public_key()}};
  trust::RoleKeys role{.keyids = {a->public_key().keyid(), b->public_key().keyid()}, .threshold = 1};

  std::string open(const std::string& bytes, std::string_view type = k_type) {
    return outcome([&] { payload = trust::open_envelope(bytes, type, "envelope", role, keys, k_limit); });
  }
  std::string payload;
};

Json changed(const std::string& envelope, const std::string& pointer, const Json& value) {
  Json json = Json::parse(envelope);
  json[Json::json_pointer(pointer)] = value;
  return json;
}

}  // namespace

TEST_CASE("the pre-authentication encoding is the protocol's own example", "[trust][dsse]") {
  CHECK(trust::dsse_pae("http://example.com/HelloWorld", "hello world") ==
        "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  CHECK(trust::dsse_pae("", "") == "DSSEv1 0  0 ");
}

TEST_CASE("an envelope gives back exactly what was signed", "[trust][dsse]") {
  Setup setup;
  const std::string payload("{\"a\": 1}\n\0\xff", 11);
  const std::string envelope = trust::sign_envelope(k_type, payload, {setup.a.get()});
  CHECK(setup.open(envelope) == "ok");
  CHECK(setup.payload == payload);
  CHECK(setup.open(envelope, "application/vnd.in-toto+json") == "untrusted");
  setup.role.threshold = 2;
  CHECK(setup.open(envelope) == "untrusted");
  CHECK(setup.open(trust::sign_envelope(k_type, payload, {setup.a.get(), setup.a.get()})) == "untrusted");
  CHECK(setup.open(trust::sign_envelope(k_type, payload, {setup.b.get(), setup.a.get()})) == "ok");
  setup.role.threshold = 0;
  CHECK(setup.open(envelope) == "untrusted");
}

TEST_CASE("a changed envelope does not open", "[trust][dsse]") {
  Setup setup;
  const std::string envelope = trust::sign_envelope(k_type, "payload", {setup.a.get()});
  CHECK(setup.open(changed(envelope, "/payload", base::base64_encode("Payload")).dump()) == "untrusted");
  CHECK(setup.open(changed(envelope, "/payloadType", "text/plain").dump(), "text/plain") == "untrusted");
  CHECK(setup.open(changed(envelope, "/payload", "not base64!").dump()) == "malformed");
  CHECK(setup.open(changed(envelope, "/payload", 5).dump()) == "malformed");
  CHECK(setup.open(changed(envelope, "/signatures", Json::array()).dump()) == "untrusted");
  CHECK(setup.open(changed(envelope, "/signatures", Json::object()).dump()) == "malformed");
  CHECK(setup.open(changed(envelope, "/signatures/0/sig", "!").dump()) == "malformed");
  CHECK(setup.open("[]") == "malformed");
  CHECK(setup.open("") == "malformed");
  CHECK(outcome([&] { trust::parse_envelope(envelope, "envelope", 10); }) != "ok");
}

TEST_CASE("a keyid in an envelope is only a hint", "[trust][dsse]") {
  Setup setup;
  const std::string envelope = trust::sign_envelope(k_type, "payload", {setup.a.get()});
  CHECK(setup.open(changed(envelope, "/signatures/0/keyid", "unknown").dump()) == "ok");
  CHECK(setup.open(changed(envelope, "/signatures/0/keyid", "").dump()) == "ok");
  Json without = Json::parse(envelope);
  without["signatures"][0].erase("keyid");
  CHECK(setup.open(without.dump()) == "ok");
  // Without names, one key still counts once.
  setup.role.threshold = 2;
  without["signatures"].push_back(without["signatures"][0]);
  CHECK(setup.open(without.dump()) == "untrusted");
}

TEST_CASE("repeated keyids and floods of signatures are refused", "[trust][dsse]") {
  Setup setup;
  Json json = Json::parse(trust::sign_envelope(k_type, "payload", {setup.a.get()}));
  json["signatures"].push_back(json["signatures"][0]);
  CHECK(setup.open(json.dump()) == "malformed");
  json["signatures"] = Json::array();
  for (int i = 0; i < 65; ++i) {
    json["signatures"].push_back({{"sig", "AAAA"}});
  }
  CHECK(setup.open(json.dump()) == "limit");
}

TEST_CASE("both base64 alphabets are read", "[trust][dsse]") {
  Setup setup;
  const std::string payload = "\xfb\xff\xbf";
  std::string envelope = trust::sign_envelope(k_type, payload, {setup.a.get()});
  REQUIRE(Json::parse(envelope)["payload"] == "+/+/");
  CHECK(setup.open(changed(envelope, "/payload", "-_-_").dump()) == "ok");
  CHECK(setup.payload == payload);
}
