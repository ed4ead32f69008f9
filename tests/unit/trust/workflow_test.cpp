// What tuf-conformance asks, area by area, over a foreign repository with incremental persistence,
// as the adapter runs them; delegations are in delegation_test.cpp.
#include "base/text.hpp"
#include "follower.hpp"
#include "support/catch.hpp"

using namespace airlock;
using base::Json;
using test::day;
using test::Follower;
using test::Versions;
using Names = std::vector<std::string>;

TEST_CASE("a first refresh asks in order and stores what it received", "[trust][workflow]") {
  Follower f;
  f.repository.files["timestamp.json"] += " ";  // bytes as received, not as we would write them
  CHECK(f.refresh() == "ok");
  CHECK(f.repository.requests == Names{"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"});
  CHECK(f.site.state.calls == Names{"save timestamp", "save snapshot", "save targets"});
  CHECK(f.site.state.roles["timestamp"] == f.repository.files["timestamp.json"]);
  CHECK(f.site.state.roles["snapshot"] == f.repository.files["1.snapshot.json"]);
}

TEST_CASE("nothing is asked for twice", "[trust][workflow]") {
  Follower f;
  REQUIRE(f.refresh() == "ok");
  CHECK(f.refresh() == "ok");
  CHECK(f.repository.requests == Names{"2.root.json", "timestamp.json"});
  CHECK(f.site.state.calls.empty());
}

TEST_CASE("a target that does not exist is none, after a refresh", "[trust][workflow]") {
  Follower f;
  CHECK(f.site.find("nothing") == "none");
  CHECK(f.versions() == Versions{0, 1, 1, 1});
}

TEST_CASE("a bad initial root makes no request", "[trust][workflow]") {
  Follower f;
  Json root = Json::parse(f.site.pinned_root);
  SECTION("without a version") {
    root["signed"].erase("version");
  }
  SECTION("with a wrong signature") {
    root["signatures"][0]["sig"] = std::string(128, '0');
  }
  SECTION("without signatures") {
    root["signatures"] = Json::array();
  }
  f.site.pinned_root = root.dump();
  CHECK(f.refresh() != "ok");
  CHECK(f.repository.requests.empty());
}

TEST_CASE("a role that is not properly signed is refused, those before it stay", "[trust][workflow]") {
  Follower f;
  const auto [role, kept] = GENERATE(table<std::string, Versions>(
      {{"root", {0, 0, 0, 0}}, {"timestamp", {2, 0, 0, 0}}, {"snapshot", {2, 2, 0, 0}}, {"targets", {2, 2, 2, 0}}}));
  f.repository.signers[role].clear();
  f.repository.publish_all();
  CHECK(f.refresh() == "untrusted");
  CHECK(f.versions() == kept);
}

TEST_CASE("a file of another version than its name is refused", "[trust][workflow]") {
  Follower f;
  const auto [role, kept] = GENERATE(
      table<std::string, Versions>({{"root", {0, 0, 0, 0}}, {"snapshot", {2, 2, 0, 0}}, {"targets", {2, 2, 2, 0}}}));
  f.repository.describe_with_hashes = false;
  const std::string changed = role;
  f.repository.publish_all();
  f.repository.set_version(changed, 3);
  f.repository.publish_again({changed});
  f.repository.files["2." + changed + ".json"] = f.repository.files["3." + changed + ".json"];
  f.repository.files.erase("3." + changed + ".json");
  CHECK(f.refresh() == "tampered");
  CHECK(f.versions() == kept);
}

TEST_CASE("a timestamp that changed without a new version is left alone", "[trust][workflow]") {
  Follower f;
  REQUIRE(f.refresh() == "ok");
  const std::string before = f.site.state.roles["timestamp"];
  f.repository.timestamp.snapshot.version = 100;
  f.repository.publish_again({"timestamp"});
  CHECK(f.refresh() == "ok");
  CHECK(f.repository.requests.back() == "timestamp.json");
  CHECK(f.site.state.roles["timestamp"] == before);
}

