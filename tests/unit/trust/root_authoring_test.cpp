#include "trust/root_authoring.hpp"

#include "base/error.hpp"
#include "base/files.hpp"
#include "support/catch.hpp"
#include "support/tuf_repository.hpp"

using namespace airlock;
using test::day;
using test::outcome;
using trust::Cadence;

namespace {

struct People {
  std::map<std::string, std::vector<std::unique_ptr<trust::Signer>>> signers;

  trust::RootPlan plan(std::uint64_t keys = 1, std::uint64_t threshold = 1) {
    trust::RootPlan result;
    result.channel = "site";
    result.created = day(0);
    for (const std::string role : {"root", "timestamp", "snapshot", "targets"}) {
      auto& holders = result.roles[role];
      holders.threshold = threshold;
      signers[role].clear();
      for (std::uint64_t i = 0; i < keys; ++i) {
        signers[role].push_back(trust::generate_key(trust::Scheme::ed25519));
        holders.keys.push_back(signers[role].back()->public_key());
      }
    }
    return result;
  }

  std::vector<const trust::Signer*> of(const std::string& role, std::size_t count) {
    std::vector<const trust::Signer*> result;
    for (std::size_t i = 0; i < count; ++i) {
      result.push_back(signers[role].at(i).get());
    }
    return result;
  }
};

std::string making(const trust::RootPlan& plan) {
  return outcome([&] { trust::make_first_root(plan); });
}

std::string pinning(const std::string& bytes, const trust::Policy& policy = {}) {
  return outcome([&] { trust::check_pinnable(bytes, policy); });
}

}  // namespace

TEST_CASE("roles live as long as the cadence asks", "[trust][root]") {
  using std::chrono::days;
  const auto cadence = GENERATE(Cadence::weekly, Cadence::monthly, Cadence::quarterly);
  const auto index = static_cast<std::size_t>(cadence);
  CHECK(trust::find_cadence(to_string(cadence)) == cadence);
  CHECK(trust::lifetime("root", cadence) == days(1095));
  CHECK(trust::lifetime("targets", cadence) == days(365));
  CHECK(trust::lifetime("npm", cadence) == days(365));
  CHECK(trust::lifetime("snapshot", cadence) == days(std::array{60, 120, 270}.at(index)));
  CHECK(trust::lifetime("timestamp", cadence) == days(std::array{30, 90, 200}.at(index)));
  CHECK_FALSE(trust::find_cadence("yearly"));
}

TEST_CASE("a first root that its own threshold signed can be pinned", "[trust][root]") {
  People people;
  const auto root = trust::make_first_root(people.plan(3, 2));
  CHECK(root.version == 1);
  CHECK(root.expires == day(1095));
  const auto part = trust::to_signed_part(root);
  CHECK(pinning(trust::sign_role(part, people.of("root", 1))) == "untrusted");
  CHECK(pinning(trust::sign_role(part, people.of("snapshot", 3))) == "untrusted");
  const std::string bytes = trust::sign_role(part, people.of("root", 2));
  CHECK(pinning(bytes) == "ok");
  const auto pinnable = trust::check_pinnable(bytes, {});
  CHECK(pinnable.root.version == 1);
  // Signatures never change the fingerprint.
  CHECK(pinnable.fingerprint == trust::check_pinnable(trust::sign_role(part, people.of("root", 3)), {}).fingerprint);
}

TEST_CASE("plans that cannot work are refused", "[trust][root]") {
  People people;
  const auto good = people.plan();
  CHECK(making(good) == "ok");
  auto plan = good;
  plan.roles.erase("snapshot");
  CHECK(making(plan) == "usage");
  plan = good;
  plan.roles["npm"] = plan.roles["targets"];
  CHECK(making(plan) == "usage");
  plan = good;
  plan.roles["snapshot"].threshold = 0;
  CHECK(making(plan) == "usage");
  plan.roles["snapshot"].threshold = 2;
  CHECK(making(plan) == "usage");
  plan.roles["snapshot"].keys.push_back(plan.roles["snapshot"].keys.front());
  CHECK(making(plan) == "usage");
  plan = good;
  plan.roles["targets"].keys.push_back(plan.roles["snapshot"].keys.front());
  CHECK(making(plan) == "usage");
  plan = good;
  plan.channel = "../site";
  CHECK(making(plan) == "usage");
  plan = good;
  plan.channel.clear();
  CHECK(making(plan) == "ok");
}

