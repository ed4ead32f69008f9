// Delegations: search order, what a role may list, and whose word counts (TUF 1.0.34, 5.6.7).
#include "base/error.hpp"
#include "support/catch.hpp"
#include "support/tuf_repository.hpp"

using namespace airlock;
using base::Json;
using test::day;
using test::TufRepository;
using Names = std::vector<std::string>;

namespace {

struct Edge {
  std::string parent;
  std::string child;
  std::vector<std::string> paths = {"*"};
  bool terminating = false;
};

// The delegated roles that a search for `path` asks for, in order.
Names visited(const std::vector<Edge>& edges, const std::string& path = "missing") {
  TufRepository repository("");
  Names order;
  for (const auto& edge : edges) {
    repository.delegate(edge.parent, edge.child, edge.paths, edge.terminating);
    order.push_back(edge.child);
  }
  Names roles;
  for (const auto& [name, targets] : repository.delegated) {
    roles.push_back(name);
  }
  for (const std::string name : {"targets", "snapshot", "timestamp"}) {
    roles.push_back(name);
  }
  repository.publish(roles);
  test::Site site(repository, trust::Persistence::incremental);
  CHECK(site.find(path) == "none");
  Names result;
  for (const auto& name : repository.requests) {
    if (name.size() == std::string("1.A.json").size()) {
      result.push_back(name.substr(2, 1));
    }
  }
  return result;
}

// targets -> A (documents), B -> C, D (releases), as in tuf-conformance's tree.
struct Tree {
  TufRepository repository{""};
  test::Site site{repository, trust::Persistence::incremental};

  Tree() {
    repository.delegate("targets", "A", {"*.doc", "*.md", "foo-?.tgz"});
    repository.delegate("targets", "B", {"releases/*/*"});
    repository.delegate("B", "C", {"releases/x/*"});
    repository.delegate("B", "D", {"releases/y/*.zip"});
    repository.add_target("targets", "targetfile", "top");
    for (const std::string path : {"README.md", "releases/README.md", "foo-1.tgz", "foo-alpha.tgz"}) {
      repository.add_target("A", path, "by A");
    }
    repository.add_target("C", "releases/x/x_v1", "by C");
    repository.add_target("D", "releases/y/y_v1.zip", "by D");
    repository.add_target("D", "releases/z/z_v1.zip", "by D");
    repository.publish({"A", "B", "C", "D", "targets", "snapshot", "timestamp"});
  }
};

// A bundle's kind of repository: one delegated role an ecosystem, a channel, transactional.
struct Channel {
  TufRepository repository{"site"};
  test::Site site{repository};

  Channel() {
    repository.delegate("targets", "npm", {"npm/*", "npm/*/*"}, true);
    repository.add_target("npm", "npm/catalog/00.jsonl", "rows");
    repository.publish({"npm", "targets", "snapshot", "timestamp"});
  }
};

std::string sha256(std::string_view content) {
  return base::sha256(content).hex();
}

}  // namespace

TEST_CASE("roles are searched in pre-order", "[trust][delegation]") {
  using Edges = std::vector<Edge>;
  const auto [edges, expected] = GENERATE(table<Edges, Names>({
      {{}, {}},
      {{{"targets", "A"}}, {"A"}},
      {{{"targets", "A"}, {"targets", "B"}, {"targets", "C"}}, {"A", "B", "C"}},
      {{{"targets", "B"}, {"targets", "A"}}, {"B", "A"}},
      {{{"targets", "A"}, {"targets", "B"}, {"B", "C"}, {"C", "D"}}, {"A", "B", "C", "D"}},
      {{{"targets", "A"}, {"targets", "B"}, {"A", "C"}, {"A", "D"}}, {"A", "C", "D", "B"}},
      // A terminating delegation ends what was still to be asked, above it too.
      {{{"targets", "A", {"*"}, true}, {"targets", "B"}}, {"A"}},
      {{{"targets", "A"}, {"targets", "B"}, {"A", "C", {"*"}, true}, {"A", "D"}}, {"A", "C"}},
      {{{"targets", "A", {"other"}, true}, {"targets", "B"}}, {"B"}},
      {{{"targets", "A", {"other"}}, {"targets", "B"}, {"B", "C", {"other"}}}, {"B"}},
      {{{"targets", "A", {"*"}, true}, {"A", "B"}, {"B", "C"}}, {"A", "B", "C"}},
  }));
  CHECK(visited(edges) == expected);
}

