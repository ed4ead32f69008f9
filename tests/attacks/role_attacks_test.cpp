// The signed roles: swapped, mixed, signed by too few or the wrong ones, for another channel.
#include "attack_kit.hpp"

#include "support/head_file.hpp"

using namespace airlock;
using namespace airlock::test;
using base::Json;

TEST_CASE("a role's file in another role's place is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::vector<std::string> roles = {"snapshot", "targets", "oci", "tool", "timestamp"};
  for (const std::string& place : roles) {
    for (const std::string& other : roles) {
      if (place != other) {
        bundle::HeadContents head = scene.made.contents;
        const DishonestProducer names(keys, head);
        head.metadata[names.role_name(place)] = names.role_bytes(other);
        CAPTURE(place, other);
        const std::string outcome = scene.fate_with(head);
        CHECK((outcome == "tampered" || outcome == "untrusted"));
      }
    }
  }
}

TEST_CASE("a swapped role is refused even when the parents vouch for it", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::string place = GENERATE("oci", "targets", "snapshot");
  const std::string other = GENERATE("tool", "snapshot", "oci", "targets");
  if (place == other) {
    return;
  }
  DishonestProducer producer(keys, scene.made.contents);
  producer.set_role_bytes(place, producer.role_bytes(other));
  CAPTURE(place, other);
  const std::string outcome = scene.fate_with(producer.head);
  CHECK((outcome == "tampered" || outcome == "untrusted"));
}

TEST_CASE("roles for another channel are foreign, whichever they are", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const std::string role = GENERATE("oci", "targets", "snapshot", "timestamp");
  DishonestProducer producer(keys, scene.made.contents);
  producer.edit_role(role, [](Json& part) { part["channel"] = "site-b"; });
  producer.renew_shipment();
  CHECK(scene.fate_with(producer.head) == "foreign");
  DishonestProducer silent(keys, scene.made.contents);
  silent.edit_role(role, [](Json& part) { part.erase("channel"); });
  silent.renew_shipment();
  CHECK(scene.fate_with(silent.head) == "foreign");
}

TEST_CASE("a whole bundle for another channel under this channel's name is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys, {.channel = "site-b"});
  bundle::HeadContents head = scene.made.contents;
  head.hint.channel = "site-a";
  CHECK(scene.fate_with(head) == "foreign");
}

TEST_CASE("roles of two states do not mix", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const base::TempDir folder;
  const auto newer =
      make_bundle(folder.path(), {text_file("other", "x")}, keys, {.serial = 2, .previous = scene.made.contents});
  for (const auto& [name, bytes] : newer.contents.metadata) {
    bundle::HeadContents head = scene.made.contents;
    head.metadata[name] = bytes;
    CAPTURE(name);
    if (head.metadata != scene.made.contents.metadata) {
      CHECK(scene.fate_with(head) == "tampered");
    }
  }
}

TEST_CASE("too few approvals are too few, however they are counted", "[attacks]") {
  const ProducerKeys keys(3, 2);
  Scene scene(keys);
  const trust::Signer& one = keys.signer("snapshot", 0);
  const trust::Signer& two = keys.signer("snapshot", 1);
  const auto with_snapshot = [&](const std::string& bytes) {
    DishonestProducer producer(keys, scene.made.contents);
    producer.set_role_bytes("snapshot", bytes);
    producer.renew_shipment();
    return scene.fate_with(producer.head);
  };
  const DishonestProducer honest(keys, scene.made.contents);
  const Json part = base::parse_json(honest.role_bytes("snapshot"), "snapshot")["signed"];
  CHECK(with_snapshot(trust::sign_role(part, {&one, &two})) == "ok");
  CHECK(with_snapshot(trust::sign_role(part, {&one})) == "untrusted");
  CHECK(with_snapshot(trust::sign_role(part, {})) == "untrusted");
  CHECK(with_snapshot(trust::sign_role(part, {&one, &keys.signer("targets")})) == "untrusted");
  CHECK(with_snapshot(trust::sign_role(part, {&one, &keys.signer("root")})) == "untrusted");

  Json twice = base::parse_json(trust::sign_role(part, {&one}), "snapshot");
  twice["signatures"].push_back(twice["signatures"][0]);
  CHECK(with_snapshot(twice.dump(1) + "\n") == "tampered");

  // One key under many names: none but its own is listed.
  const auto flood = [&](std::size_t count) {
    Json many = base::parse_json(trust::sign_role(part, {&one}), "snapshot");
    const Json signature = many["signatures"][0];
    for (std::size_t i = 1; i < count; ++i) {
      Json copy = signature;
      copy["keyid"] = base::sha256(std::to_string(i)).hex();
      many["signatures"].push_back(copy);
    }
    return many.dump(1) + "\n";
  };
  CHECK(with_snapshot(flood(64)) == "untrusted");
  CHECK(with_snapshot(flood(65)) == "tampered");

  // One key under another listed key's name.
  Json borrowed = base::parse_json(trust::sign_role(part, {&one}), "snapshot");
  Json copy = borrowed["signatures"][0];
  copy["keyid"] = two.public_key().keyid();
  borrowed["signatures"].push_back(copy);
  CHECK(with_snapshot(borrowed.dump(1) + "\n") == "untrusted");
}

