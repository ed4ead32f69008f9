// What a site asks of a channel beyond what the channel's own root asks (docs/formats/policy.md): the channel's name
// and forms, floors, lifetimes, leaps.
#include <utility>

#include "follower.hpp"
#include "support/catch.hpp"
#include "support/tuf_repository.hpp"

using namespace airlock;
using base::Json;
using test::day;
using test::TufRepository;

namespace {

struct Channel {
  TufRepository repository{"site"};
  test::Site site{repository};
};

}  // namespace

TEST_CASE("every role is of the channel that is imported", "[trust][policy]") {
  Channel c;
  const std::string role = GENERATE(as<std::string>(), "root", "timestamp", "snapshot", "targets");
  SECTION("another one") {
    c.repository.common(role).channel = "other";
    c.repository.publish_all();
    CHECK(c.site.refresh() == "foreign");
  }
  SECTION("none: only a root may serve all channels of its producer") {
    c.repository.common(role).channel.clear();
    c.repository.publish_all();
    CHECK(c.site.refresh() == (role == "root" ? "ok" : "foreign"));
  }
}

TEST_CASE("a root without a channel keeps airlock's forms too", "[trust][policy]") {
  Channel c;
  c.repository.root.channel.clear();
  SECTION("times") {
    c.repository.publish({"root"}, [](Json& part) { part["expires"] = "2027-07-01T12:00:00+00:00"; });
    CHECK(c.site.refresh() == "tampered");
  }
  SECTION("consistent snapshots") {
    c.repository.root.consistent_snapshot = false;
    c.repository.publish({"root"});
    CHECK(c.site.refresh() == "untrusted");
  }
  SECTION("thresholds that can be met") {
    c.repository.root.roles["snapshot"].threshold = 2;
    c.repository.publish({"root"});
    CHECK(c.site.refresh() == "untrusted");
  }
  CHECK(c.site.state.roots.empty());
}

TEST_CASE("a version that leaps is not followed", "[trust][policy]") {
  Channel c;
  REQUIRE(c.site.refresh() == "ok");
  const std::string role = GENERATE(as<std::string>(), "snapshot", "targets");
  c.repository.set_version(role, 1'000'001);  // the next is 1,000,002: one more than 1,000,000 after 1
  c.repository.publish({"targets", "snapshot", "timestamp"});
  CHECK(c.site.refresh() == "untrusted");
  c.site.options.policy.largest_version_jump = 2'000'000;
  CHECK(c.site.refresh() == "ok");
}

