// Keys that come and go where root's key is at hand: each change is a root signed by the old and the new threshold.
#include "workflow/root_change.hpp"

#include <fmt/format.h>

#include "base/files.hpp"
#include "base/process.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/recording_reporter.hpp"
#include "unit/workflow/keyholders.hpp"
#include "workflow/keys.hpp"

namespace airlock::workflow {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using test::code_of;
using test::Keyholders;
using Kind = RootChange::Kind;

TEST_CASE("with root's key at hand a change holds at once", "[workflow][root_change]") {
  Keyholders all;
  SECTION("another approver") {
    const auto anna = all.person("anna", "snapshot");
    const auto progress = all.change({.kind = Kind::add, .role = "snapshot", .key = anna, .threshold = 2});
    CHECK(progress.complete);
    CHECK(progress.version == 2);
    CHECK(all.root().roles.at("snapshot").threshold == 2);
    CHECK(all.root().roles.at("snapshot").keyids.size() == 2);
  }
  SECTION("a new key for each role, made here") {
    std::uint64_t version = 1;
    for (const std::string role : {"targets", "timestamp", "snapshot", "root"}) {
      CAPTURE(role);
      const std::string before = all.only_key(role);
      const auto progress = all.change({.kind = Kind::rotate, .role = role});
      CHECK(progress.complete);
      CHECK(progress.version == ++version);
      CHECK(all.only_key(role) != before);
      REQUIRE(progress.moved_aside.size() == 1);
      CHECK(fs::exists(progress.moved_aside.front()));
      CHECK(all.open(progress.moved_aside.front())->public_key().keyid() == before);
      if (role != "root") {
        CHECK(all.signers(role) == 1);
      }
    }
    CHECK(all.change({.kind = Kind::renew}).complete);  // the new root key signs
  }
  SECTION("a longer life for the same keys") {
    all.clock.set(base::parse_rfc3339("2028-01-01T00:00:00Z"));
    const auto before = all.root();
    const auto progress = all.change({.kind = Kind::renew}, {.cadence = "quarterly"});
    CHECK(progress.complete);
    CHECK(progress.changes.empty());
    CHECK(all.root().expires == base::parse_rfc3339("2030-12-31T00:00:00Z"));
    CHECK(all.root().roles.at("root").keyids == before.roles.at("root").keyids);
    CHECK(show_keys(all.home).cadence == "quarterly");
  }
  CHECK(all.walked_version() == all.root().version);
  CHECK(fs::exists(all.home.keys() / fmt::format("{}.review.txt", all.root().version)));
  CHECK_FALSE(fs::exists(all.home.keys() / "pending"));
}

// One passphrase opens a home; that of root's key, which lies in a safe, may be another.
TEST_CASE("a new key has the passphrase of the home's others", "[workflow][root_change]") {
  Keyholders all;
  const base::Secret of_home("passphrase of the home");
  const base::Secret of_root("passphrase of the safe");
  const Home home{.root = all.at("other"), .config = all.at("other")};
  const bool encrypted = GENERATE(true, false);
  CAPTURE(encrypted);
  init_keys(home, {.passphrase = encrypted ? std::optional(of_home) : std::nullopt, .root_key_folder = all.safe()},
            all.clock);
  const fs::path root_key = all.safe() / "root.pem";
  const auto opened = trust::load_private_key(root_key, encrypted ? std::optional(of_home) : std::nullopt);
  fs::remove(root_key);
  trust::save_private_key(*opened, root_key, of_root);

  const RootChange rotate{.kind = Kind::rotate, .role = "timestamp"};
  RootAccess access{.passphrase = encrypted ? std::optional(of_home) : std::nullopt,
                    .root_passphrase = of_root,
                    .root_keys = {root_key}};
  if (encrypted) {
    const auto error = test::error_of(
        [&] { return change_root(home, rotate, {.passphrase = of_root, .root_keys = {root_key}}, all.clock).version; });
    CHECK(error.code() == ErrorCode::auth);
    CHECK_THAT(error.hint(), Catch::Contains("--root-passphrase-file"));
    CHECK(read_own_roots(home).size() == 1);
  }
  const auto progress = change_root(home, rotate, access, all.clock);
  CHECK(progress.complete);
  REQUIRE(progress.made.size() == 1);
  CHECK(trust::private_key_is_encrypted(progress.made.front()) == encrypted);
  const KeyRing ring(home, access.passphrase);
  CHECK(ring.signing_set().signers.at("timestamp").size() == 1);
}

TEST_CASE("a key whose passphrase is forgotten is replaced by one with another", "[workflow][root_change]") {
  Keyholders all;
  const base::Secret forgotten("nobody knows it any more");
  const base::Secret of_root("passphrase of the safe");
  const base::Secret another("another one entirely");
  const Home home{.root = all.at("other"), .config = all.at("other")};
  init_keys(home, {.passphrase = forgotten, .root_key_folder = all.safe()}, all.clock);
  const fs::path root_key = all.safe() / "root.pem";
  const auto opened = trust::load_private_key(root_key, forgotten);
  fs::remove(root_key);
  trust::save_private_key(*opened, root_key, of_root);
  const auto rotate = [&](const std::string& role, const RootAccess& access) {
    return change_root(home, {.kind = Kind::rotate, .role = role}, access, all.clock);
  };

  const RootAccess guess{.passphrase = another, .root_passphrase = of_root, .root_keys = {root_key}};
  const auto error = test::error_of([&] { return rotate("targets", guess).version; });
  CHECK(error.code() == ErrorCode::auth);
  CHECK_THAT(error.hint(), Catch::Contains("--new-passphrase"));
  const auto progress =
      rotate("targets", {.root_passphrase = of_root, .root_keys = {root_key}, .new_key = NewKeyPassphrase{another}});
  CHECK(progress.complete);
  REQUIRE(progress.made.size() == 1);
  CHECK(trust::private_key_is_encrypted(progress.made.front()));
  // From then on the new passphrase is one of the home's, and the other keys follow.
  CHECK(rotate("timestamp", guess).complete);
  CHECK(rotate("snapshot", guess).complete);
  const KeyRing ring(home, another);
  CHECK(ring.signing_set().signers.size() == 3);
}

TEST_CASE("a key without a passphrase is made by root's key that has one", "[workflow][root_change]") {
  Keyholders all;
  const base::Secret secret("passphrase of the home");
  const Home home{.root = all.at("other"), .config = all.at("other")};
  init_keys(home, {.passphrase = secret}, all.clock);
  const RootChange rotate{.kind = Kind::rotate, .role = "timestamp"};
  CHECK(root_change_needs_passphrase(home, rotate, {}, PassphraseOfNewKey::its_own));
  const auto progress = change_root(home, rotate, {.passphrase = secret, .new_key = NewKeyPassphrase{}}, all.clock);
  CHECK(progress.complete);
  REQUIRE(progress.made.size() == 1);
  CHECK_FALSE(trust::private_key_is_encrypted(progress.made.front()));
  CHECK(KeyRing(home, secret).signing_set().signers.at("timestamp").size() == 1);
}

TEST_CASE("a passphrase is needed for what is opened, and for nothing else", "[workflow][root_change]") {
  Keyholders all;
  const base::Secret secret("passphrase of the home");
  const Home home{.root = all.at("other"), .config = all.at("other")};
  init_keys(home, {.passphrase = secret, .root_key_folder = all.safe()}, all.clock);
  const auto needs = [&](const RootChange& change, const std::vector<fs::path>& root_keys) {
    return root_change_needs_passphrase(home, change, root_keys);
  };
  const RootChange theirs{.kind = Kind::rotate, .role = "targets", .key = all.person("build", "targets")};
  CHECK_FALSE(needs(theirs, {}));
  CHECK(needs(theirs, {all.safe()}));
  CHECK_FALSE(needs({.kind = Kind::renew}, {}));
  CHECK(needs({.kind = Kind::rotate, .role = "targets"}, {}));
  const RootChange made{.kind = Kind::rotate, .role = "targets"};
  CHECK_FALSE(root_change_needs_passphrase(home, made, {}, PassphraseOfNewKey::its_own));
  CHECK(root_change_needs_passphrase(home, made, {all.safe()}, PassphraseOfNewKey::its_own));
  // A file that nobody told of is opened to learn whose it is.
  fs::copy_file(home.keys() / "targets.pem", home.keys() / "targets-9.pem");
  CHECK(needs(theirs, {}));
}

TEST_CASE("a file that is named like another role says so", "[workflow][root_change]") {
  Keyholders all;
  const auto spare = all.person("spare", "timestamp");
  all.change({.kind = Kind::add, .role = "timestamp", .key = spare});
  fs::copy_file(all.at("spare.pem"), all.home.keys() / "targets-new.pem");
  const auto error = test::error_of([&] { return all.signers("timestamp"); });
  CHECK(error.code() == ErrorCode::config);
  CHECK_THAT(error.message(),
             Catch::Contains("holds the key of role timestamp, and is named like one of role targets"));
}

TEST_CASE("a command that reaches no key brings none in", "[workflow][root_change]") {
  Keyholders all;
  const auto key = all.person("token", "timestamp");
  for (const auto kind : {Kind::rotate, Kind::add}) {
    for (const std::string program : {"/nosuch/program", "/bin/false"}) {
      CAPTURE(program);
      CHECK_THROWS(all.change(
          {.kind = kind, .role = "timestamp", .key = key, .command = trust::SignerCommand{.argv = {program}}}));
    }
  }
  CHECK(read_own_roots(all.home).size() == 1);
  CHECK(all.signers("timestamp") == 1);
}

TEST_CASE("a revoked key signs no more, and its file is kept apart", "[workflow][root_change]") {
  Keyholders all;
  const auto anna = all.person("anna", "snapshot");
  all.change({.kind = Kind::add, .role = "snapshot", .key = anna});
  const std::string gone = all.open(all.home.keys() / "snapshot.pem")->public_key().keyid();
  const auto progress = all.change({.kind = Kind::revoke, .keyid = gone.substr(0, 12), .reason = "stolen"});
  CHECK(progress.complete);
  CHECK(all.root().roles.at("snapshot").keyids == std::vector{anna.key.keyid()});
  CHECK(all.signers("snapshot") == 0);  // and the home opens
  REQUIRE(progress.moved_aside.size() == 1);
  const std::string review = base::read_file(all.home.keys() / "3.review.txt", 100'000);
  CHECK(review.find("- gone " + gone) != std::string::npos);
  CHECK(review.find("stolen") != std::string::npos);
  // Back in service, with the file where it was moved to.
  const auto again =
      trust::PublicKeyFile{.role = "", .name = "", .key = all.open(progress.moved_aside.front())->public_key()};
  CHECK(all.change({.kind = Kind::add, .role = "snapshot", .key = again}).complete);
  CHECK(all.signers("snapshot") == 1);
}

TEST_CASE("a file that somebody put into the folder goes aside with its key", "[workflow][root_change]") {
  Keyholders all;
  const auto spare = all.person("spare", "timestamp");
  all.change({.kind = Kind::add, .role = "timestamp", .key = spare});
  fs::copy_file(all.at("spare.pem"), all.home.keys() / "timestamp-9.pem");
  CHECK(all.signers("timestamp") == 2);
  const auto progress = all.change({.kind = Kind::revoke, .keyid = spare.key.keyid()});
  CHECK(progress.moved_aside.size() == 1);
  CHECK_FALSE(fs::exists(all.home.keys() / "timestamp-9.pem"));
  CHECK(all.signers("timestamp") == 1);
  // Put there again, it is not in the way; a key that no root of this home ever listed is.
  fs::copy_file(all.at("spare.pem"), all.home.keys() / "timestamp-9.pem");
  CHECK(all.signers("timestamp") == 1);
  all.person("stranger", "timestamp");
  fs::copy_file(all.at("stranger.pem"), all.home.keys() / "timestamp-8.pem");
  CHECK(code_of([&] { return all.signers("timestamp"); }) == ErrorCode::untrusted);
}

TEST_CASE("what a change must not do is found before anything is made", "[workflow][root_change]") {
  Keyholders all;
  const auto refused = [&](const RootChange& change, const RootAccess& access = {}) {
    return code_of([&] { return all.change(change, access).version; });
  };
  const auto anna = all.person("anna", "snapshot");
  const std::string before = base::read_file(all.home.keys() / "keys.json", 100'000);
  CHECK(refused({.kind = Kind::add, .role = "targets", .key = anna}) == ErrorCode::conflict);  // made for another role
  CHECK(refused(
            {.kind = Kind::add, .role = "oci", .key = trust::PublicKeyFile{.role = "", .name = "", .key = anna.key}}) ==
        ErrorCode::usage);
  CHECK(refused({.kind = Kind::add, .role = "snapshot", .key = anna, .threshold = 3}) == ErrorCode::usage);
  const trust::PublicKeyFile taken{.role = "", .name = "", .key = all.root().keys.at(all.only_key("targets"))};
  CHECK(refused({.kind = Kind::add, .role = "snapshot", .key = taken}) == ErrorCode::usage);  // in two roles
  CHECK(refused({.kind = Kind::add, .role = "targets", .key = taken}) == ErrorCode::conflict);
  CHECK(refused({.kind = Kind::revoke, .keyid = all.only_key("targets")}) == ErrorCode::usage);  // the last one
  CHECK(refused({.kind = Kind::revoke, .keyid = "abc"}) == ErrorCode::usage);
  CHECK(refused({.kind = Kind::revoke, .keyid = std::string(64, '0')}) == ErrorCode::usage);
  CHECK(refused({.kind = Kind::threshold, .role = "root", .threshold = 2}) == ErrorCode::usage);
  CHECK(refused({.kind = Kind::renew}, {.root_keys = {all.at("anna.pem")}}) == ErrorCode::untrusted);
  CHECK(refused({.kind = Kind::renew}, {.root_keys = {all.folder.path()}}) == ErrorCode::not_found);
  CHECK(all.root().version == 1);
  CHECK(base::read_file(all.home.keys() / "keys.json", 100'000) == before);
  CHECK_FALSE(fs::exists(all.home.keys() / "pending"));
  Home empty{.root = all.at("empty"), .config = all.at("empty")};
  CHECK(code_of([&] { return change_root(empty, {.kind = Kind::renew}, {}, all.clock).version; }) == ErrorCode::config);
}

TEST_CASE("what an interruption left is finished by the next change", "[workflow][root_change]") {
  Keyholders all;
  SECTION("a key was named in keys.json and never written") {
    auto settings = read_key_settings(all.home);
    settings.places[std::string(64, 'a')].file = "targets-2.pem";
    write_key_settings(all.home, settings);
  }
  SECTION("a key was made, and no root for it") {
    auto settings = read_key_settings(all.home);
    const auto signer = trust::generate_key(trust::Scheme::ed25519);
    settings.places[signer->public_key().keyid()].file = "targets-2.pem";
    write_key_settings(all.home, settings);
    trust::save_private_key(*signer, all.home.keys() / "targets-2.pem", std::nullopt);
    CHECK(all.signers("targets") == 1);  // it is not in the way
    tidy_keys(all.home);
    CHECK_FALSE(fs::exists(all.home.keys() / "targets-2.pem"));
  }
  SECTION("a root came into force, and the pending one was not removed") {
    const auto before = base::read_file(all.home.keys() / "1.root.json", 1u << 20);
    fs::create_directories(all.home.keys() / "pending");
    base::write_file_atomic(all.home.keys() / "pending" / "1.root.json", before);
    CHECK_FALSE(pending_root(all.home));
  }
  SECTION("a root came into force, and the old key was not moved") {
    const auto old_key = base::read_file(all.home.keys() / "targets.pem", 10'000);
    const auto moved = all.change({.kind = Kind::rotate, .role = "targets"}).moved_aside;
    auto settings = read_key_settings(all.home);
    for (auto& [keyid, place] : settings.places) {
      if (place.file.starts_with("retired/")) {
        place.file = "targets.pem";
      }
    }
    write_key_settings(all.home, settings);
    fs::rename(moved.front(), all.home.keys() / "targets.pem");
    CHECK(all.signers("targets") == 1);
  }
  const auto progress = all.change({.kind = Kind::renew});
  CHECK(progress.complete);
  CHECK(all.signers("targets") == 1);
  CHECK_FALSE(fs::exists(all.home.keys() / "pending"));
  CHECK(all.walked_version() == progress.version);
}

TEST_CASE("no state is begun that no site would take", "[workflow][keys]") {
  Keyholders all;
  test::RecordingReporter reporter;
  const auto require_ready = [&](const std::string& time) {
    KeyRing(all.home, std::nullopt).require_ready(base::parse_rfc3339(time), reporter);
    return true;
  };
  CHECK(require_ready("2027-07-01T12:00:00Z"));
  CHECK(reporter.warnings().empty());
  CHECK(require_ready("2029-01-01T12:00:00Z"));
  CHECK(reporter.warnings().size() == 1);
  CHECK(code_of([&] { return require_ready("2029-06-30T12:00:00Z"); }) == ErrorCode::expired);
  fs::rename(all.home.keys() / "targets.pem", all.at("targets.pem"));
  CHECK(code_of([&] { return require_ready("2027-07-01T12:00:00Z"); }) == ErrorCode::config);
}

TEST_CASE("a key that a command reaches signs like one that is here", "[workflow][root_change]") {
  Keyholders all;
  const auto ecdsa = [&](const std::string& name) {
    const std::string file = all.at(name + ".pem").string();
    REQUIRE(base::run_process({.argv = {"openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                                        "-out", file}})
                .exit_code == 0);
    const auto pem = base::run_process({.argv = {"openssl", "pkey", "-in", file, "-pubout"}});
    base::write_file_atomic(all.at(name + ".pub.pem"), pem.output);
    return trust::SignerCommand{.argv = {"openssl", "dgst", "-sha256", "-sign", file}};
  };
  const auto build = ecdsa("build");
  CHECK(all.change({.kind = Kind::rotate,
                    .role = "targets",
                    .key = read_public_key(all.at("build.pub.pem")),
                    .command = build})
            .complete);
  const auto shown = show_keys(all.home);
  const auto targets = std::ranges::find(shown.keys, std::string("targets"), &KeyInfo::role);
  CHECK(targets->command == build.argv);
  const KeyRing ring(all.home, std::nullopt);
  const auto* signer = ring.signing_set().signers.at("targets").front();
  CHECK(signer->public_key().verify("bytes", signer->sign("bytes")));

  // And root itself: the next root is signed by the token alone.
  const auto token = ecdsa("token");
  CHECK(
      all.change(
             {.kind = Kind::rotate, .role = "root", .key = read_public_key(all.at("token.pub.pem")), .command = token})
          .complete);
  CHECK(all.change({.kind = Kind::renew}).complete);
  fs::remove(all.at("token.pem"));
  CHECK(code_of([&] { return all.change({.kind = Kind::renew}).version; }) == ErrorCode::io);
  CHECK(all.walked_version() == 4);
}

}  // namespace
}  // namespace airlock::workflow
