// Keys and thresholds in a new root that the old threshold signed, or was made to sign; and signatures for another
// purpose.
#include "attack_kit.hpp"

#include "base/text.hpp"
#include "trust/canonical.hpp"
#include "trust/dsse.hpp"

using namespace airlock;
using namespace airlock::test;
using base::Json;

namespace {

std::string pem_of(const std::string& name) {
  return base::read_file(AIRLOCK_TEST_DATA "/trust/keys/" + name + ".pem", 1 << 16);
}

Json key_json(const std::string& keytype, const std::string& scheme, const std::string& value) {
  return {{"keytype", keytype}, {"scheme", scheme}, {"keyval", {{"public", value}}}};
}

// The honest bundle under a second root, which `edit` changed before the first root's key signed it.
class RootScene {
 public:
  explicit RootScene(std::size_t approvers = 1, std::uint64_t threshold = 1)
      : keys(approvers, threshold), scene(keys) {}

  Fate fate_with_root(const std::function<void(Json&)>& edit) {
    bundle::HeadContents head = scene.made.contents;
    head.metadata["2.root.json"] = next_root(edit);
    return scene.fate_with(head);
  }
  std::string next_root(const std::function<void(Json&)>& edit) const {
    Json part = base::parse_json(keys.first_root(), "root")["signed"];
    part["version"] = 2;
    edit(part);
    return trust::sign_role(part, {&keys.signer("root")});
  }
  static std::string add_key(Json& part, const std::string& role, const Json& key) {
    const std::string keyid = trust::canonical_sha256(key).hex();
    part["keys"][keyid] = key;
    part["roles"][role]["keyids"].push_back(keyid);
    return keyid;
  }

  ProducerKeys keys;
  Scene scene;
};

}  // namespace

TEST_CASE("a root with a key that anybody can sign for, or that is not what it says, is refused", "[attacks]") {
  RootScene scene;
  const auto with_key = [&](const Json& key) {
    return scene.fate_with_root([&](Json& part) { RootScene::add_key(part, "snapshot", key); });
  };
  const auto ecdsa = [&](const std::string& name) {
    return with_key(key_json("ecdsa", "ecdsa-sha2-nistp256", pem_of(name)));
  };
  const auto rsa = [&](const std::string& name) {
    return with_key(key_json("rsa", "rsassa-pss-sha256", pem_of(name)));
  };
  const auto ed25519 = [&](const std::string& value) { return with_key(key_json("ed25519", "ed25519", value)); };

  const auto stranger = trust::generate_key(trust::Scheme::ed25519);
  CHECK(with_key(stranger->public_key().json()) == "ok");
  CHECK(ecdsa("p256") == "ok");
  CHECK(rsa("rsa-3072") == "ok");

  CHECK(ecdsa("p256-explicit") == "untrusted");
  CHECK(ecdsa("p384") == "untrusted");
  CHECK(ecdsa("secp256k1") == "untrusted");
  CHECK(ecdsa("p256-off-curve") == "tampered");
  CHECK(ecdsa("rsa-3072") == "tampered");
  CHECK(rsa("rsa-1024") == "untrusted");
  CHECK(rsa("rsa-exponent-1") == "untrusted");
  CHECK(rsa("rsa-exponent-3") == "untrusted");
  CHECK(rsa("p256") == "tampered");
  CHECK(with_key(key_json("ecdsa", "ecdsa-sha2-nistp256", "comment\n" + pem_of("p256"))) == "untrusted");
  CHECK(ed25519(std::string(62, '5')) == "tampered");  // short
  CHECK(ed25519(std::string(66, '5')) == "tampered");
  CHECK(ed25519("") == "tampered");
  CHECK(ed25519(std::string(64, 'g')) == "tampered");
  CHECK(ed25519(std::string(64, '0')) == "untrusted");                                        // of small order
  CHECK(ed25519("01" + std::string(62, '0')) == "untrusted");                                 // the identity
  CHECK(ed25519("ed" + std::string(60, 'f') + "7f") == "untrusted");                          // not canonical
  CHECK(with_key(key_json("ed25519", "ecdsa-sha2-nistp256", pem_of("p256"))) == "tampered");  // types mixed
  CHECK(with_key(Json::object()) == "tampered");
  CHECK(with_key(nullptr) == "tampered");
  CHECK(with_key("text") == "tampered");
}