TEST_CASE("hashes in metadata are checked where they are given", "[trust][workflow]") {
  Follower f;
  REQUIRE(f.refresh() == "ok");
  SECTION("right ones") {
    f.repository.publish_all();
    CHECK(f.refresh() == "ok");
  }
  SECTION("wrong for targets") {
    f.repository.publish({"targets"});
    f.repository.snapshot.meta["targets.json"].hashes["sha256"] = std::string(64, '0');
    f.repository.publish({"snapshot", "timestamp"});
    CHECK(f.refresh() == "tampered");
    CHECK(f.versions() == Versions{0, 2, 2, 1});
  }
  SECTION("wrong for snapshot") {
    f.repository.publish({"snapshot"});
    f.repository.timestamp.snapshot.hashes["sha256"] = std::string(64, '0');
    f.repository.publish({"timestamp"});
    CHECK(f.refresh() == "tampered");
    CHECK(f.versions() == Versions{0, 2, 1, 1});
  }
  SECTION("wrong length for snapshot") {
    f.repository.publish({"snapshot"});
    *f.repository.timestamp.snapshot.length += GENERATE(std::uint64_t{1}, UINT64_MAX);
    f.repository.publish({"timestamp"});
    CHECK(f.refresh() == "tampered");
  }
  SECTION("of no known algorithm") {
    f.repository.publish({"snapshot"});
    f.repository.timestamp.snapshot.hashes = {{"md5", "00"}};
    f.repository.publish({"timestamp"});
    CHECK(f.refresh() == "tampered");
  }
}

TEST_CASE("unknown members are signed members", "[trust][workflow]") {
  Follower f;
  REQUIRE(f.refresh() == "ok");
  Json key = trust::generate_key(trust::Scheme::ed25519)->public_key().json();
  key["extra-field"] = {{"a", 1}, {"b", 2}};
  key["keyid_hash_algorithms"] = "md5";
  f.repository.list_key("root", trust::PublicKey::from_json(key));
  f.repository.publish({"root"}, [](Json& part) {
    part["custom-field"] = "value";
    part["roles"]["root"]["another-field"] = "value";
  });
  CHECK(f.refresh() == "ok");
  CHECK(f.versions()[0] == 2);
}

TEST_CASE("a missing file stops the run, what came before it stays", "[trust][workflow]") {
  Follower f;
  REQUIRE(f.refresh() == "ok");
  SECTION("snapshot") {
    f.repository.timestamp.snapshot.version = 2;
    f.repository.publish({"timestamp"});
    CHECK(f.refresh() == "not-found");
    CHECK(f.repository.requests.back() == "2.snapshot.json");
    CHECK(f.versions() == Versions{0, 2, 1, 1});
    // The same again: the timestamp is no news, the snapshot is still wanted.
    CHECK(f.refresh() == "not-found");
  }
  SECTION("targets") {
    f.repository.snapshot.meta["targets.json"].version = 2;
    f.repository.publish({"snapshot", "timestamp"});
    CHECK(f.refresh() == "not-found");
    CHECK(f.repository.requests.back() == "2.targets.json");
    CHECK(f.versions() == Versions{0, 2, 2, 1});
  }
  SECTION("timestamp") {
    f.repository.files.erase("timestamp.json");
    CHECK(f.refresh() == "not-found");
    CHECK(f.repository.requests.back() == "timestamp.json");
  }
}

TEST_CASE("one role's file is not another's, however well signed", "[trust][workflow]") {
  Follower f;
  f.repository.list_key("timestamp", f.repository.signers["snapshot"].front()->public_key());
  f.repository.snapshot.meta = {{"snapshot.json", {.version = 1, .length = {}, .hashes = {}}}};
  f.repository.publish({"root", "snapshot"});
  f.repository.files["timestamp.json"] = f.repository.files["2.snapshot.json"];
  CHECK(f.refresh() == "tampered");
  CHECK(f.versions() == Versions{2, 0, 0, 0});
}

TEST_CASE("expired metadata is refused role by role", "[trust][workflow]") {
  Follower f;
  REQUIRE(f.refresh() == "ok");
  const auto [role, kept] = GENERATE(table<std::string, Versions>(
      {{"root", {2, 1, 1, 1}}, {"timestamp", {2, 1, 1, 1}}, {"snapshot", {2, 2, 1, 1}}, {"targets", {2, 2, 2, 1}}}));
  f.repository.common(role).expires = day(0);  // valid until, not on, its last second
  f.repository.publish_all();
  CHECK(f.refresh() == "expired");
  CHECK(f.versions() == kept);
}