TEST_CASE("a role that delegates back is asked once", "[trust][delegation]") {
  TufRepository repository("");
  repository.delegate("targets", "A", {"*"});
  repository.delegate("A", "B", {"*"});
  repository.publish({"A", "B", "targets", "snapshot", "timestamp"});
  // B -> A closes the circle with the keys that targets gave to A.
  const auto& keys = repository.targets.roles.front().keys;
  repository.delegated["B"].delegation_keys = repository.targets.delegation_keys;
  repository.delegated["B"].roles.push_back(
      {.name = "A", .keys = keys, .terminating = false, .paths = {"*"}, .path_hash_prefixes = {}});
  repository.publish({"B", "snapshot", "timestamp"});
  test::Site site(repository, trust::Persistence::incremental);
  CHECK(site.find("missing") == "none");
  CHECK(std::ranges::count(repository.requests, "1.A.json") == 1);
}

TEST_CASE("a search ends after 32 delegated roles", "[trust][delegation]") {
  TufRepository repository("");
  std::string parent = "targets";
  Names roles;
  for (int i = 0; i < 40; ++i) {
    const std::string name = "r" + std::to_string(i);
    repository.delegate(parent, name, {"*"});
    roles.push_back(name);
    parent = name;
  }
  repository.add_target("r31", "near", "near");
  repository.add_target("r32", "far", "far");
  roles.insert(roles.end(), {"targets", "snapshot", "timestamp"});
  repository.publish(roles);
  test::Site site(repository, trust::Persistence::incremental);
  CHECK(site.find("near") == sha256("near"));
  CHECK(site.find("far") == "none");
}

TEST_CASE("a target is found where every role above covers its path", "[trust][delegation]") {
  Tree tree;
  const auto [path, found, asked] =
      GENERATE(table<std::string, std::string, Names>({{"targetfile", "top", {}},
                                                       {"README.md", "by A", {"A"}},
                                                       {"releases/x/x_v1", "by C", {"B", "C"}},
                                                       {"releases/y/y_v1.zip", "by D", {"B", "D"}},
                                                       {"releases/z/z_v1.zip", "", {"B"}},
                                                       {"releases/README.md", "", {}},
                                                       {"foo-1.tgz", "by A", {"A"}},
                                                       {"foo-alpha.tgz", "", {}},
                                                       {"README.MD", "", {}}}));
  INFO(path);
  tree.repository.requests.clear();
  CHECK(tree.site.find(path) == (found.empty() ? "none" : sha256(found)));
  Names delegated;
  for (std::size_t i = 4; i < tree.repository.requests.size(); ++i) {
    delegated.push_back(tree.repository.requests[i].substr(2, 1));
  }
  CHECK(delegated == asked);
}

TEST_CASE("hash prefixes delegate as patterns do", "[trust][delegation]") {
  TufRepository repository("");
  auto& role = repository.delegate("targets", "bin", {});
  role.path_hash_prefixes = {sha256("a/b").substr(0, 2)};
  repository.add_target("bin", "a/b", "content");
  repository.add_target("bin", "outside", "content");
  REQUIRE_FALSE(sha256("outside").starts_with(role.path_hash_prefixes.front()));
  repository.publish({"bin", "targets", "snapshot", "timestamp"});
  test::Site site(repository, trust::Persistence::incremental);
  CHECK(site.find("a/b") == sha256("content"));
  CHECK(site.find("outside") == "none");
}

