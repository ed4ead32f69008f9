// What an import meets beyond the specification's own cases (docs/threat-model.md): a channel of
// ours, state that is committed as a whole, a policy of the site.
#include "base/error.hpp"
#include "support/catch.hpp"
#include "support/tuf_repository.hpp"

using namespace airlock;
using base::Json;
using test::day;
using test::TufRepository;
using Names = std::vector<std::string>;

namespace {

struct Channel {
  TufRepository repository{"site"};
  test::Site site{repository};
};

}  // namespace

TEST_CASE("a failed import leaves nothing but new roots", "[trust][attack]") {
  Channel c;
  REQUIRE(c.site.refresh() == "ok");
  CHECK(c.site.state.calls.empty());
  const auto before = c.site.state.roles;
  c.repository.rotate_keys("timestamp");
  c.repository.publish_all();
  c.repository.files.erase("2.targets.json");
  CHECK(c.site.refresh() == "not-found");
  CHECK(c.site.state.calls == Names{"root 2"});
  CHECK(c.site.state.roles["timestamp"] == before.at("timestamp"));
  CHECK(c.site.state.roles["snapshot"] == before.at("snapshot"));
}

TEST_CASE("a half-bad newer bundle does not block the older complete one", "[trust][attack]") {
  Channel c;
  c.repository.publish({"targets", "snapshot", "timestamp"});
  const auto good = c.repository.files;
  c.repository.publish({"targets", "snapshot", "timestamp"});
  c.repository.files.erase("3.snapshot.json");
  CHECK(c.site.refresh() == "not-found");
  c.repository.files = good;
  CHECK(c.site.refresh() == "ok");
  CHECK(c.site.state.version("timestamp") == 2);
}

TEST_CASE("the same bundle again is no news and no error", "[trust][attack]") {
  Channel c;
  REQUIRE(c.site.refresh() == "ok");
  trust::Client client(c.site.pinned_root, c.repository, c.site.state, c.site.options);
  CHECK(client.refresh().same_timestamp);
  CHECK(client.trusted().new_roots == 0);
  c.repository.publish({"timestamp"});
  CHECK_FALSE(client.refresh().same_timestamp);
}

TEST_CASE("an old bundle is refused", "[trust][attack]") {
  Channel c;
  const auto old = c.repository.files;
  c.repository.publish({"targets", "snapshot", "timestamp"});
  REQUIRE(c.site.refresh() == "ok");
  c.repository.files = old;
  CHECK(c.site.refresh() == "rollback");
}

TEST_CASE("two statements with one version are an alarm", "[trust][attack]") {
  Channel c;
  REQUIRE(c.site.refresh() == "ok");
  SECTION("timestamp") {
    c.repository.timestamp.expires = day(366);
    c.repository.publish_again({"timestamp"});
    CHECK(c.site.refresh() == "equivocation");
  }
  SECTION("timestamp with more signatures only") {
    c.repository.add_key("timestamp");
    c.repository.publish({"root"});
    c.repository.publish_again({"timestamp"});
    CHECK(c.site.refresh() == "ok");
  }
  SECTION("timestamp with other bytes only") {
    c.repository.files["timestamp.json"] += "\n";
    CHECK(c.site.refresh() == "ok");
  }
  SECTION("snapshot") {
    c.repository.snapshot.expires = day(366);
    c.repository.publish_again({"snapshot"});
    c.repository.publish({"timestamp"});
    CHECK(c.site.refresh() == "equivocation");
  }
  SECTION("snapshot with one more approval") {
    c.repository.add_key("snapshot");
    c.repository.publish({"root"});
    c.repository.publish_again({"snapshot"});
    c.repository.publish({"timestamp"});
    CHECK(c.site.refresh() == "ok");
  }
  SECTION("targets") {
    c.repository.add_target("targets", "bundle/x", "x");
    c.repository.publish_again({"targets"});
    c.repository.publish({"snapshot", "timestamp"});
    CHECK(c.site.refresh() == "equivocation");
  }
}

TEST_CASE("after a recovery an honest repository may use versions again", "[trust][attack]") {
  Channel c;
  REQUIRE(c.site.refresh() == "ok");
  c.repository.rotate_keys("snapshot");
  c.repository.add_target("targets", "bundle/x", "x");
  c.repository.publish_again({"targets"});
  c.repository.set_version("snapshot", 0);
  c.repository.publish({"root", "snapshot", "timestamp"});
  CHECK(c.site.refresh() == "ok");
}

