#include "trust/metadata.hpp"

#include "base/error.hpp"
#include "support/catch.hpp"
#include "support/tuf_repository.hpp"
#include "trust/canonical.hpp"

using namespace airlock;
using base::Json;
using test::day;
using test::outcome;
using trust::KeyidCheck;

namespace {

constexpr std::size_t k_limit = 1 << 20;

std::string reading(const std::string& bytes, std::size_t limit = k_limit) {
  return outcome([&] { trust::parse_signed(bytes, "file", limit); });
}

trust::SignedFile as_file(const Json& signed_part) {
  return trust::parse_signed(trust::sign_role(signed_part, {}), "file", k_limit);
}

// The kinds of metadata with a valid example each, to be spoiled one member at a time.
struct Example {
  test::TufRepository repository{"site"};
  Json root = trust::to_signed_part(repository.root);
  Json timestamp = trust::to_signed_part(repository.timestamp);
  Json snapshot = trust::to_signed_part(repository.snapshot);
  Json targets;

  Example() {
    repository.delegate("targets", "npm", {"npm/*"});
    repository.add_target("targets", "bundle/1.json", "content");
    targets = trust::to_signed_part(repository.targets);
  }
};

Json with(Json value, const std::string& pointer, const Json& replacement) {
  value[Json::json_pointer(pointer)] = replacement;
  return value;
}

Json without(Json value, const std::string& pointer) {
  const Json::json_pointer at(pointer);
  value[at.parent_pointer()].erase(at.back());
  return value;
}

std::string root_outcome(const Json& part, KeyidCheck check = KeyidCheck::enforce) {
  return outcome([&] { trust::parse_root(as_file(part), check); });
}
std::string timestamp_outcome(const Json& part) {
  return outcome([&] { trust::parse_timestamp(as_file(part)); });
}
std::string snapshot_outcome(const Json& part) {
  return outcome([&] { trust::parse_snapshot(as_file(part)); });
}
std::string targets_outcome(const Json& part) {
  return outcome([&] { trust::parse_targets(as_file(part)); });
}

}  // namespace

TEST_CASE("hostile JSON is refused before any signature is looked at", "[trust][metadata]") {
  CHECK(reading(R"({"signatures":[],"signed":{}})") == "ok");
  CHECK(reading("{\"signatures\":[],\"signed\":{}} \n ") == "ok");
  CHECK(reading(R"({"signatures":[],"signed":{}}x)") == "malformed");
  CHECK(reading(R"({"signatures":[],"signed":{}}{})") == "malformed");
  CHECK(reading("\xef\xbb\xbf{\"signatures\":[],\"signed\":{}}") == "malformed");
  CHECK(reading("") == "malformed");
  CHECK(reading("null") == "malformed");
  CHECK(reading("[]") == "malformed");
  CHECK(reading(R"({"signed":{}})") == "malformed");
  CHECK(reading(R"({"signatures":[]})") == "malformed");
  CHECK(reading(R"({"signatures":{},"signed":{}})") == "malformed");
  CHECK(reading(R"({"signatures":[],"signed":[]})") == "malformed");
  CHECK(reading(R"({"signatures":null,"signed":null})") == "malformed");
  CHECK(reading(R"({"signatures":[],"signed":{},"signed":{}})") == "malformed");
  CHECK(reading(R"({"signatures":[],"signed":{"a":{"b":1,"b":1}}})") == "malformed");
  CHECK(reading(R"({"signatures":[],"signed":{"a":1.0}})") == "malformed");
  CHECK(reading(R"({"signatures":[],"signed":{"a":1e3}})") == "malformed");
  CHECK(reading(R"({"signatures":[],"signed":{"a":NaN}})") == "malformed");
  CHECK(reading(R"({"signatures":[],"signed":{"a":9007199254740991}})") == "ok");
  CHECK(reading(R"({"signatures":[],"signed":{"a":9007199254740992}})") == "malformed");
  CHECK(reading(R"({"signatures":[],"signed":{"a":18446744073709551616}})") == "malformed");
  CHECK(reading(R"({"signatures":[],"signed":{"a":"\u0000"}})") == "malformed");
  CHECK(reading(R"({"signatures":[],"signed":{"a":"\ud800"}})") == "malformed");
  CHECK(reading("{\"signatures\":[],\"signed\":{\"a\":\"\xff\"}}") == "malformed");
  CHECK(reading("{\"signatures\":[],\"signed\":{\"a\":" + std::string(1'000'000 / 4, '[')) != "ok");
  CHECK(reading(R"({"signatures":[],"signed":{"a":)" + std::string(40, '[') + std::string(40, ']') + "}}") != "ok");
  CHECK(reading(R"({"signatures":[],"signed":{}})", 10) == "limit");
}

