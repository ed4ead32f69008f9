// Keys of people who made their own, and a home that is gone.
#include "workflow/key_restore.hpp"

#include "bundle/head.hpp"
#include "support/catch.hpp"
#include "support/head_file.hpp"
#include "unit/workflow/near_host.hpp"
#include "workflow/key_pair_files.hpp"
#include "workflow/root_change.hpp"

namespace airlock::workflow {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using test::code_of;
using test::NearHost;

trust::PublicKeyFile holder(const fs::path& folder, const std::string& name, const std::string& role) {
  make_key_pair({.role = role, .name = name, .private_key = folder / (name + ".pem")});
  return read_public_key(folder / (name + ".pub.json"));
}

CreateReport create_in(const Home& home, NearHost& host, const std::optional<fs::path>& continue_from) {
  base::write_file_atomic(host.root() / "guide.txt", "a guide\n");
  auto options = host.options(host.manifest("name: site-a\nfiles:\n  - { source: guide.txt, path: guide.txt }\n"));
  options.continue_from = continue_from;
  const KeyRing ring(home, std::nullopt);
  return create_bundle(home, options, &ring, host.clock(), host.reporter());
}

TEST_CASE("a first root of people's own keys waits for them", "[workflow][keys]") {
  const base::TempDir folder;
  const Home home{.root = folder.path() / "home", .config = folder.path() / "home"};
  const base::FixedClock clock{base::parse_rfc3339("2026-07-01T12:00:00Z")};
  KeysInitOptions options;
  options.threshold = 2;
  for (const std::string name : {"anna", "ben", "carl"}) {
    options.holders["root"].push_back(holder(folder.path(), name, "root"));
  }
  options.holders["snapshot"] = {holder(folder.path(), "anna-approves", "snapshot"),
                                 holder(folder.path(), "ben-approves", "snapshot")};
  SECTION("in the wrong role") {
    options.holders["root"].front().role = "snapshot";
    CHECK(code_of([&] { return init_keys(home, options, clock).fingerprint; }) == ErrorCode::conflict);
    CHECK_FALSE(fs::exists(home.keys()));
  }
  SECTION("fewer than must sign") {
    options.holders["snapshot"].pop_back();
    CHECK(code_of([&] { return init_keys(home, options, clock).fingerprint; }) == ErrorCode::usage);
    CHECK_FALSE(fs::exists(home.keys()));
  }
  SECTION("and comes into force with their signatures") {
    const auto report = init_keys(home, options, clock);
    REQUIRE(report.pending);
    CHECK(report.pending->first);
    CHECK(report.pending->signers.size() == 3);
    CHECK(report.private_keys.size() == 2);  // targets and timestamp
    CHECK_FALSE(has_keys(home));
    CHECK(code_of([&] { return read_own_roots(home).size(); }) == ErrorCode::config);
    CHECK(code_of([&] { return init_keys(home, {}, clock).fingerprint; }) == ErrorCode::config);
    CHECK(code_of([&] { return abandon_root(home).version; }) == ErrorCode::conflict);
    for (const std::string name : {"carl", "anna"}) {
      const auto signer = trust::load_private_key(folder.path() / (name + ".pem"), std::nullopt);
      base::write_file_atomic(folder.path() / name,
                              trust::to_text(sign_root(read_root_to_sign(report.root, {}), *signer)));
      const auto progress = accept_signatures(home, {folder.path() / name}, "");
      CHECK(progress.complete == (name == "anna"));
    }
    CHECK(has_keys(home));
    CHECK(show_keys(home).fingerprint == report.fingerprint);
    CHECK(trust::check_pinnable(read_own_roots(home).front(), {}).root.roles.at("root").threshold == 2);
    CHECK(KeyRing(home, std::nullopt).signing_set().signers.size() == 2);
  }
}

TEST_CASE("a home that is gone is begun again from a bundle and a backup", "[workflow][keys]") {
  NearHost host;
  change_root(host.home(), {.kind = RootChange::Kind::rotate, .role = "timestamp"}, {}, host.clock());
  const auto last = create_in(host.home(), host, std::nullopt);
  CHECK(last.sealed);
  const fs::path place = host.root() / "again";
  const Home again{.root = place, .config = place};
  const auto shown = show_keys(host.home());
  CHECK(shown.channels.size() == 1);
  CHECK(shown.channels.front().expires.size() == 3);
  KeyRestoreOptions options;
  options.bundle = last.bundle;
  for (const auto& key : shown.keys) {
    if (key.role != "root") {
      options.private_keys.push_back(key.file);
    }
  }
  SECTION("with its keys") {
    options.fingerprint = std::string(64, '0');
    CHECK(code_of([&] { return restore_keys(again, options).root_version; }) == ErrorCode::untrusted);
    options.fingerprint = trust::check_pinnable(read_own_roots(host.home()).front(), {}).fingerprint.hex();
    const auto report = restore_keys(again, options);
    CHECK(report.root_version == 2);
    CHECK(report.missing == std::vector<std::string>{"root"});
    CHECK(read_own_roots(again) == read_own_roots(host.home()));
    CHECK(report.channel == "site-a");
    CHECK(report.serial == 1);
    // The next state must go on from the newest: a second state with serial 1 would be an alarm on every site.
    const auto asked = test::error_of([&] { return create_in(again, host, std::nullopt).serial; });
    CHECK(asked.code() == ErrorCode::base_missing);
    CHECK_THAT(asked.message(), Catch::Contains("restored from bundle 'site-a' 1"));
    CHECK_THAT(asked.hint(), Catch::Contains("--continue"));
    const auto next = create_in(again, host, last.bundle);
    CHECK(next.sealed);
    CHECK(next.serial == 2);
    CHECK(create_in(again, host, std::nullopt).serial == 3);  // it knows its channel from then on
    CHECK(code_of([&] { return restore_keys(again, options).root_version; }) == ErrorCode::conflict);
  }
  SECTION("from an older bundle than the home has, where only keys/ was lost") {
    create_in(host.home(), host, std::nullopt);
    fs::rename(host.home().keys(), host.root() / "lost");
    for (fs::path& key : options.private_keys) {
      key = host.root() / "lost" / key.filename();
    }
    restore_keys(host.home(), options);
    CHECK(create_in(host.home(), host, std::nullopt).serial == 3);
  }
  SECTION("from a bundle that says another serial than is signed, and nothing is begun") {
    const bool is_draft = GENERATE(false, true);
    auto contents = bundle::Head::read(last.bundle).contents();
    if (is_draft) {
      contents.shipment.clear();
      contents.metadata.erase("timestamp.json");
    }
    const auto write_other = [&](std::uint64_t serial) {
      contents.hint.serial = serial;
      options.bundle = test::write_head(host.root() / "other.airlock", contents);
    };
    write_other(7);
    CHECK(code_of([&] { return restore_keys(again, options).serial; }) == ErrorCode::tampered);
    CHECK_FALSE(fs::exists(again.keys()));
    CHECK_FALSE(fs::exists(again.channel("site-a")));
    write_other(last.serial);
    CHECK(restore_keys(again, options).serial == last.serial);
  }
  SECTION("with a key that was replaced since") {
    options.private_keys = {fs::directory_iterator(host.home().keys() / "retired")->path()};
    CHECK(code_of([&] { return restore_keys(again, options).root_version; }) == ErrorCode::untrusted);
    CHECK_FALSE(fs::exists(again.keys()));
  }
  SECTION("without any") {
    options.private_keys.clear();
    CHECK(restore_keys(again, options).missing.size() == 4);
    CHECK(code_of([&] { return create_in(again, host, last.bundle).serial; }) == ErrorCode::config);
    const RootAccess access{.passphrase = {}, .root_keys = {host.home().keys() / "root.pem"}};
    for (const std::string role : {"targets", "timestamp", "snapshot"}) {
      CHECK(change_root(again, {.kind = RootChange::Kind::rotate, .role = role}, access, host.clock()).complete);
    }
    const auto next = create_in(again, host, last.bundle);
    CHECK(next.sealed);
    CHECK(next.serial == 2);
    CHECK(verify_own_head(bundle::Head::read(next.bundle), host.home()).descriptor().serial == 2);
  }
}

}  // namespace
}  // namespace airlock::workflow