TEST_CASE("roots follow one another without a gap", "[trust][attack]") {
  Channel c;
  c.repository.publish({"root"});
  c.repository.publish({"root"});
  SECTION("a missing link ends the chain before it") {
    c.repository.files.erase("2.root.json");
    CHECK(c.site.refresh() == "ok");
    CHECK(c.site.state.roots.empty());
  }
  SECTION("a later root under an earlier name") {
    c.repository.files["2.root.json"] = c.repository.files["3.root.json"];
    CHECK(c.site.refresh() == "tampered");
  }
  SECTION("an earlier root under a later name") {
    c.repository.files["3.root.json"] = c.repository.files["2.root.json"];
    CHECK(c.site.refresh() == "rollback");
    CHECK(c.site.state.roots.size() == 1);
  }
  SECTION("the whole chain") {
    CHECK(c.site.refresh() == "ok");
    CHECK(c.site.state.calls == Names{"root 2", "root 3"});
  }
}

TEST_CASE("a site that slept catches up, and an endless chain ends", "[trust][attack]") {
  Channel c;
  for (int i = 0; i < 20; ++i) {
    c.repository.rotate_keys("root");
    c.repository.publish({"root"});
    c.repository.signers["root"].erase(c.repository.signers["root"].begin());
  }
  SECTION("within the limit") {
    CHECK(c.site.refresh() == "ok");
    CHECK(c.site.state.roots.rbegin()->first == 21);
  }
  SECTION("in several runs") {
    c.site.options.root_limit = 8;
    CHECK(c.site.refresh() == "limit");
    CHECK(c.site.state.roots.size() == 8);
    CHECK(c.site.refresh() == "limit");
    CHECK(c.site.refresh() == "ok");
    CHECK(c.site.state.roots.size() == 20);
  }
}

TEST_CASE("stored roots are proven again from the pinned one", "[trust][attack]") {
  Channel c;
  c.repository.rotate_keys("timestamp");
  c.repository.publish({"root", "timestamp"});
  REQUIRE(c.site.refresh() == "ok");
  REQUIRE(c.site.state.roots.size() == 1);
  SECTION("the chain is used without being fetched") {
    c.repository.files.erase("2.root.json");
    CHECK(c.site.refresh() == "ok");
  }
  SECTION("a root that somebody put there is not") {
    TufRepository other("site");
    other.set_version("root", 1);
    other.publish({"root"});
    c.site.state.roots[2] = other.files["2.root.json"];
    c.repository.files.erase("2.root.json");
    // Only the old timestamp key is trusted then, and the new timestamp is not by it.
    CHECK(c.site.refresh() == "untrusted");
  }
  SECTION("garbage is healed from the bundle") {
    c.site.state.roots[2] = "garbage";
    CHECK(c.site.refresh() == "ok");
    CHECK(c.site.state.roots[2] == c.repository.files["2.root.json"]);
  }
  SECTION("a newer pinned root makes older ones irrelevant") {
    c.site.pinned_root = c.repository.files["2.root.json"];
    CHECK(c.site.refresh() == "ok");
  }
}

TEST_CASE("a damaged state is said, not forgotten", "[trust][attack]") {
  Channel c;
  REQUIRE(c.site.refresh() == "ok");
  c.site.state.roles[GENERATE(as<std::string>(), "timestamp", "snapshot")] = "{";
  CHECK(c.site.refresh() == "malformed");
}

TEST_CASE("revocation takes effect even when the rest of the bundle is bad", "[trust][attack]") {
  Channel c;
  REQUIRE(c.site.refresh() == "ok");
  const auto stolen = c.repository.signers["timestamp"];
  c.repository.rotate_keys("timestamp");
  c.repository.publish({"root"});
  c.repository.files["timestamp.json"] = "broken";
  CHECK(c.site.refresh() == "tampered");
  // The thief's statement no longer counts, though the bundle that revoked the key was never imported.
  c.repository.signers["timestamp"] = stolen;
  c.repository.publish({"timestamp"});
  c.repository.files.erase("2.root.json");
  CHECK(c.site.refresh() == "untrusted");
}

TEST_CASE("a channel's files are described by length and hash", "[trust][attack]") {
  Channel c;
  SECTION("snapshot") {
    c.repository.publish({"snapshot"});
    SECTION("length") {
      c.repository.timestamp.snapshot.length.reset();
    }
    SECTION("hashes") {
      c.repository.timestamp.snapshot.hashes.clear();
    }
    c.repository.publish({"timestamp"});
  }
  SECTION("targets") {
    c.repository.publish({"targets"});
    SECTION("length") {
      c.repository.snapshot.meta["targets.json"].length.reset();
    }
    SECTION("hashes") {
      c.repository.snapshot.meta["targets.json"].hashes.clear();
    }
    c.repository.publish({"snapshot", "timestamp"});
  }
  CHECK(c.site.refresh() == "tampered");
}