TEST_CASE("a cached role is proven again for each delegator", "[trust][delegation]") {
  TufRepository repository("");
  repository.delegate("targets", "parent-a", {"team-a/*"});
  repository.delegate("targets", "parent-b", {"team-b/*"});
  repository.delegate("parent-a", "release", {"team-a/*"});
  // parent-b names the same role with another key, which never signs.
  const auto stranger = trust::generate_key(trust::Scheme::ed25519);
  auto& parent_b = repository.delegated["parent-b"];
  const std::string keyid = stranger->public_key().keyid();
  parent_b.delegation_keys.emplace(keyid, stranger->public_key());
  parent_b.roles.push_back({.name = "release",
                            .keys = {.keyids = {keyid}},
                            .terminating = false,
                            .paths = {"team-b/*"},
                            .path_hash_prefixes = {}});
  repository.add_target("release", "team-a/x", "trusted A");
  repository.add_target("release", "team-b/x", "malicious B");
  repository.publish({"release", "parent-a", "parent-b", "targets", "snapshot", "timestamp"});

  test::Site site(repository, trust::Persistence::incremental);
  trust::Client client(site.pinned_root, repository, site.state, site.options);
  client.refresh();
  CHECK(client.find_target("team-a/x"));
  CHECK(test::outcome([&] { client.find_target("team-b/x"); }) == "untrusted");
  // Nor does what lies in the store since then help.
  CHECK(site.find("team-b/x") == "untrusted");
}

TEST_CASE("a delegated role that snapshot does not list is not used", "[trust][delegation]") {
  TufRepository repository("");
  repository.delegate("targets", "A", {"a/*"});
  repository.publish({"A", "targets"});
  repository.snapshot.meta.erase("A.json");
  repository.publish({"snapshot", "timestamp"});
  test::Site site(repository, trust::Persistence::incremental);
  CHECK(site.refresh() == "ok");
  repository.requests.clear();
  CHECK(site.find("a/foo") == "tampered");
  CHECK(repository.requests == Names{"2.root.json", "timestamp.json"});
  CHECK(site.state.version("A") == 0);
}

TEST_CASE("role names are encoded in file names", "[trust][delegation]") {
  const auto [role, file] =
      GENERATE(table<std::string, std::string>({{"?", "1.%3F.json"},
                                                {"#", "1.%23.json"},
                                                {"/delegatedrole", "1.%2Fdelegatedrole.json"},
                                                {"../delegatedrole", "1...%2Fdelegatedrole.json"}}));
  TufRepository repository("");
  repository.delegate("targets", role, {"*"});
  repository.publish({role, "targets", "snapshot", "timestamp"});
  test::Site site(repository, trust::Persistence::incremental);
  CHECK(site.find("missing") == "none");
  CHECK(repository.requests.back() == file);
  CHECK(site.state.version(role) == 1);
}

TEST_CASE("a bundle's roles are all loaded and all proven", "[trust][delegation]") {
  Channel c;
  CHECK(c.site.refresh() == "ok");
  CHECK(c.site.state.version("npm") == 1);
}

TEST_CASE("a delta may leave out a role that was accepted before", "[trust][delegation]") {
  Channel c;
  REQUIRE(c.site.refresh() == "ok");
  c.repository.publish({"snapshot", "timestamp"});
  c.repository.files.erase("1.npm.json");
  CHECK(c.site.refresh() == "ok");
  // Only the very file that snapshot names.
  c.site.state.roles["npm"] += " ";
  CHECK(c.site.refresh() == "not-found");
}

