// Roots that wait for those who hold root's keys elsewhere: whose signatures count, and what a change on top does.
#include <algorithm>

#include "base/files.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "unit/workflow/keyholders.hpp"
#include "workflow/keys.hpp"
#include "workflow/root_change.hpp"

namespace airlock::workflow {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using test::code_of;
using test::Keyholders;
using Kind = RootChange::Kind;

TEST_CASE("where root's keys lie elsewhere a change waits for their holders", "[workflow][root_change]") {
  Keyholders all(2, true);
  const std::string before = all.only_key("timestamp");
  const auto progress = all.change({.kind = Kind::rotate, .role = "timestamp", .reason = "yearly"});
  CHECK_FALSE(progress.complete);
  CHECK(progress.version == 2);
  CHECK(progress.approvals.old_signers == 0);
  CHECK(progress.approvals.old_threshold == 2);
  CHECK(all.root().version == 1);
  CHECK(all.only_key("timestamp") == before);
  CHECK(all.signers("timestamp") == 1);  // bundles are signed on under the old root
  CHECK(base::read_file(progress.to_sign, 100'000) == read_root_to_sign(progress.root, {}).file.canonical);
  CHECK(base::read_file(progress.review, 100'000).find("yearly") != std::string::npos);

  const fs::path first = all.sign_elsewhere(all.safe() / "root.pem", "first.sig");
  const fs::path second = all.sign_elsewhere(all.safe() / "root-2.pem", "second.sig");
  const bool swapped = GENERATE(false, true);
  const auto half = accept_signatures(all.home, {swapped ? second : first}, "");
  CHECK_FALSE(half.complete);
  CHECK(half.added == 1);
  CHECK(half.approvals.old_signers == 1);
  CHECK(half.approvals.new_signers == 1);
  CHECK(std::ranges::count(half.signers, false, &RootSigner::signed_already) == 1);
  CHECK(accept_signatures(all.home, {swapped ? second : first}, "").added == 0);
  const auto whole = accept_signatures(all.home, {first, second}, "");
  CHECK(whole.complete);
  CHECK(whole.added == 1);
  CHECK(all.root().version == 2);
  CHECK(all.walked_version() == 2);
  CHECK(all.only_key("timestamp") != before);
  CHECK(all.signers("timestamp") == 1);
  CHECK(whole.moved_aside.size() == 1);
  CHECK_FALSE(fs::exists(all.home.keys() / "pending"));
  CHECK(code_of([&] { return accept_signatures(all.home, {first}, "").version; }) == ErrorCode::not_found);
}

TEST_CASE("how often bundles travel changes with the root, and not before", "[workflow][root_change]") {
  Keyholders all(2, true);
  const auto progress = all.change({.kind = Kind::renew}, {.cadence = "quarterly"});
  CHECK(progress.cadence == "quarterly");
  CHECK(progress.notes == std::vector<std::string>{"renewed, for quarterly transfers from then on"});
  CHECK(show_keys(all.home).cadence == "monthly");
  CHECK(pending_root(all.home)->cadence == "quarterly");
  SECTION("a change on top keeps it") {
    CHECK(all.change({.kind = Kind::rotate, .role = "timestamp"}).cadence == "quarterly");
    CHECK(all.change({.kind = Kind::renew}, {.root_keys = {all.safe()}}).complete);
    CHECK(show_keys(all.home).cadence == "quarterly");
  }
  SECTION("signatures from elsewhere bring it into force") {
    accept_signatures(all.home, {all.sign_elsewhere(all.safe() / "root.pem", "first.sig")}, "");
    CHECK(show_keys(all.home).cadence == "monthly");
    CHECK(accept_signatures(all.home, {all.sign_elsewhere(all.safe() / "root-2.pem", "second.sig")}, "").complete);
    CHECK(show_keys(all.home).cadence == "quarterly");
  }
  SECTION("it goes with a root that is dropped") {
    abandon_root(all.home);
    CHECK(show_keys(all.home).cadence == "monthly");
    CHECK_FALSE(all.change({.kind = Kind::renew}).cadence);
  }
}

TEST_CASE("root's keys on a stick complete a change in one step", "[workflow][root_change]") {
  Keyholders all(2, true);
  CHECK_FALSE(all.change({.kind = Kind::renew}, {.root_keys = {all.safe() / "root.pem"}}).complete);
  CHECK(all.change({.kind = Kind::renew}, {.root_keys = {all.safe()}}).complete);
  CHECK(all.walked_version() == 2);
}

TEST_CASE("signatures that do not belong to the pending root are refused", "[workflow][root_change]") {
  Keyholders all(2, true);
  all.change({.kind = Kind::renew});
  const auto to_sign = read_root_to_sign(pending_root(all.home)->root, {});
  const auto accepting = [&](const trust::DetachedSignature& signature) {
    base::write_file_atomic(all.at("x.sig"), trust::to_text(signature));
    return code_of([&] { return accept_signatures(all.home, {all.at("x.sig")}, "").version; });
  };
  const auto holder = all.open(all.safe() / "root.pem");
  const auto good = sign_root(to_sign, *holder);
  const auto stranger = all.person("stranger", "root");
  CHECK(code_of([&] { return sign_root(to_sign, *all.open(all.at("stranger.pem"))).version; }) == ErrorCode::untrusted);
  CHECK(accepting(trust::sign_detached(to_sign.file, *all.open(all.at("stranger.pem")))) == ErrorCode::untrusted);
  auto bad = good;
  bad.sig[3] = static_cast<char>(bad.sig[3] ^ 1);
  CHECK(accepting(bad) == ErrorCode::untrusted);
  bad = good;
  bad.payload = base::sha256("something else");
  CHECK(accepting(bad) == ErrorCode::untrusted);
  bad = good;
  bad.role = "snapshot";
  CHECK(accepting(bad) == ErrorCode::conflict);
  // The right key, over the bytes that another change of the same version had.
  const auto old_way = read_own_roots(all.home).front();
  CHECK(accepting(trust::sign_detached(parse_own_root_file(old_way), *holder)) == ErrorCode::untrusted);
  // One bad signature among good ones: none is added.
  base::write_file_atomic(all.at("good.sig"), trust::to_text(good));
  CHECK(code_of([&] {
          return accept_signatures(all.home, {all.at("good.sig"), all.at("x.sig")}, "").version;
        }) == ErrorCode::untrusted);
  CHECK(pending_root(all.home)->approvals.old_signers == 0);
  CHECK(accept_signatures(all.home, {all.at("good.sig")}, "").added == 1);
}

TEST_CASE("raw signatures are taken too, whoever of root's holders made them", "[workflow][root_change]") {
  Keyholders all(2, true);
  const auto pending = all.change({.kind = Kind::renew});
  const std::string bytes = base::read_file(pending.to_sign, 100'000);
  base::write_file_atomic(all.at("1.raw"), all.open(all.safe() / "root.pem")->sign(bytes));
  const auto second = all.open(all.safe() / "root-2.pem");
  base::write_file_atomic(all.at("2.raw"), second->sign(bytes));
  CHECK(code_of([&] { return accept_signatures(all.home, {all.at("1.raw")}, second->public_key().keyid()).version; }) ==
        ErrorCode::untrusted);
  CHECK(accept_signatures(all.home, {all.at("1.raw")}, "").added == 1);
  CHECK(code_of([&] { return accept_signatures(all.home, {all.at("2.raw")}, "0123456789").version; }) ==
        ErrorCode::untrusted);
  CHECK(accept_signatures(all.home, {all.at("2.raw")}, second->public_key().keyid().substr(0, 8)).complete);
}

TEST_CASE("a change on a pending change asks before it drops what others signed", "[workflow][root_change]") {
  Keyholders all(2, true);
  all.change({.kind = Kind::rotate, .role = "targets"});
  // Nobody has signed: both changes go into one root.
  auto both = all.change({.kind = Kind::rotate, .role = "timestamp"});
  CHECK(both.version == 2);
  CHECK(both.changes.size() == 4);
  CHECK(both.notes.size() == 2);
  accept_signatures(all.home, {all.sign_elsewhere(all.safe() / "root.pem", "a.sig")}, "");
  CHECK(code_of([&] { return all.change({.kind = Kind::renew}).version; }) == ErrorCode::conflict);
  const auto amended = all.change({.kind = Kind::rotate, .role = "targets"}, {.amend = true});
  CHECK(amended.approvals.old_signers == 0);
  const auto dropped = abandon_root(all.home);
  CHECK(dropped.moved_aside.size() == 3);  // what was made for it
  CHECK_FALSE(pending_root(all.home));
  CHECK(all.root().version == 1);
  CHECK(all.signers("targets") == 1);
}

TEST_CASE("a lost root key is replaced by the others", "[workflow][root_change]") {
  Keyholders all(2, true);
  const auto third = all.person("third", "root");
  CHECK(all.change({.kind = Kind::add, .role = "root", .key = third}, {.root_keys = {all.safe()}}).complete);
  // root-2 is lost.
  const std::string lost = all.open(all.safe() / "root-2.pem")->public_key().keyid();
  fs::remove(all.safe() / "root-2.pem");
  const auto fourth = all.person("fourth", "root");
  const auto progress =
      all.change({.kind = Kind::rotate, .role = "root", .key = fourth, .keyid = lost, .reason = "lost"},
                 {.root_keys = {all.safe(), all.at("third.pem")}});
  CHECK(progress.complete);
  CHECK(all.walked_version() == 3);
  const auto keyids = all.root().roles.at("root").keyids;
  CHECK(std::ranges::find(keyids, lost) == keyids.end());
  CHECK(keyids.size() == 3);
}

}  // namespace
}  // namespace airlock::workflow
