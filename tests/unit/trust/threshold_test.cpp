#include "base/error.hpp"
#include "base/files.hpp"
#include "support/catch.hpp"
#include "support/tuf_repository.hpp"
#include "trust/metadata.hpp"

using namespace airlock;
using base::Json;
using test::outcome;
using trust::PublicKey;

namespace {

using Keys = std::map<std::string, PublicKey>;

std::unique_ptr<trust::Signer> make_key() {
  return trust::generate_key(trust::Scheme::ed25519);
}

trust::SignedFile parse(const std::string& bytes) {
  return trust::parse_signed(bytes, "file", 1 << 20);
}

// The same key under another name: an annotation changes the keyid, not the key.
PublicKey renamed(const PublicKey& key, int number) {
  Json object = key.json();
  object["x-name"] = number;
  return PublicKey::from_json(object);
}

}  // namespace

TEST_CASE("different listed keys count, each once", "[trust][threshold]") {
  const auto a = make_key();
  const auto b = make_key();
  const auto stranger = make_key();
  const Keys keys = {{a->public_key().keyid(), a->public_key()},
                     {b->public_key().keyid(), b->public_key()},
                     {stranger->public_key().keyid(), stranger->public_key()}};
  const trust::RoleKeys role{.keyids = {a->public_key().keyid(), b->public_key().keyid()}, .threshold = 2};
  const Json part = {{"x", 1}};

  CHECK(trust::count_signers(parse(trust::sign_role(part, {})), role, keys) == 0);
  CHECK(trust::count_signers(parse(trust::sign_role(part, {a.get()})), role, keys) == 1);
  CHECK(trust::count_signers(parse(trust::sign_role(part, {a.get(), a.get()})), role, keys) == 1);
  CHECK(trust::count_signers(parse(trust::sign_role(part, {a.get(), stranger.get()})), role, keys) == 1);
  const auto both = parse(trust::sign_role(part, {a.get(), b.get(), stranger.get()}));
  CHECK(trust::count_signers(both, role, keys) == 2);
  CHECK(trust::count_signers(both, role, {}) == 0);
  CHECK(trust::count_signers(both, {}, keys) == 0);

  CHECK(outcome([&] { trust::require_threshold(both, "snapshot", role, keys); }) == "ok");
  CHECK(outcome([&] { trust::require_threshold(parse(trust::sign_role(part, {b.get()})), "snapshot", role, keys); }) ==
        "untrusted");
}

TEST_CASE("a threshold of nothing is never met", "[trust][threshold]") {
  const auto file = parse(trust::sign_role({{"x", 1}}, {}));
  CHECK(outcome([&] { trust::require_threshold(file, "snapshot", {.keyids = {}, .threshold = 0}, {}); }) ==
        "untrusted");
}

TEST_CASE("one key under two names counts once", "[trust][threshold]") {
  const auto signer = make_key();
  const PublicKey& key = signer->public_key();
  trust::RoleKeys role{.keyids = {}, .threshold = 2};
  Keys keys;
  auto file = parse(trust::sign_role({{"x", 1}}, {signer.get()}));
  const std::string signature = file.signatures.front().sig;
  file.signatures.clear();
  for (int i = 0; i < 64; ++i) {
    const PublicKey alias = renamed(key, i);
    keys.emplace(alias.keyid(), alias);
    role.keyids.push_back(alias.keyid());
    file.signatures.push_back({alias.keyid(), signature});
  }
  CHECK(trust::count_signers(file, role, keys) == 1);
  CHECK(trust::count_distinct_keys(role, keys) == 1);
}

TEST_CASE("one point in two encodings counts once", "[trust][threshold]") {
  const auto read = [](const std::string& name) {
    return PublicKey::from_json(
        {{"keytype", "ecdsa"},
         {"scheme", "ecdsa-sha2-nistp256"},
         {"keyval", {{"public", base::read_file(AIRLOCK_TEST_DATA "/trust/keys/" + name, 1 << 16)}}}});
  };
  const PublicKey plain = read("p256.pem");
  const PublicKey compressed = read("p256-compressed.pem");
  const trust::RoleKeys role{.keyids = {plain.keyid(), compressed.keyid()}, .threshold = 2};
  CHECK(trust::count_distinct_keys(role, {{plain.keyid(), plain}, {compressed.keyid(), compressed}}) == 1);
}

TEST_CASE("bad and empty signatures beside good ones are ignored", "[trust][threshold]") {
  const auto a = make_key();
  const auto b = make_key();
  const Keys keys = {{a->public_key().keyid(), a->public_key()}, {b->public_key().keyid(), b->public_key()}};
  const trust::RoleKeys role{.keyids = {a->public_key().keyid(), b->public_key().keyid()}, .threshold = 1};
  auto file = parse(trust::sign_role({{"x", 1}}, {a.get(), b.get()}));
  const std::size_t of_b = file.signatures[0].keyid == b->public_key().keyid() ? 0 : 1;
  file.signatures[of_b].sig = GENERATE(as<std::string>(), "", std::string(64, 'x'), "short");
  CHECK(trust::count_signers(file, role, keys) == 1);
}

TEST_CASE("a signature is over the canonical form, not over the bytes", "[trust][threshold]") {
  const auto a = make_key();
  const Keys keys = {{a->public_key().keyid(), a->public_key()}};
  const trust::RoleKeys role{.keyids = {a->public_key().keyid()}, .threshold = 1};
  const std::string bytes = trust::sign_role({{"b", "x"}, {"a", 1}}, {a.get()});
  CHECK(trust::count_signers(parse(Json::parse(bytes).dump(7) + "  "), role, keys) == 1);
  Json changed = Json::parse(bytes);
  changed["signed"]["a"] = 2;
  CHECK(trust::count_signers(parse(changed.dump()), role, keys) == 0);
}