TEST_CASE("expired local metadata can be replaced", "[trust][workflow]") {
  Follower f;
  f.repository.root.expires = day(7);
  f.repository.timestamp.expires = day(7);
  f.repository.publish_all();
  REQUIRE(f.refresh() == "ok");
  f.site.options.now = day(18);
  CHECK(f.refresh() == "expired");
  f.repository.root.expires = day(21);
  f.repository.timestamp.expires = day(21);
  f.repository.publish_all();
  CHECK(f.refresh() == "ok");
  CHECK(f.versions() == Versions{3, 3, 3, 3});
}

TEST_CASE("thresholds are asked for in signatures and in keys", "[trust][workflow]") {
  Follower f;
  f.repository.root.roles["snapshot"].threshold = 3;
  f.repository.add_key("snapshot");
  f.repository.add_key("snapshot");
  SECTION("too few signatures") {
    f.repository.publish_all();
    REQUIRE(f.refresh() == "ok");
    f.repository.signers["snapshot"].pop_back();
    f.repository.publish({"snapshot", "timestamp"});
    CHECK(f.refresh() == "untrusted");
    CHECK(f.versions() == Versions{2, 3, 2, 2});
  }
  SECTION("too few keys: the root is taken, its role is not") {
    f.repository.root.roles["snapshot"].threshold = 6;
    f.repository.publish_all();
    CHECK(f.refresh() == "untrusted");
    CHECK(f.versions() == Versions{2, 2, 0, 0});
  }
}

TEST_CASE("repeated keyids are refused", "[trust][workflow]") {
  Follower f;
  SECTION("in signatures") {
    f.repository.describe_with_hashes = false;
    f.repository.publish_all();
    f.repository.tamper("2.snapshot.json", [](Json& file) { file["signatures"].push_back(file["signatures"][0]); });
    CHECK(f.refresh() == "tampered");
    CHECK(f.versions() == Versions{2, 2, 0, 0});
  }
  SECTION("in a role") {
    f.repository.publish({"root"}, [](Json& part) {
      auto& keyids = part["roles"]["snapshot"]["keyids"];
      for (int i = 0; i < 8; ++i) {
        keyids.push_back(keyids[0]);
      }
    });
    CHECK(f.refresh() == "tampered");
    CHECK(f.versions()[0] == 0);
  }
}

TEST_CASE("each scheme can be the one that is needed", "[trust][workflow]") {
  Follower f;
  const auto scheme = GENERATE(trust::Scheme::ed25519, trust::Scheme::ecdsa_p256, trust::Scheme::rsa_pss_sha256);
  const auto signer = f.repository.add_key("root", scheme);
  f.repository.root.roles["root"].threshold = 2;
  f.repository.publish({"root"});
  CHECK(f.refresh() == "ok");
  f.repository.publish({"root"});
  f.repository.tamper("3.root.json", [&](Json& file) {
    for (auto& signature : file["signatures"]) {
      if (signature["keyid"] == signer->public_key().keyid()) {
        const std::string other = signer->sign("something else");
        signature["sig"] = base::to_hex({reinterpret_cast<const std::uint8_t*>(other.data()), other.size()});
      }
    }
  });
  CHECK(f.refresh() == "untrusted");
  CHECK(f.versions()[0] == 2);
}

TEST_CASE("one good signature is enough where one is asked for", "[trust][workflow]") {
  Follower f;
  const std::string first = f.repository.signers["timestamp"].front()->public_key().keyid();
  f.repository.add_key("timestamp");
  f.repository.publish({"root", "timestamp"});
  f.repository.tamper("timestamp.json", [&](Json& file) {
    for (auto& signature : file["signatures"]) {
      if (signature["keyid"] == first) {
        signature["sig"] = GENERATE(as<std::string>(), "", std::string(128, '7'), "no hex");
      }
    }
  });
  CHECK(f.refresh() == "ok");
}

TEST_CASE("repositories without consistent snapshots use plain names", "[trust][workflow]") {
  Follower f;
  f.repository.root.consistent_snapshot = false;
  f.repository.publish({"root"});
  f.repository.files["snapshot.json"] = f.repository.files["1.snapshot.json"];
  f.repository.files["targets.json"] = f.repository.files["1.targets.json"];
  CHECK(f.refresh() == "ok");
  CHECK(f.repository.requests.back() == "targets.json");
}