TEST_CASE("a threshold is a whole number from 1 that its keys can meet", "[attacks]") {
  RootScene scene;
  REQUIRE(scene.fate_with_root([](Json&) {}) == "ok");
  const std::string role = GENERATE("root", "snapshot", "targets", "timestamp");
  const auto with_threshold = [&](const Json& threshold) {
    return scene.fate_with_root([&](Json& part) { part["roles"][role]["threshold"] = threshold; });
  };
  CAPTURE(role);
  for (const Json& threshold : {Json(0), Json(-1), Json(nullptr), Json(true), Json("1"), Json::array({1}), Json()}) {
    CAPTURE(threshold.dump());
    CHECK(with_threshold(threshold) == "tampered");
  }
  CHECK(with_threshold(2) == "untrusted");
  CHECK(with_threshold((1ULL << 53) - 1) == "untrusted");
  CHECK(scene.fate_with_root([&](Json& part) { part["roles"][role].erase("threshold"); }) == "tampered");
  CHECK(scene.fate_with_root([&](Json& part) { part["roles"].erase(role); }) == "tampered");
  CHECK(scene.fate_with_root([&](Json& part) { part["roles"][role]["keyids"] = Json::array(); }) == "untrusted");
  CHECK(scene.fate_with_root([&](Json& part) {
    auto& keyids = part["roles"][role]["keyids"];
    keyids.push_back(keyids[0]);
    part["roles"][role]["threshold"] = 2;
  }) == "tampered");
}

TEST_CASE("a delegation's threshold is one too", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const auto with_threshold = [&](const Json& threshold) {
    DishonestProducer producer(keys, scene.made.contents);
    producer.edit_role("targets", [&](Json& part) { part["delegations"]["roles"][0]["threshold"] = threshold; });
    producer.renew_shipment();
    return scene.fate_with(producer.head);
  };
  CHECK(with_threshold(1) == "ok");
  for (const Json& threshold : {Json(0), Json(-1), Json(nullptr), Json("1")}) {
    CAPTURE(threshold.dump());
    CHECK(with_threshold(threshold) == "tampered");
  }
  CHECK(with_threshold(2) == "untrusted");
}

TEST_CASE("sixty-four signatures by one key are one signature", "[attacks]") {
  RootScene scene(2, 2);
  const trust::Signer& one = scene.keys.signer("snapshot", 0);
  // The root lists the first approver's key 63 times, each with a comment that gives it another keyid; two of the keys
  // are different, so the threshold of two could be met.
  std::vector<std::string> keyids = {one.public_key().keyid()};
  const std::string root = scene.next_root([&](Json& part) {
    for (int i = 0; i < 62; ++i) {
      Json twin = one.public_key().json();
      twin["comment"] = i;
      keyids.push_back(RootScene::add_key(part, "snapshot", twin));
    }
  });
  DishonestProducer producer(scene.keys, scene.scene.made.contents);
  producer.head.metadata["2.root.json"] = root;
  REQUIRE(scene.scene.fate_with(producer.head) == "ok");  // as both approvers signed it

  const Json part = base::parse_json(producer.role_bytes("snapshot"), "snapshot")["signed"];
  const std::string sig = base::parse_json(trust::sign_role(part, {&one}), "s")["signatures"][0]["sig"];
  Json file = {{"signed", part}, {"signatures", Json::array()}};
  for (const std::string& keyid : keyids) {
    file["signatures"].push_back({{"keyid", keyid}, {"sig", sig}});
  }
  // One more that is listed nowhere: 64.
  file["signatures"].push_back({{"keyid", std::string(64, 'f')}, {"sig", sig}});
  REQUIRE(file["signatures"].size() == trust::k_signature_limit);
  producer.set_role_bytes("snapshot", file.dump(1) + "\n");
  producer.renew_shipment();
  CHECK(scene.scene.fate_with(producer.head) == "untrusted");
  file["signatures"].push_back({{"keyid", std::string(64, 'e')}, {"sig", sig}});
  producer.set_role_bytes("snapshot", file.dump(1) + "\n");
  producer.renew_shipment();
  CHECK(scene.scene.fate_with(producer.head) == "tampered");
}