TEST_CASE("oversized files are refused unread", "[trust][attack]") {
  Channel c;
  c.repository.publish_all();
  SECTION("root") {
    c.repository.files["2.root.json"] += std::string(trust::k_root_limit, ' ');
    CHECK(c.site.refresh() == "tampered");
  }
  SECTION("timestamp") {
    c.repository.files["timestamp.json"] += std::string(trust::k_timestamp_limit, ' ');
    CHECK(c.site.refresh() == "tampered");
  }
  SECTION("snapshot") {
    c.repository.files["2.snapshot.json"] += " ";
    CHECK(c.site.refresh() == "tampered");
  }
  SECTION("a length that no metadata has") {
    c.repository.timestamp.snapshot.length = trust::k_metadata_ceiling + 1;
    c.repository.publish({"timestamp"});
    CHECK(c.site.refresh() == "tampered");
  }
  SECTION("the largest length that can be written") {
    c.repository.timestamp.snapshot.length = (1ULL << 53) - 1;
    c.repository.publish({"timestamp"});
    CHECK(c.site.refresh() == "tampered");
  }
}

TEST_CASE("a shortened or changed file is tampering", "[trust][attack]") {
  Channel c;
  c.repository.publish_all();
  const std::string name =
      GENERATE(as<std::string>(), "2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json");
  auto& file = c.repository.files[name];
  SECTION("cut") {
    file.resize(file.size() / 2);
  }
  SECTION("empty") {
    file.clear();
  }
  SECTION("doubled member") {
    file.insert(1, R"("signed":{},)");
  }
  CHECK(c.site.refresh() == "tampered");
}

TEST_CASE("files of two states do not mix", "[trust][attack]") {
  Channel c;
  TufRepository other("site");
  other.publish_all();
  c.repository.publish_all();
  SECTION("snapshot of another repository") {
    c.repository.files["2.snapshot.json"] = other.files["2.snapshot.json"];
    CHECK(c.site.refresh() == "tampered");
  }
  SECTION("targets of an earlier state") {
    c.repository.files["2.targets.json"] = c.repository.files["1.targets.json"];
    CHECK(c.site.refresh() == "tampered");
  }
  SECTION("a timestamp by somebody else's key") {
    c.repository.files["timestamp.json"] = other.files["timestamp.json"];
    CHECK(c.site.refresh() == "untrusted");
  }
}

TEST_CASE("a key of the wrong name in a new root is refused", "[trust][attack]") {
  Channel c;
  const auto stranger = trust::generate_key(trust::Scheme::ed25519);
  c.repository.publish({"root"}, [&](Json& part) {
    const std::string keyid = part["roles"]["timestamp"]["keyids"][0];
    part["keys"][keyid] = stranger->public_key().json();
  });
  CHECK(c.site.refresh() == "untrusted");
  CHECK(c.site.state.roots.empty());
}

TEST_CASE("one key under many names meets no threshold of two", "[trust][attack]") {
  Channel c;
  const auto signer = c.repository.signers["snapshot"].front();
  Json renamed = signer->public_key().json();
  renamed["x-name"] = "another";
  const auto alias = trust::PublicKey::from_json(renamed);
  c.repository.list_key("snapshot", alias);
  c.repository.root.roles["snapshot"].threshold = 2;
  c.repository.publish({"root"});
  CHECK(c.site.refresh() == "untrusted");  // by the check that the threshold can be met

  // A foreign repository's root is loaded all the same; its snapshot is not.
  TufRepository foreign("");
  foreign.list_key("snapshot", trust::PublicKey::from_json([&] {
                     Json object = foreign.signers["snapshot"].front()->public_key().json();
                     object["x-name"] = "another";
                     return object;
                   }()));
  foreign.root.roles["snapshot"].threshold = 2;
  foreign.describe_with_hashes = false;
  foreign.publish_all();
  const std::string second = foreign.root.roles["snapshot"].keyids.back();
  foreign.tamper("2.snapshot.json", [&](Json& file) {
    file["signatures"].push_back({{"keyid", second}, {"sig", file["signatures"][0]["sig"]}});
  });
  test::Site site(foreign, trust::Persistence::incremental);
  CHECK(site.refresh() == "untrusted");
  CHECK(site.state.version("root") == 2);
}