// Its version is 1,000 times the snapshot's, and bundle::verify_head holds it to that.
TEST_CASE("a channel's timestamp goes as far as its snapshot does", "[trust][policy]") {
  Channel c;
  REQUIRE(c.site.refresh() == "ok");
  c.repository.set_version("snapshot", 1'100);
  c.repository.set_version("timestamp", 1'100'999);
  c.repository.publish({"snapshot", "timestamp"});
  CHECK(c.site.refresh() == "ok");
}

TEST_CASE("a foreign repository's timestamp does not leap", "[trust][policy]") {
  test::Follower f;
  REQUIRE(f.refresh() == "ok");
  f.repository.set_version("timestamp", 1'000'001);
  f.repository.publish({"timestamp"});
  CHECK(f.refresh() == "untrusted");
}

TEST_CASE("a first version is bounded like a leap", "[trust][policy]") {
  Channel c;
  const std::string role = GENERATE(as<std::string>(), "snapshot", "targets", "npm");
  c.repository.delegate("targets", "npm", {"npm/*"});
  SECTION("far, and one too far") {
    c.repository.set_version(role, 999'999);
    c.repository.publish({"npm", "targets", "snapshot", "timestamp"});
    CHECK(c.site.refresh() == "ok");
    c.site.state = {};
    c.repository.publish({"npm", "targets", "snapshot", "timestamp"});
    CHECK(c.site.refresh() == "untrusted");
    CHECK(c.site.message.find("begins with version 1000001 here") != std::string::npos);
    c.site.options.policy.largest_version_jump = 1'000'001;
    CHECK(c.site.refresh() == "ok");
  }
  SECTION("under a policy that takes small steps") {
    c.site.options.policy.largest_version_jump = 0;
    c.repository.set_version(role, 5'000);
    c.repository.publish({"npm", "targets", "snapshot", "timestamp"});
    CHECK(c.site.refresh() == "ok");
  }
}

TEST_CASE("a role that comes later is bounded too", "[trust][policy]") {
  Channel c;
  REQUIRE(c.site.refresh() == "ok");
  c.repository.delegate("targets", "npm", {"npm/*"});
  c.repository.set_version("npm", 1'000'000);
  c.repository.publish({"npm", "targets", "snapshot", "timestamp"});
  CHECK(c.site.refresh() == "untrusted");
  CHECK(c.site.message.find("begins with version 1000001 here") != std::string::npos);
}

TEST_CASE("a foreign repository may begin anywhere", "[trust][policy]") {
  test::Follower f;
  const std::string role = GENERATE(as<std::string>(), "timestamp", "snapshot", "targets");
  f.repository.set_version(role, 5'000'000'000);
  f.repository.publish({"targets", "snapshot", "timestamp"});
  CHECK(f.refresh() == "ok");
}

TEST_CASE("a policy that was tightened does not bring an older root back", "[trust][policy]") {
  Channel c;
  c.repository.add_key("snapshot");
  c.repository.root.roles["snapshot"].threshold = 2;
  c.repository.publish_all();
  c.site.pinned_root = c.repository.files["2.root.json"];
  c.repository.root.roles["snapshot"].threshold = 1;
  c.repository.publish_all();
  REQUIRE(c.site.refresh() == "ok");
  REQUIRE(c.site.state.roots.size() == 1);
  // Under the pinned root, which the policy would take, the same files are good.
  c.site.options.policy.minimum_threshold["snapshot"] = 2;
  CHECK(c.site.refresh() == "untrusted");
}

TEST_CASE("the site's policy stands above the root", "[trust][policy]") {
  Channel c;
  auto& policy = c.site.options.policy;
  SECTION("threshold, pinned") {
    policy.minimum_threshold["snapshot"] = 2;
    CHECK(c.site.refresh() == "untrusted");
    CHECK(c.repository.requests == std::vector<std::string>{"2.root.json"});  // nothing but whether it has a successor
  }
  SECTION("threshold, lowered by a new root") {
    c.repository.add_key("snapshot");
    c.repository.root.roles["snapshot"].threshold = 2;
    c.repository.publish_all();
    c.site.pinned_root = c.repository.files["2.root.json"];
    policy.minimum_threshold["snapshot"] = 2;
    REQUIRE(c.site.refresh() == "ok");
    c.repository.root.roles["snapshot"].threshold = 1;
    c.repository.publish({"root"});
    CHECK(c.site.refresh() == "untrusted");
    CHECK(c.site.state.roots.empty());
  }
  SECTION("schemes") {
    policy.schemes = {trust::Scheme::ecdsa_p256};
    CHECK(c.site.refresh() == "untrusted");
    policy.schemes.push_back(trust::Scheme::ed25519);
    CHECK(c.site.refresh() == "ok");
  }
  SECTION("lifetimes") {
    const std::string role = GENERATE(as<std::string>(), "root", "timestamp", "snapshot", "targets");
    policy.longest_lifetime[role] = std::chrono::days(364);
    CHECK(c.site.refresh() == "untrusted");
    policy.longest_lifetime[role] = std::chrono::days(365);
    CHECK(c.site.refresh() == "ok");
  }
}

namespace {

// New keys of another scheme in the place of a role's own.
void change_scheme(TufRepository& repository, const std::string& role, trust::Scheme scheme) {
  if (role == "npm") {
    repository.targets.roles.front().keys.keyids.clear();
  } else {
    repository.root.roles[role].keyids.clear();
  }
  if (role != "root") {
    repository.signers[role].clear();
  }
  repository.add_key(role, scheme);
}

}  // namespace

TEST_CASE("floors that are raised after a rotation hold for the newest root alone", "[trust][policy]") {
  Channel c;
  auto& policy = c.site.options.policy;
  const bool known_before = GENERATE(true, false);
  SECTION("thresholds") {
    c.repository.add_key("snapshot");
    c.repository.root.roles["snapshot"].threshold = 2;
    c.repository.publish_all();
    policy.minimum_threshold["snapshot"] = 2;
  }
  SECTION("schemes") {
    for (const std::string role : {"root", "timestamp", "snapshot", "targets"}) {
      change_scheme(c.repository, role, trust::Scheme::ecdsa_p256);
    }
    c.repository.publish_all();
    policy.schemes = {trust::Scheme::ecdsa_p256};
  }
  SECTION("lifetimes") {
    c.repository.root.expires = day(100);
    c.repository.publish({"root"});
    policy.longest_lifetime["root"] = std::chrono::days(200);
  }
  SECTION("by two roots, the first of which is still below") {
    c.repository.add_key("snapshot");
    c.repository.root.roles["snapshot"].threshold = 2;
    c.repository.publish({"root"});
    c.repository.add_key("targets");
    c.repository.root.roles["targets"].threshold = 2;
    c.repository.publish_all();
    policy.minimum_threshold = {{"snapshot", 2}, {"targets", 2}};
  }
  const std::size_t rotations = c.repository.root.version - 1;
  if (known_before) {
    const trust::Policy raised = std::exchange(policy, {});
    REQUIRE(c.site.refresh() == "ok");
    policy = raised;
  }
  CHECK(c.site.refresh() == "ok");
  CHECK(c.site.state.roots.size() == rotations);
  CHECK(c.site.refresh() == "ok");
}

TEST_CASE("a root below the floors that nothing better follows is not kept", "[trust][policy]") {
  Channel c;
  c.repository.add_key("snapshot");
  c.repository.root.roles["snapshot"].threshold = 2;
  c.repository.publish({"root"});  // 2: good
  c.repository.root.roles["snapshot"].threshold = 1;
  c.repository.publish({"root"});  // 3: below
  c.repository.publish_all();      // 4: below
  c.site.options.policy.minimum_threshold["snapshot"] = 2;
  CHECK(c.site.refresh() == "untrusted");
  CHECK(c.site.state.roots.size() == 1);
  CHECK(c.site.state.roots.contains(2));
  SECTION("nor where one run cannot look at more") {
    c.site.options.root_limit = 1;
    CHECK(c.site.refresh() == "untrusted");
    CHECK(c.site.state.roots.size() == 1);
  }
  SECTION("until one comes") {
    c.repository.root.roles["snapshot"].threshold = 2;
    c.repository.publish_all();
    CHECK(c.site.refresh() == "ok");
    CHECK(c.site.state.roots.size() == 4);
  }
}

TEST_CASE("a delegated key of a scheme that the site does not allow is refused", "[trust][policy]") {
  Channel c;
  c.repository.delegate("targets", "npm", {"npm/*"});
  change_scheme(c.repository, "npm", trust::Scheme::ecdsa_p256);
  c.repository.publish({"npm", "targets", "snapshot", "timestamp"});
  REQUIRE(c.site.refresh() == "ok");
  c.site.options.policy.schemes = {trust::Scheme::ed25519};
  CHECK(c.site.refresh() == "untrusted");
  CHECK(c.site.message.find("'npm' has a key for ecdsa") != std::string::npos);
  change_scheme(c.repository, "npm", trust::Scheme::ed25519);
  c.repository.publish({"npm", "targets", "snapshot", "timestamp"});
  CHECK(c.site.refresh() == "ok");
}

TEST_CASE("expiry can be waived for every role but root", "[trust][policy]") {
  Channel c;
  const std::string role = GENERATE(as<std::string>(), "root", "timestamp", "snapshot", "targets");
  c.repository.common(role).expires = day(-1);
  c.repository.publish_all();
  CHECK(c.site.refresh() == "expired");
  c.site.options.expiry[role] = trust::Expiry::accept;
  CHECK(c.site.refresh() == (role == "root" ? "usage" : "ok"));
}