namespace {

// `part` signed once, and that signature under the key's own name and under `twin`.
std::string signed_twice(const Json& part, const trust::Signer& signer, const std::string& twin) {
  Json file = base::parse_json(trust::sign_role(part, {&signer}), "role");
  Json copy = file["signatures"][0];
  copy["keyid"] = twin;
  file["signatures"].push_back(copy);
  if (twin < signer.public_key().keyid()) {
    std::swap(file["signatures"][0], file["signatures"][1]);
  }
  return file.dump(1) + "\n";
}

// Lists `signer`'s key a second time, under another name, and a third one that is different, so that two distinct
// keys could meet the threshold of two. Returns the second name.
std::string list_twin(Json& keys, Json& role, const trust::Signer& signer, const trust::Signer& other) {
  Json twin = signer.public_key().json();
  twin["comment"] = "a second person";
  const std::string twin_id = trust::canonical_sha256(twin).hex();
  keys[twin_id] = twin;
  keys[other.public_key().keyid()] = other.public_key().json();
  role["keyids"].push_back(twin_id);
  role["keyids"].push_back(other.public_key().keyid());
  role["threshold"] = 2;
  return twin_id;
}

}  // namespace

TEST_CASE("one key under two names is one signature, in every kind of signed file", "[attacks]") {
  RootScene scene;
  const auto other = trust::generate_key(trust::Scheme::ed25519);
  const std::string role = GENERATE("targets", "snapshot", "timestamp");
  const trust::Signer& one = scene.keys.signer(role);
  std::string twin;
  const std::string root =
      scene.next_root([&](Json& part) { twin = list_twin(part["keys"], part["roles"][role], one, *other); });
  const auto with_role = [&](const std::function<std::string(const Json&)>& sign) {
    DishonestProducer producer(scene.keys, scene.scene.made.contents);
    producer.head.metadata["2.root.json"] = root;
    if (role != "timestamp") {
      producer.set_role_bytes(role, sign(base::parse_json(producer.role_bytes(role), role)["signed"]));
      producer.renew_shipment();
    } else {
      producer.set_role_bytes(role, sign(base::parse_json(producer.role_bytes(role), role)["signed"]));
      producer.set_shipment(producer.shipment(), {&one, other.get()});
    }
    return scene.scene.fate_with(producer.head);
  };
  CAPTURE(role);
  REQUIRE(with_role([&](const Json& part) { return trust::sign_role(part, {&one, other.get()}); }) == "ok");
  const Fate outcome = with_role([&](const Json& part) { return signed_twice(part, one, twin); });
  CHECK(outcome == "untrusted");
  CHECK(outcome.exit_code == 3);
}

TEST_CASE("one key under two names is one signature, in a role that is delegated to", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const auto other = trust::generate_key(trust::Scheme::ed25519);
  const trust::Signer& one = keys.signer("targets");
  const auto with_role = [&](bool twice) {
    DishonestProducer producer(keys, scene.made.contents);
    std::string twin, role;
    producer.edit_role("targets", [&](Json& part) {
      Json& delegations = part["delegations"];
      role = delegations["roles"][0]["name"].get<std::string>();
      twin = list_twin(delegations["keys"], delegations["roles"][0], one, *other);
    });
    const Json part = base::parse_json(producer.role_bytes(role), role)["signed"];
    producer.set_role_bytes(role, twice ? signed_twice(part, one, twin) : trust::sign_role(part, {&one, other.get()}));
    producer.renew_shipment();
    return scene.fate_with(producer.head);
  };
  REQUIRE(with_role(false) == "ok");
  CHECK(with_role(true) == "untrusted");
}