TEST_CASE("one approver's key does not become two by another spelling in the root", "[attacks]") {
  ProducerKeys keys(1, 1);
  keys.rotate("timestamp");
  // The next root lists the approver's key a second time, with a member that changes its keyid, and asks for two.
  const auto newest = trust::parse_signed(keys.newest_root(), "root", trust::k_root_limit);
  Json part = newest.signed_part;
  const std::string keyid = part["roles"]["snapshot"]["keyids"][0];
  Json twin = part["keys"][keyid];
  twin["comment"] = "a second person";
  const std::string twin_id = trust::PublicKey::from_json(twin).keyid();
  part["keys"][twin_id] = twin;
  part["roles"]["snapshot"]["keyids"].push_back(twin_id);
  part["roles"]["snapshot"]["threshold"] = 2;
  keys.replace_newest_root(part);
  const base::TempDir folder;
  CHECK(code_of([&] { return make_bundle(folder.path(), sample_files(), keys).head; }) ==
        base::ErrorCode::approval_missing);
}

TEST_CASE("a key does not sign for another role", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  for (const std::string role : {"oci", "targets", "snapshot", "timestamp"}) {
    for (const std::string key : {"root", "targets", "snapshot", "timestamp"}) {
      const std::string own = role == "oci" ? "targets" : role;
      if (key == own) {
        continue;
      }
      DishonestProducer producer(keys, scene.made.contents);
      producer.edit_role(role, [](Json&) {}, {&keys.signer(key)});
      producer.renew_shipment();
      CAPTURE(role, key);
      CHECK(scene.fate_with(producer.head) == "untrusted");
    }
  }
}

TEST_CASE("a revoked key's bundles are refused", "[attacks]") {
  ProducerKeys keys;
  const base::TempDir folder;
  const auto before = make_bundle(folder.path(), sample_files(), keys);
  const ProducerKeys old_keys = keys;
  keys.rotate("timestamp");
  bundle::HeadContents head = before.contents;  // still sealed by the old key, under the new root
  head.metadata["2.root.json"] = keys.newest_root();
  write_head(folder.path() / "b", head);
  CHECK(fate(folder.path() / "b", verify_options(keys)) == "untrusted");
}

TEST_CASE("roots must follow each other without a gap, and from the pinned one", "[attacks]") {
  ProducerKeys keys;
  keys.rotate("timestamp");
  keys.rotate("timestamp");
  Scene scene(keys);
  bundle::HeadContents head = scene.made.contents;
  head.metadata.erase("2.root.json");
  const std::string outcome = scene.fate_with(head);
  CHECK((outcome == "untrusted" || outcome == "tampered"));
  head = scene.made.contents;
  head.metadata.erase("1.root.json");
  CHECK(scene.fate_with(head) == "untrusted");
  const ProducerKeys others;
  head = scene.made.contents;
  head.metadata["1.root.json"] = others.first_root();
  CHECK(scene.fate_with(head) == "untrusted");
  head = scene.made.contents;
  head.metadata["4.root.json"] = others.first_root();
  CHECK((scene.fate_with(head) == "untrusted" || scene.fate_with(head) == "tampered"));
  head = scene.made.contents;
  head.metadata["5.root.json"] = keys.newest_root();
  CHECK(scene.fate_with(head) == "tampered");
}