TEST_CASE("what holds for top-level roles holds for delegated ones", "[trust][delegation]") {
  Channel c;
  REQUIRE(c.site.refresh() == "ok");
  const Names rest = {"targets", "snapshot", "timestamp"};
  SECTION("expiry") {
    c.repository.delegated["npm"].expires = day(0);
    c.repository.publish({"npm", "snapshot", "timestamp"});
    CHECK(c.site.refresh() == "expired");
  }
  SECTION("hash") {
    c.repository.publish({"npm", "snapshot", "timestamp"});
    c.repository.files["2.npm.json"].front() = ' ';
    CHECK(c.site.refresh() == "tampered");
  }
  SECTION("length") {
    c.repository.publish({"npm", "snapshot", "timestamp"});
    c.repository.files["2.npm.json"] += " ";
    CHECK(c.site.refresh() == "tampered");
  }
  SECTION("signature") {
    c.repository.signers["npm"] = c.repository.signers["targets"];
    c.repository.publish({"npm", "snapshot", "timestamp"});
    CHECK(c.site.refresh() == "untrusted");
  }
  SECTION("channel") {
    c.repository.delegated["npm"].channel = "other";
    c.repository.publish({"npm", "snapshot", "timestamp"});
    CHECK(c.site.refresh() == "foreign");
  }
  SECTION("version") {
    c.repository.publish({"npm"});
    c.repository.snapshot.meta["npm.json"].version = 3;
    c.repository.files["3.npm.json"] = c.repository.files["2.npm.json"];
    c.repository.publish({"snapshot", "timestamp"});
    CHECK(c.site.refresh() == "tampered");
  }
  SECTION("rollback") {
    c.repository.set_version("npm", 4);
    c.repository.publish({"npm", "snapshot", "timestamp"});
    REQUIRE(c.site.refresh() == "ok");
    c.repository.set_version("npm", 3);
    c.repository.publish({"npm", "snapshot", "timestamp"});
    CHECK(c.site.refresh() == "rollback");
  }
  SECTION("equivocation") {
    c.repository.add_target("npm", "npm/other", "other");
    c.repository.publish_again({"npm"});
    c.repository.publish({"snapshot", "timestamp"});
    CHECK(c.site.refresh() == "equivocation");
  }
  SECTION("more signatures are no equivocation") {
    c.repository.add_key("npm");
    c.repository.publish_again({"npm"});
    c.repository.publish({"targets", "snapshot", "timestamp"});
    CHECK(c.site.refresh() == "ok");
  }
  SECTION("missing file") {
    c.repository.publish({"npm", "snapshot", "timestamp"});
    c.repository.files.erase("2.npm.json");
    CHECK(c.site.refresh() == "not-found");
  }
  SECTION("not in snapshot") {
    c.repository.delegate("targets", "pypi", {"pypi/*"});
    c.repository.publish(rest);
    CHECK(c.site.refresh() == "tampered");
  }
  SECTION("policy: threshold of delegated roles") {
    c.site.options.policy.minimum_threshold["delegated"] = 2;
    CHECK(c.site.refresh() == "untrusted");
    c.site.options.policy.minimum_threshold["npm"] = 1;
    CHECK(c.site.refresh() == "ok");
  }
  SECTION("policy: lifetime of delegated roles") {
    c.site.options.policy.longest_lifetime["delegated"] = std::chrono::days(364);
    CHECK(c.site.refresh() == "untrusted");
  }
}

TEST_CASE("a bundle's role lists only what was delegated to it", "[trust][delegation]") {
  Channel c;
  SECTION("beside its paths") {
    c.repository.add_target("npm", "pypi/catalog/00.jsonl", "rows");
  }
  SECTION("below its paths") {
    c.repository.add_target("npm", "npm/a/b/c", "rows");
  }
  SECTION("beside the paths of the role above it") {
    c.repository.delegate("npm", "inner", {"*/*"});
    c.repository.add_target("inner", "pypi/x", "rows");
    c.repository.publish({"inner"});
  }
  c.repository.publish({"npm", "snapshot", "timestamp"});
  CHECK(c.site.refresh() == "untrusted");
}

TEST_CASE("a bundle's role has one delegator", "[trust][delegation]") {
  Channel c;
  c.repository.delegate("targets", "pypi", {"pypi/*"});
  auto& pypi = c.repository.delegated["pypi"];
  pypi.delegation_keys = c.repository.targets.delegation_keys;
  pypi.roles.push_back(c.repository.targets.roles.front());
  c.repository.publish({"pypi", "targets", "snapshot", "timestamp"});
  CHECK(c.site.refresh() == "untrusted");
}

TEST_CASE("a role that nobody delegates to any more stays in snapshot unread", "[trust][delegation]") {
  Channel c;
  REQUIRE(c.site.refresh() == "ok");
  c.repository.targets.roles.clear();
  c.repository.publish({"targets", "snapshot", "timestamp"});
  c.repository.files.erase("1.npm.json");
  CHECK(c.site.refresh() == "ok");
}

TEST_CASE("a role's new delegated key ends what the old one signed", "[trust][delegation]") {
  Channel c;
  REQUIRE(c.site.refresh() == "ok");
  c.repository.rotate_keys("npm");
  c.repository.publish({"targets", "snapshot", "timestamp"});
  CHECK(c.site.refresh() == "untrusted");
  c.repository.publish({"npm", "snapshot", "timestamp"});
  CHECK(c.site.refresh() == "ok");
}