TEST_CASE("one key under two names is one signature, on a shipment and on a root", "[attacks]") {
  RootScene scene;
  const auto other = trust::generate_key(trust::Scheme::ed25519);
  const trust::Signer& timestamp = scene.keys.signer("timestamp");
  const trust::Signer& holder = scene.keys.signer("root");
  SECTION("a shipment") {
    std::string twin;
    DishonestProducer producer(scene.keys, scene.scene.made.contents);
    producer.head.metadata["2.root.json"] = scene.next_root(
        [&](Json& part) { twin = list_twin(part["keys"], part["roles"]["timestamp"], timestamp, *other); });
    const Json part = base::parse_json(producer.role_bytes("timestamp"), "t")["signed"];
    producer.set_role_bytes("timestamp", trust::sign_role(part, {&timestamp, other.get()}));
    producer.set_shipment(producer.shipment(), {&timestamp, other.get()});
    REQUIRE(scene.scene.fate_with(producer.head) == "ok");
    producer.set_shipment(producer.shipment(), {&timestamp});
    Json envelope = base::parse_json(producer.head.shipment, "shipment");
    Json copy = envelope["signatures"][0];
    copy["keyid"] = twin;
    envelope["signatures"].push_back(copy);
    if (twin < timestamp.public_key().keyid()) {
      std::swap(envelope["signatures"][0], envelope["signatures"][1]);
    }
    producer.head.shipment = envelope.dump(1) + "\n";
    CHECK(scene.scene.fate_with(producer.head) == "untrusted");
  }
  SECTION("a root") {
    // Its own threshold is two, and one of its two signatures is the other once more.
    std::string twin;
    Json part = base::parse_json(scene.keys.first_root(), "root")["signed"];
    part["version"] = 2;
    twin = list_twin(part["keys"], part["roles"]["root"], holder, *other);
    bundle::HeadContents head = scene.scene.made.contents;
    head.metadata["2.root.json"] = trust::sign_role(part, {&holder, other.get()});
    REQUIRE(scene.scene.fate_with(head) == "ok");
    head.metadata["2.root.json"] = signed_twice(part, holder, twin);
    CHECK(scene.scene.fate_with(head) == "untrusted");
  }
}

TEST_CASE("more keys than a root may have are refused", "[attacks]") {
  RootScene scene;
  const auto with_keys = [&](std::size_t count) {
    return scene.fate_with_root([&](Json& part) {
      for (std::size_t i = part["keys"].size(); i < count; ++i) {
        Json twin = scene.keys.signer("snapshot").public_key().json();
        twin["comment"] = i;
        RootScene::add_key(part, "snapshot", twin);
      }
    });
  };
  CHECK(with_keys(trust::k_key_limit) == "ok");
  CHECK(with_keys(trust::k_key_limit + 1) == "tampered");
}

TEST_CASE("a signature for one purpose does not serve another", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const trust::Signer& signer = keys.signer("timestamp");
  DishonestProducer producer(keys, scene.made.contents);
  const std::string payload = bundle::to_text(producer.shipment());
  const auto envelope = [&](std::string_view type, std::string_view body, const std::string& signature) {
    const Json json = {{"payload", base::base64_encode(body)},
                       {"payloadType", type},
                       {"signatures", Json::array({{{"keyid", signer.public_key().keyid()},
                                                    {"sig", base::base64_encode(signature)}}})}};
    return json.dump(1) + "\n";
  };
  const auto fate_of = [&](const std::string& shipment) {
    bundle::HeadContents head = scene.made.contents;
    head.shipment = shipment;
    return scene.fate_with(head);
  };
  const std::string type(bundle::k_shipment_type);
  CHECK(fate_of(envelope(type, payload, signer.sign(trust::dsse_pae(type, payload)))) == "ok");
  // Signed as bare bytes, as a role, or as an envelope of another type.
  CHECK(fate_of(envelope(type, payload, signer.sign(payload))) == "untrusted");
  CHECK(fate_of(envelope(type, payload, signer.sign(trust::canonical_json(Json::parse(payload))))) == "untrusted");
  const std::string other = "application/vnd.in-toto+json";
  CHECK(fate_of(envelope(type, payload, signer.sign(trust::dsse_pae(other, payload)))) == "untrusted");
  CHECK(fate_of(envelope(other, payload, signer.sign(trust::dsse_pae(other, payload)))) == "untrusted");
  CHECK(fate_of(envelope(type + " ", payload, signer.sign(trust::dsse_pae(type + " ", payload)))) == "untrusted");
  // A payload that is properly signed as a shipment and is another document.
  for (const std::string target : {"descriptor.json", "attachments.json"}) {
    CHECK(fate_of(trust::sign_envelope(type, scene.made.contents.targets.at(target), {&signer})) == "tampered");
  }
  // The envelope's signature on a role.
  const Json part = base::parse_json(producer.role_bytes("timestamp"), "t")["signed"];
  const std::string sig = signer.sign(trust::dsse_pae(type, trust::canonical_json(part)));
  const Json file = {
      {"signatures",
       Json::array({{{"keyid", signer.public_key().keyid()},
                     {"sig", base::to_hex({reinterpret_cast<const std::uint8_t*>(sig.data()), sig.size()})}}})},
      {"signed", part}};
  producer.set_role_bytes("timestamp", file.dump(1) + "\n");
  CHECK(scene.fate_with(producer.head) == "untrusted");
}