TEST_CASE("signature lists are read strictly, single signatures leniently", "[trust][metadata]") {
  const auto list = [](const std::string& signatures) {
    return reading(R"({"signatures":[)" + signatures + R"(],"signed":{}})");
  };
  CHECK(list(R"({"keyid":"a","sig":"00"})") == "ok");
  CHECK(list(R"({"keyid":"a","sig":""})") == "ok");
  CHECK(list(R"({"keyid":"a","sig":"xyz"})") == "ok");
  CHECK(list(R"({"keyid":"a","sig":"00","method":"x"})") == "ok");
  CHECK(list(R"({"keyid":"a","sig":"00"},{"keyid":"a","sig":"11"})") == "malformed");
  CHECK(list(R"({"keyid":"a","sig":""},{"keyid":"a","sig":""})") == "malformed");
  CHECK(list(R"({"keyid":"","sig":"00"})") == "malformed");
  CHECK(list(R"({"keyid":"a"})") == "malformed");
  CHECK(list(R"({"sig":"00"})") == "malformed");
  CHECK(list(R"({"keyid":1,"sig":"00"})") == "malformed");
  CHECK(list(R"({"keyid":"a","sig":null})") == "malformed");
  CHECK(list("null") == "malformed");
  CHECK(list("[]") == "malformed");
  std::string many;
  for (int i = 0; i < 65; ++i) {
    many += (i == 0 ? "" : ",") + std::string(R"({"keyid":")") + std::to_string(i) + R"(","sig":"00"})";
  }
  CHECK(list(many) == "limit");
}

TEST_CASE("every role comes back as it was written", "[trust][metadata]") {
  const Example example;
  const auto root = trust::parse_root(as_file(example.root));
  CHECK(trust::to_signed_part(root) == example.root);
  CHECK(root.channel == "site");
  CHECK(root.expires == day(365));
  CHECK(trust::to_signed_part(trust::parse_timestamp(as_file(example.timestamp))) == example.timestamp);
  CHECK(trust::to_signed_part(trust::parse_snapshot(as_file(example.snapshot))) == example.snapshot);
  CHECK(trust::to_signed_part(trust::parse_targets(as_file(example.targets))) == example.targets);
}

TEST_CASE("what all roles share is checked", "[trust][metadata]") {
  const Example example;
  const auto spoiled = GENERATE_COPY(
      std::pair("/_type", Json("snapshot")), std::pair("/_type", Json("Timestamp")), std::pair("/_type", Json(1)),
      std::pair("/version", Json(0)), std::pair("/version", Json(-1)), std::pair("/version", Json("1")),
      std::pair("/version", Json(nullptr)), std::pair("/expires", Json("2026-08-01")),
      std::pair("/expires", Json("2026-08-01T00:00:00+00:00")), std::pair("/expires", Json("2026-08-01T00:00:00.0Z")),
      std::pair("/expires", Json("2026-13-01T00:00:00Z")), std::pair("/expires", Json(5)),
      std::pair("/spec_version", Json(1)), std::pair("/channel", Json("Site")), std::pair("/channel", Json("")),
      std::pair("/channel", Json("../x")), std::pair("/channel", Json(5)));
  INFO(spoiled.first << " " << spoiled.second);
  if (spoiled.first == std::string("/channel") && spoiled.second == "") {
    // An empty name is no name.
    CHECK(timestamp_outcome(with(example.timestamp, "/channel", "")) == "malformed");
    return;
  }
  CHECK(timestamp_outcome(with(example.timestamp, spoiled.first, spoiled.second)) == "malformed");
}

TEST_CASE("versions of the specification", "[trust][metadata]") {
  const Example example;
  const auto of = [&](const std::string& version) {
    return timestamp_outcome(with(example.timestamp, "/spec_version", version));
  };
  CHECK(of("1.0") == "ok");
  CHECK(of("1.0.31") == "ok");
  CHECK(of("1.99.7") == "ok");
  for (const std::string bad :
       {"2.0.0", "0.9", "1", "1.", "1.0.", "1.0.0.0", "1.x", "10.0", " 1.0", "", "1.0.999999"}) {
    CHECK(of(bad) == "unsupported");
  }
}

TEST_CASE("foreign repositories may write times as RFC 3339 allows", "[trust][metadata]") {
  const Json foreign = without(Example().timestamp, "/channel");
  CHECK(timestamp_outcome(with(foreign, "/expires", "2026-08-01T02:00:00.123+02:00")) == "ok");
  CHECK(trust::parse_timestamp(as_file(with(foreign, "/expires", "2026-07-01T14:00:00.9+02:00"))).expires == day(0));
  CHECK(timestamp_outcome(with(foreign, "/expires", "soon")) == "malformed");
}

TEST_CASE("roots of a wrong shape are refused", "[trust][metadata]") {
  const Example example;
  const std::string keyid = example.root["roles"]["root"]["keyids"][0];
  CHECK(root_outcome(example.root) == "ok");
  CHECK(root_outcome(without(example.root, "/keys")) == "malformed");
  CHECK(root_outcome(with(example.root, "/keys", Json::array())) == "malformed");
  CHECK(root_outcome(without(example.root, "/roles")) == "malformed");
  for (const std::string role : {"root", "timestamp", "snapshot", "targets"}) {
    CHECK(root_outcome(without(example.root, "/roles/" + role)) == "malformed");
    CHECK(root_outcome(with(example.root, "/roles/" + role + "/threshold", 0)) == "malformed");
    CHECK(root_outcome(with(example.root, "/roles/" + role + "/threshold", -1)) == "malformed");
    CHECK(root_outcome(with(example.root, "/roles/" + role + "/threshold", "1")) == "malformed");
    CHECK(root_outcome(with(example.root, "/roles/" + role + "/threshold", nullptr)) == "malformed");
    CHECK(root_outcome(without(example.root, "/roles/" + role + "/threshold")) == "malformed");
    CHECK(root_outcome(with(example.root, "/roles/" + role + "/keyids", keyid)) == "malformed");
    CHECK(root_outcome(with(example.root, "/roles/" + role + "/keyids", {keyid, keyid})) == "malformed");
    CHECK(root_outcome(with(example.root, "/roles/" + role + "/keyids", {1})) == "malformed");
    CHECK(root_outcome(with(example.root, "/roles/" + role + "/keyids", {std::string(64, '0')})) == "malformed");
  }
  // 2^63 is no integer that a file may hold; the largest that is one is read and can never be met.
  CHECK(outcome([&] {
          trust::parse_signed(R"({"signatures":[],"signed":{"threshold":9223372036854775808}})", "f", k_limit);
        }) == "malformed");
  CHECK(root_outcome(with(example.root, "/roles/root/threshold", 9007199254740991)) == "ok");
  CHECK(root_outcome(with(example.root, "/consistent_snapshot", 1)) == "malformed");
  CHECK_FALSE(trust::parse_root(as_file(without(example.root, "/consistent_snapshot"))).consistent_snapshot);
  CHECK(root_outcome(with(example.root, "/roles/mirrors", Json::object())) == "ok");
}

TEST_CASE("a keyid is the hash of its key, except where that is waived", "[trust][metadata]") {
  const Example example;
  const std::string keyid = example.root["roles"]["root"]["keyids"][0];
  Json annotated = with(example.root, "/keys/" + keyid + "/x-owner", "somebody");
  CHECK(root_outcome(annotated) == "untrusted");
  CHECK(root_outcome(annotated, KeyidCheck::tolerate) == "ok");

  // Somebody else's key under this one's name.
  const auto other = trust::generate_key(trust::Scheme::ed25519);
  CHECK(root_outcome(with(example.root, "/keys/" + keyid, other->public_key().json())) == "untrusted");

  const Json unknown = {{"keytype", "x"}, {"scheme", "x"}, {"keyval", {{"public", "x"}}}};
  Json foreign = with(example.root, "/keys/" + keyid, unknown);
  CHECK(root_outcome(foreign) == "unsupported");
  CHECK(root_outcome(foreign, KeyidCheck::tolerate) == "ok");
  CHECK_FALSE(trust::parse_root(as_file(foreign), KeyidCheck::tolerate).keys.contains(keyid));
  CHECK(root_outcome(with(example.root, "/keys/" + keyid + "/keyval/public", std::string(64, '0')),
                     KeyidCheck::tolerate) == "untrusted");
}

TEST_CASE("keys are counted before they are read", "[trust][metadata]") {
  Json root = Example().root;
  for (std::size_t i = 0; i <= trust::k_key_limit; ++i) {
    root["keys"][std::to_string(i)] = Json::object();
  }
  CHECK(root_outcome(root) == "limit");
}

TEST_CASE("timestamps of a wrong shape are refused", "[trust][metadata]") {
  const Example example;
  CHECK(timestamp_outcome(example.timestamp) == "ok");
  CHECK(timestamp_outcome(without(example.timestamp, "/meta")) == "malformed");
  CHECK(timestamp_outcome(with(example.timestamp, "/meta", Json::object())) == "malformed");
  CHECK(timestamp_outcome(with(example.timestamp, "/meta/snapshot.json", 1)) == "malformed");
  CHECK(timestamp_outcome(with(example.timestamp, "/meta/snapshot.json/version", 0)) == "malformed");
  CHECK(timestamp_outcome(with(example.timestamp, "/meta/snapshot.json/length", -1)) == "malformed");
  CHECK(timestamp_outcome(with(example.timestamp, "/meta/snapshot.json/hashes", "x")) == "malformed");
  CHECK(timestamp_outcome(with(example.timestamp, "/meta/snapshot.json/hashes/sha256", 1)) == "malformed");
  CHECK(timestamp_outcome(with(example.timestamp, "/x-unknown", {1, 2})) == "ok");
}

TEST_CASE("snapshots of a wrong shape are refused", "[trust][metadata]") {
  const Example example;
  CHECK(snapshot_outcome(example.snapshot) == "ok");
  Json foreign = without(example.snapshot, "/channel");
  for (const std::string name : {"../npm.json", "Npm.json", "a b.json", "1npm.json"}) {
    foreign["meta"][name] = {{"version", 1}};
    Json own = foreign;
    own["channel"] = "site";
    CHECK(snapshot_outcome(own) == "malformed");
    CHECK(snapshot_outcome(foreign) == "ok");
  }
  Json wrong = example.snapshot;
  wrong["meta"]["npm"] = {{"version", 1}};
  CHECK(snapshot_outcome(wrong) == "malformed");
  wrong = example.snapshot;
  wrong["meta"][".json"] = {{"version", 1}};
  CHECK(snapshot_outcome(wrong) == "malformed");
  wrong = example.snapshot;
  for (std::size_t i = 0; i <= trust::k_role_limit; ++i) {
    wrong["meta"]["a" + std::to_string(i) + ".json"] = {{"version", 1}};
  }
  CHECK(snapshot_outcome(wrong) == "limit");
}

TEST_CASE("targets of a wrong shape are refused", "[trust][metadata]") {
  const Example example;
  const Json& good = example.targets;
  CHECK(targets_outcome(good) == "ok");
  CHECK(targets_outcome(without(good, "/targets")) == "malformed");
  CHECK(targets_outcome(without(good, "/delegations")) == "ok");
  CHECK(targets_outcome(with(good, "/targets/x", {{"length", 1}, {"hashes", Json::object()}})) == "malformed");
  CHECK(targets_outcome(with(good, "/targets/x", {{"hashes", {{"sha256", "00"}}}})) == "malformed");
  CHECK(targets_outcome(with(good, "/targets/x", {{"length", -1}, {"hashes", {{"sha256", "00"}}}})) == "malformed");
  CHECK(targets_outcome(with(good, "/targets/x", {{"length", 1}, {"hashes", {{"md5", "00"}}}})) == "ok");
  Json spaced = good;
  spaced["targets"]["a b"] = {{"length", 1}, {"hashes", {{"sha256", "00"}}}};
  CHECK(targets_outcome(spaced) == "malformed");
  CHECK(targets_outcome(without(spaced, "/channel")) == "ok");
  CHECK(targets_outcome(with(good, "/delegations/succinct_roles", Json::object())) == "unsupported");

  const std::string role = "/delegations/roles/0";
  for (const std::string name : {"root", "timestamp", "snapshot", "targets", "", "Npm", "../npm", "1pm",
                                 "a-name-of-more-than-thirty-two-characters"}) {
    CHECK(targets_outcome(with(good, role + "/name", name)) == "malformed");
  }
  Json foreign = without(good, "/channel");
  CHECK(targets_outcome(with(foreign, role + "/name", "../npm")) == "ok");
  CHECK(targets_outcome(with(foreign, role + "/name", "snapshot")) == "malformed");
  CHECK(targets_outcome(with(good, role + "/threshold", 0)) == "malformed");
  CHECK(targets_outcome(without(good, role + "/terminating")) == "malformed");
  CHECK(targets_outcome(without(good, role + "/paths")) == "malformed");
  CHECK(targets_outcome(with(good, role + "/path_hash_prefixes", {"ab"})) == "malformed");
  CHECK(targets_outcome(with(without(good, role + "/paths"), role + "/path_hash_prefixes", {"ab"})) == "ok");
  Json twice = good;
  twice["delegations"]["roles"].push_back(twice["delegations"]["roles"][0]);
  CHECK(targets_outcome(twice) == "malformed");
}

TEST_CASE("signed files are one text, whoever signs first", "[trust][metadata]") {
  const auto a = trust::generate_key(trust::Scheme::ed25519);
  const auto b = trust::generate_key(trust::Scheme::ed25519);
  const Json part = Example().timestamp;
  const std::string both = trust::sign_role(part, {a.get(), b.get()});
  CHECK(both == trust::sign_role(part, {b.get(), a.get(), b.get()}));
  CHECK(both == trust::add_signature(trust::parse_signed(trust::sign_role(part, {b.get()}), "f", k_limit), *a));
  CHECK(both == trust::add_signature(trust::parse_signed(both, "f", k_limit), *a));
  const auto file = trust::parse_signed(both, "f", k_limit);
  CHECK(file.bytes == both);
  CHECK(file.signed_part == part);
  CHECK(trust::identity(file) == trust::canonical_sha256(part));
  CHECK(trust::identity(file) == trust::identity(as_file(part)));
}

TEST_CASE("adding a signature keeps what others wrote, and replaces an empty one", "[trust][metadata]") {
  const auto a = trust::generate_key(trust::Scheme::ed25519);
  const std::string keyid = a->public_key().keyid();
  const Json draft = {{"signatures", {{{"keyid", keyid}, {"sig", ""}}, {{"keyid", "b"}, {"sig", "00"}, {"x", 1}}}},
                      {"signed", {{"x", 1}}}};
  const std::string text = trust::add_signature(trust::parse_signed(draft.dump(), "f", k_limit), *a);
  const auto file = trust::parse_signed(text, "f", k_limit);
  REQUIRE(file.signatures.size() == 2);
  CHECK(Json::parse(text)["signatures"].dump().find(R"("x":1)") != std::string::npos);
  CHECK(trust::count_signers(file, {.keyids = {keyid}}, {{keyid, a->public_key()}}) == 1);
}

TEST_CASE("a signature made elsewhere is added only if it is one", "[trust][metadata]") {
  const auto a = trust::generate_key(trust::Scheme::ed25519);
  const auto b = trust::generate_key(trust::Scheme::ed25519);
  const auto draft = as_file(Example().snapshot);
  const auto& key = a->public_key();
  CHECK(trust::add_signature(draft, key, a->sign(draft.canonical)) == trust::add_signature(draft, *a));
  CHECK(outcome([&] { trust::add_signature(draft, key, b->sign(draft.canonical)); }) == "untrusted");
  CHECK(outcome([&] { trust::add_signature(draft, key, a->sign(draft.bytes)); }) == "untrusted");
  CHECK(outcome([&] { trust::add_signature(draft, key, ""); }) == "untrusted");
}

TEST_CASE("a described file matches only itself", "[trust][metadata]") {
  const auto meta = trust::describe("content", 3);
  CHECK(meta.version == 3);
  CHECK(trust::matches(meta, "content"));
  CHECK_FALSE(trust::matches(meta, "Content"));
  CHECK_FALSE(trust::matches(meta, "content "));
  CHECK(trust::matches(trust::describe_target("content"), "content"));
  CHECK_FALSE(trust::matches(trust::describe_target("content"), "conten"));

  auto hashes = meta.hashes;
  base::Hasher hasher(base::HashAlgorithm::sha512);
  hasher.update("content");
  hashes["sha512"] = hasher.finish().hex();
  hashes["unknown"] = "00";
  CHECK(trust::hashes_match(hashes, "content"));
  hashes["sha512"].front() = hashes["sha512"].front() == '0' ? '1' : '0';
  CHECK_FALSE(trust::hashes_match(hashes, "content"));
  CHECK_FALSE(trust::hashes_match({}, "content"));
  CHECK_FALSE(trust::hashes_match({{"md5", "9a0364b9e99bb480dd25e1f0284c8555"}}, "content"));
  CHECK_FALSE(trust::hashes_match({{"sha256", ""}}, "content"));
}

TEST_CASE("no role name becomes a path", "[trust][metadata]") {
  CHECK(trust::metadata_file_name("oci", 7) == "7.oci.json");
  CHECK(trust::metadata_file_name("timestamp", std::nullopt) == "timestamp.json");
  CHECK(trust::metadata_file_name("../x", 1) == "1...%2Fx.json");
  CHECK(trust::metadata_file_name("?", 1) == "1.%3F.json");
  CHECK(trust::metadata_file_name("#", 1) == "1.%23.json");
  CHECK(trust::metadata_file_name("/delegatedrole", 1) == "1.%2Fdelegatedrole.json");
  CHECK(trust::metadata_file_name("a%2Fb", 1) == "1.a%252Fb.json");
  CHECK(trust::metadata_file_name("é_~-.", 1) == "1.%C3%A9_~-..json");
}

TEST_CASE("delegations cover paths by pattern or by hash", "[trust][metadata]") {
  trust::DelegatedRole role;
  role.paths = {"npm/*", "a?c"};
  CHECK(trust::delegates(role, "npm/x"));
  CHECK(trust::delegates(role, "abc"));
  CHECK_FALSE(trust::delegates(role, "npm/x/y"));
  CHECK_FALSE(trust::delegates(role, "NPM/x"));
  CHECK_FALSE(trust::delegates(role, "a/c"));
  role.paths.clear();
  CHECK_FALSE(trust::delegates(role, "npm/x"));
  role.path_hash_prefixes = {base::sha256("npm/x").hex().substr(0, 3)};
  CHECK(trust::delegates(role, "npm/x"));
  CHECK_FALSE(trust::delegates(role, "npm/yy"));
}