TEST_CASE("a delegation that is not as airlock makes it is refused", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const auto with_delegation = [&](const std::function<void(Json&)>& edit) {
    DishonestProducer producer(keys, scene.made.contents);
    producer.edit_role("targets", [&](Json& part) { edit(part["delegations"]["roles"][0]); });
    producer.renew_shipment();
    return scene.fate_with(producer.head);
  };
  const auto is_not_ours = [](const Fate& outcome) {
    CHECK(outcome == "untrusted");
    CHECK(outcome.says("is not delegated as an ecosystem is"));
  };
  CHECK(with_delegation([](Json&) {}) == "ok");
  is_not_ours(with_delegation([](Json& role) { role["paths"] = {"*", "*/*", "*/*/*"}; }));
  is_not_ours(with_delegation([](Json& role) { role["terminating"] = false; }));
  is_not_ours(with_delegation([](Json& role) { role["paths"].push_back("oci/*"); }));
  const Fate open = with_delegation([](Json& role) { role["threshold"] = 0; });
  CHECK(open == "tampered");
  CHECK(open.says("`threshold` is 0"));
  const Fate evil = with_delegation([](Json& role) { role["name"] = "../evil"; });
  CHECK(evil == "tampered");
  CHECK(evil.says("cannot be the name of a delegated role"));
}

TEST_CASE("an ecosystem's role speaks for its own folder only", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  DishonestProducer producer(keys, scene.made.contents);
  const std::string text = producer.head.targets.at("npm/catalog/00.jsonl");
  const std::string path =
      GENERATE("oci/catalog/01.jsonl", "descriptor.json", "npm/evil/00.jsonl", "npm/catalog/05.jsonl", "npm/x.jsonl");
  producer.head.targets[path + (path == "descriptor.json" ? "2" : "")] = text;
  producer.edit_role("npm", [&](Json& part) {
    part["targets"][path] = {{"length", text.size()}, {"hashes", {{"sha256", base::sha256(text).hex()}}}};
  });
  producer.renew_shipment();
  const std::string outcome = scene.fate_with(producer.head);
  CHECK((outcome == "untrusted" || outcome == "tampered"));
}

TEST_CASE("snapshot lists what is delegated to, and nothing else", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  DishonestProducer producer(keys, scene.made.contents);
  producer.edit_role("snapshot", [](Json& part) { part["meta"]["evil.json"] = part["meta"]["oci.json"]; });
  producer.renew_shipment();
  const Fate listed = scene.fate_with(producer.head);
  CHECK(listed == "tampered");
  CHECK(listed.says("which no role delegates to"));
  DishonestProducer forgetful(keys, scene.made.contents);
  forgetful.edit_role("snapshot", [](Json& part) { part["meta"].erase("oci.json"); });
  forgetful.renew_shipment();
  const Fate forgotten = scene.fate_with(forgetful.head);
  CHECK(forgotten == "tampered");
  CHECK(forgotten.says("oci"));
}

TEST_CASE("hostile JSON in a role is refused before it is trusted", "[attacks]") {
  const ProducerKeys keys;
  Scene scene(keys);
  const DishonestProducer honest(keys, scene.made.contents);
  const std::string good = honest.role_bytes("timestamp");
  for (const std::string& bytes :
       {std::string(), std::string("{}"), std::string("null"), std::string(100'000, '['), good + good,
        std::string(200'000, ' '), good.substr(0, good.size() / 2), good + std::string(20'000, ' ')}) {
    bundle::HeadContents head = scene.made.contents;
    head.metadata["timestamp.json"] = bytes;
    CAPTURE(bytes.substr(0, 40));
    CHECK(scene.fate_with(head) == "tampered");
  }
}