TEST_CASE("new roots take no short RSA key", "[trust][root]") {
  People people;
  auto plan = people.plan();
  const auto read = [](const std::string& name) {
    return trust::PublicKey::from_json(
        {{"keytype", "rsa"},
         {"scheme", "rsassa-pss-sha256"},
         {"keyval", {{"public", base::read_file(AIRLOCK_TEST_DATA "/trust/keys/" + name, 1 << 16)}}}});
  };
  plan.roles["snapshot"].keys = {read("rsa-3072.pem")};
  CHECK(making(plan) == "ok");
  plan.roles["snapshot"].keys = {read("rsa-2048.pem")};
  CHECK(making(plan) == "usage");
}

TEST_CASE("a root that a policy would not follow cannot be pinned", "[trust][root]") {
  People people;
  const auto part = trust::to_signed_part(trust::make_first_root(people.plan(2, 1)));
  const std::string bytes = trust::sign_role(part, people.of("root", 1));
  trust::Policy policy;
  policy.minimum_threshold["snapshot"] = 2;
  CHECK(pinning(bytes, policy) == "untrusted");
  policy = {};
  policy.schemes = {trust::Scheme::ecdsa_p256};
  CHECK(pinning(bytes, policy) == "untrusted");
  policy.schemes.push_back(trust::Scheme::ed25519);
  CHECK(pinning(bytes, policy) == "ok");
  CHECK(pinning("{}") == "malformed");
  CHECK(pinning(std::string(trust::k_root_limit + 1, ' ')) == "limit");
}

TEST_CASE("a key of root serves no other role, a threshold has its keys", "[trust][root]") {
  People people;
  auto root = trust::make_first_root(people.plan());
  const auto signed_as_is = [&] { return trust::sign_role(trust::to_signed_part(root), people.of("root", 1)); };
  CHECK(pinning(signed_as_is()) == "ok");
  const auto good = root;
  root.roles["snapshot"].keyids = root.roles["root"].keyids;
  CHECK(pinning(signed_as_is()) == "untrusted");
  root = good;
  root.roles["snapshot"].threshold = 2;
  CHECK(pinning(signed_as_is()) == "untrusted");
  root = good;
  root.roles["snapshot"].keyids.push_back(root.roles["targets"].keyids.front());
  CHECK(pinning(signed_as_is()) == "ok");  // unwise, but each root decides it for itself
}

TEST_CASE("a next root needs the old and the new threshold", "[trust][root]") {
  People old_people;
  People new_people;
  const auto old = trust::make_first_root(old_people.plan(3, 2));
  const auto next = trust::make_next_root(old, new_people.plan(3, 2));
  CHECK(next.version == 2);
  const auto part = trust::to_signed_part(next);
  const auto signed_by = [&](std::size_t old_count, std::size_t new_count) {
    auto signers = old_people.of("root", old_count);
    const auto others = new_people.of("root", new_count);
    signers.insert(signers.end(), others.begin(), others.end());
    return trust::parse_signed(trust::sign_role(part, signers), "root", trust::k_root_limit);
  };
  const auto verifying = [&](const trust::SignedFile& file) {
    return outcome([&] { trust::verify_next_root(file, old); });
  };
  CHECK(verifying(signed_by(2, 2)) == "ok");
  CHECK(verifying(signed_by(3, 1)) == "untrusted");
  CHECK(verifying(signed_by(1, 3)) == "untrusted");
  const auto approvals = trust::approvals_of_root(signed_by(2, 1), old);
  CHECK(approvals.old_signers == 2);
  CHECK(approvals.old_threshold == 2);
  CHECK(approvals.new_signers == 1);
  CHECK(approvals.new_threshold == 2);
  CHECK_FALSE(approvals.complete());
  CHECK(trust::approvals_of_root(signed_by(2, 2), old).complete());
  CHECK(trust::approvals_of_root(signed_by(0, 2)).complete());
}
