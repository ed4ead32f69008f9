// Versions that go back, keys that change (TUF 1.0.34, 5.3 and 5.3.11; what tuf-conformance asks of rollback and of the
// rotation of root and other keys).
#include "follower.hpp"
#include "support/catch.hpp"

using namespace airlock;
using test::Follower;
using test::TufRepository;
using test::Versions;
using Names = std::vector<std::string>;

TEST_CASE("versions never go back", "[trust][rotation]") {
  Follower f;
  f.repository.describe_with_hashes = GENERATE(true, false);
  f.repository.publish_all();
  REQUIRE(f.refresh() == "ok");
  REQUIRE(f.versions() == Versions{2, 2, 2, 2});
  SECTION("timestamp") {
    f.repository.set_version("timestamp", 0);
    f.repository.publish({"timestamp"});
    CHECK(f.refresh() == "rollback");
    CHECK(f.repository.requests.back() == "timestamp.json");
    CHECK(f.versions() == Versions{2, 2, 2, 2});
  }
  SECTION("snapshot") {
    f.repository.set_version("snapshot", 0);
    f.repository.publish({"snapshot", "timestamp"});
    CHECK(f.refresh() == "rollback");
    CHECK(f.repository.requests.back() == "timestamp.json");
    CHECK(f.versions() == Versions{2, 2, 2, 2});
  }
  SECTION("targets") {
    f.repository.set_version("targets", 0);
    f.repository.publish({"targets", "snapshot", "timestamp"});
    CHECK(f.refresh() == "rollback");
    CHECK(f.versions() == Versions{2, 3, 2, 2});
  }
  SECTION("a role that vanished") {
    f.repository.delegate("targets", "npm", {"npm/*"});
    f.repository.publish({"npm", "targets", "snapshot", "timestamp"});
    REQUIRE(f.refresh() == "ok");
    f.repository.snapshot.meta.erase("npm.json");
    f.repository.publish({"snapshot", "timestamp"});
    CHECK(f.refresh() == "rollback");
    CHECK(f.site.state.version("snapshot") == 3);
  }
}

TEST_CASE("a rotated key takes the counters with it (5.3.11)", "[trust][rotation]") {
  Follower f;
  SECTION("timestamp") {
    f.repository.set_version("timestamp", 99);
    f.repository.publish({"timestamp"});
    REQUIRE(f.refresh() == "ok");
    f.repository.rotate_keys("timestamp");
    f.repository.set_version("timestamp", 0);
    f.repository.publish({"root", "timestamp"});
    CHECK(f.refresh() == "ok");
    CHECK(f.site.state.version("timestamp") == 1);
    CHECK(f.site.state.calls ==
          Names{"root 2", "remove timestamp", "remove snapshot", "save timestamp", "save snapshot"});
  }
  SECTION("snapshot") {
    f.repository.set_version("snapshot", 99);
    f.repository.publish({"snapshot", "timestamp"});
    REQUIRE(f.refresh() == "ok");
    f.repository.rotate_keys("snapshot");
    f.repository.rotate_keys("timestamp");
    f.repository.set_version("snapshot", 0);
    f.repository.publish({"root", "snapshot", "timestamp"});
    CHECK(f.refresh() == "ok");
    CHECK(f.site.state.version("snapshot") == 1);
  }
  SECTION("snapshot alone: its version stands in the timestamp too") {
    f.repository.set_version("snapshot", 99);
    f.repository.publish({"snapshot", "timestamp"});
    REQUIRE(f.refresh() == "ok");
    f.repository.rotate_keys("snapshot");
    f.repository.set_version("snapshot", 0);
    f.repository.publish({"root", "snapshot", "timestamp"});
    CHECK(f.refresh() == "ok");
    CHECK(f.site.state.version("snapshot") == 1);
  }
  SECTION("targets, by the snapshot's key") {
    f.repository.delegate("targets", "npm", {"npm/*"});
    f.repository.set_version("targets", 99);
    f.repository.publish({"npm", "targets", "snapshot", "timestamp"});
    REQUIRE(f.refresh() == "ok");
    f.repository.rotate_keys("snapshot");
    f.repository.set_version("targets", 0);
    f.repository.targets.roles.clear();
    f.repository.snapshot.meta.erase("npm.json");
    f.repository.publish({"root", "targets", "snapshot", "timestamp"});
    CHECK(f.refresh() == "ok");
    CHECK(f.site.state.version("targets") == 1);
  }
  SECTION("an added key does not: what was accepted would be accepted still") {
    f.repository.set_version("timestamp", 99);
    f.repository.publish({"timestamp"});
    REQUIRE(f.refresh() == "ok");
    f.repository.add_key("timestamp");
    f.repository.set_version("timestamp", 0);
    f.repository.publish({"root", "timestamp"});
    CHECK(f.refresh() == "rollback");
  }
}

namespace {

// Which of ten keys a version has, its threshold, and who signs it.
struct Rotation {
  std::vector<std::size_t> keys;
  std::uint64_t threshold = 1;
  std::vector<std::size_t> signers;
};

std::vector<std::shared_ptr<trust::Signer>> ten_keys() {
  std::vector<std::shared_ptr<trust::Signer>> keys;
  for (int i = 0; i < 10; ++i) {
    keys.push_back(trust::generate_key(trust::Scheme::ed25519));
  }
  return keys;
}

void apply(TufRepository& repository, const std::string& role, const Rotation& rotation,
           const std::vector<std::shared_ptr<trust::Signer>>& keys) {
  repository.root.roles[role] = {.keyids = {}, .threshold = rotation.threshold};
  repository.signers[role].clear();
  for (const auto index : rotation.keys) {
    repository.list_key(role, keys[index]->public_key());
  }
  for (const auto index : rotation.signers) {
    repository.signers[role].push_back(keys[index]);
  }
}

}  // namespace

TEST_CASE("a root is signed by the threshold before it and by its own", "[trust][rotation]") {
  const auto keys = ten_keys();
  const auto [first, second, expected] = GENERATE(table<Rotation, Rotation, std::string>(
      {{{{1}, 1, {1}}, {{1}, 1, {1}}, "ok"},
       {{{1}, 1, {1}}, {{2}, 1, {1, 2}}, "ok"},
       {{{1}, 1, {1}}, {{2}, 1, {2}}, "untrusted"},
       {{{1}, 1, {1}}, {{2}, 1, {1}}, "untrusted"},
       {{{1, 2}, 2, {1, 2}}, {{1, 3}, 2, {1, 2, 3}}, "ok"},
       {{{1, 2}, 2, {1, 2}}, {{1, 3}, 2, {1, 3}}, "untrusted"},
       {{{1, 2}, 2, {1, 2}}, {{1, 3}, 2, {1, 2}}, "untrusted"},
       {{{1, 2, 3, 4, 5}, 3, {1, 2, 3}}, {{1, 3, 4, 5, 6}, 3, {3, 4, 5}}, "ok"},
       {{{1, 2, 3, 4, 5}, 3, {1, 2, 3}}, {{6, 7, 8, 9, 0}, 3, {1, 2, 3, 6, 7, 8}}, "ok"},
       {{{1, 2, 3, 4, 5}, 3, {1, 2, 3}}, {{6, 7, 8, 9, 0}, 3, {1, 2, 6, 7, 8}}, "untrusted"},
       {{{1, 2, 3, 4, 5}, 3, {1, 2, 3}}, {{6, 7, 8, 9, 0}, 3, {1, 2, 3, 6, 7}}, "untrusted"},
       {{{1, 2}, 1, {1}}, {{1, 2}, 2, {1, 2}}, "ok"},
       {{{1, 2}, 1, {1}}, {{1, 2}, 2, {1}}, "untrusted"},
       {{{1, 2}, 2, {1, 2}}, {{1, 2}, 1, {1, 2}}, "ok"},
       {{{1, 2}, 2, {1, 2}}, {{1, 2}, 1, {1}}, "untrusted"}}));
  TufRepository repository("");
  apply(repository, "root", first, keys);
  repository.set_version("root", 0);
  repository.publish({"root"});
  test::Site site(repository, trust::Persistence::incremental);
  apply(repository, "root", second, keys);
  repository.publish({"root"});
  CHECK(site.refresh() == expected);
  CHECK(site.state.version("root") == (expected == "ok" ? 2 : 0));
}

TEST_CASE("the other roles are signed by the threshold of the newest root", "[trust][rotation]") {
  const auto keys = ten_keys();
  const std::string role = GENERATE(as<std::string>(), "timestamp", "snapshot", "targets");
  const auto [rotation, expected] =
      GENERATE(table<Rotation, std::string>({{{{1}, 1, {1}}, "ok"},
                                             {{{1}, 1, {2}}, "untrusted"},
                                             {{{1}, 1, {}}, "untrusted"},
                                             {{{1, 2}, 2, {1, 2}}, "ok"},
                                             {{{1, 2}, 2, {1}}, "untrusted"},
                                             {{{1, 2}, 2, {1, 3}}, "untrusted"},
                                             {{{1, 2}, 2, {1, 2, 3}}, "ok"},
                                             {{{1, 2}, 1, {2}}, "ok"},
                                             {{{1, 2, 3, 4, 5}, 3, {1, 3, 5}}, "ok"},
                                             {{{1, 2, 3, 4, 5}, 3, {1, 3}}, "untrusted"}}));
  Follower f;
  REQUIRE(f.refresh() == "ok");
  apply(f.repository, role, rotation, keys);
  f.repository.publish_all();
  CHECK(f.refresh() == expected);
}
