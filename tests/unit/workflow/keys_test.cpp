#include "workflow/keys.hpp"

#include "support/catch.hpp"
#include "unit/workflow/near_host.hpp"
#include "workflow/compare.hpp"
#include "workflow/init.hpp"

namespace airlock::workflow {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using test::content_for;
using test::FaultServer;
using test::NearHost;
using test::url_entry;

struct EmptyHost {
  base::TempDir folder;
  Home home{.root = folder.path() / "home", .config = folder.path() / "home"};
  base::FixedClock clock{base::parse_rfc3339("2026-07-01T12:00:00Z")};
};

TEST_CASE("makes a whole signing set, once", "[workflow][keys]") {
  EmptyHost host;
  CHECK_FALSE(has_keys(host.home));
  CHECK(test::code_of([&] { return KeyRing(host.home, std::nullopt).roots().size(); }) == ErrorCode::config);
  const KeysInitReport report = init_keys(host.home, {.name = "build"}, host.clock);
  CHECK(has_keys(host.home));
  CHECK(report.fingerprint.size() == 64);
  CHECK(report.private_keys.size() == 4);
  CHECK((fs::status(host.home.keys()).permissions() & fs::perms::all) == fs::perms::owner_all);
  const KeysReport shown = show_keys(host.home);
  CHECK(shown.name == "build");
  CHECK(shown.fingerprint == report.fingerprint);
  CHECK(shown.keys.size() == 4);
  for (const auto& key : shown.keys) {
    CHECK_FALSE(key.file.empty());
    CHECK_FALSE(key.encrypted);
  }
  CHECK(test::code_of([&] { return init_keys(host.home, {}, host.clock).fingerprint; }) == ErrorCode::conflict);
  CHECK(show_keys(host.home).fingerprint == report.fingerprint);
  const auto root = trust::check_pinnable(base::read_file(report.root, 1u << 20), {});
  CHECK(root.fingerprint.hex() == report.fingerprint);
}

TEST_CASE("a home that holds as many approvers' keys as must approve is told of", "[workflow][keys]") {
  const EmptyHost alone, two;
  init_keys(alone.home, {}, alone.clock);
  CHECK_FALSE(show_keys(alone.home).one_home_approves);  // one person, and every inspection says so
  init_keys(two.home, {.threshold = 2}, two.clock);
  CHECK(show_keys(two.home).one_home_approves);
  fs::rename(two.home.keys() / "snapshot-2.pem", two.folder.path() / "second.pem");
  CHECK_FALSE(show_keys(two.home).one_home_approves);
}

TEST_CASE("keys with a passphrase open with that one only", "[workflow][keys]") {
  EmptyHost host;
  init_keys(host.home, {.passphrase = base::Secret("correct horse")}, host.clock);
  CHECK(keys_are_encrypted(host.home));
  CHECK(KeyRing(host.home, base::Secret("correct horse")).signing_set().signers.size() == 3);
  CHECK(test::code_of([&] { return KeyRing(host.home, base::Secret("wrong")).roots().size(); }) == ErrorCode::auth);
  CHECK(test::code_of([&] { return KeyRing(host.home, std::nullopt).roots().size(); }) == ErrorCode::auth);
}

TEST_CASE("root's private keys may lie elsewhere from the start", "[workflow][keys]") {
  EmptyHost host;
  const fs::path safe = host.folder.path() / "safe";
  init_keys(host.home, {.scheme = trust::Scheme::ecdsa_p256, .root_key_folder = safe}, host.clock);
  CHECK(fs::exists(safe / "root.pem"));
  CHECK_FALSE(fs::exists(host.home.keys() / "root.pem"));
  CHECK(show_keys(host.home).keys.front().scheme == "ecdsa-sha2-nistp256");

  Home other{.root = host.folder.path() / "other", .config = host.folder.path() / "other"};
  CHECK(test::code_of([&] { return init_keys(other, {.root_key_folder = safe}, host.clock).fingerprint; }) ==
        ErrorCode::conflict);
  CHECK_FALSE(has_keys(other));
}

TEST_CASE("what a run left that was killed while it made keys does not stop the next", "[workflow][keys]") {
  EmptyHost host;
  const fs::path safe = host.folder.path() / "safe";
  const std::optional<base::Secret> passphrase =
      GENERATE(false, true) ? std::optional(base::Secret("correct horse")) : std::nullopt;
  const KeysInitOptions options{.threshold = 2, .passphrase = passphrase, .root_key_folder = safe};
  // As if it was killed before its keys had their place.
  init_keys(host.home, options, host.clock);
  const fs::path staged = host.home.root / "keys-aB3dE9";
  fs::create_directories(staged);
  fs::rename(host.home.keys(), staged / "keys");
  const std::string killed = base::read_file(safe / "root.pem", 1u << 20);

  SECTION("the same command makes all keys anew") {
    const auto report = init_keys(host.home, options, host.clock);
    CHECK_FALSE(fs::exists(staged));
    CHECK(base::read_file(safe / "root.pem", 1u << 20) != killed);
    CHECK(fs::exists(safe / "root-2.pem"));
    CHECK(show_keys(host.home).fingerprint == report.fingerprint);
  }
  SECTION("a key that was there before is in the way, and stays") {
    fs::remove(safe / "root.pem");
    trust::save_private_key(*trust::generate_key(trust::Scheme::ed25519), safe / "root.pem", passphrase);
    const std::string other = base::read_file(safe / "root.pem", 1u << 20);
    CHECK(test::code_of([&] { return init_keys(host.home, options, host.clock).fingerprint; }) == ErrorCode::conflict);
    CHECK(base::read_file(safe / "root.pem", 1u << 20) == other);
  }
  SECTION("one that another passphrase closes is in the way, and stays") {
    auto others = options;
    others.passphrase = base::Secret("another one");
    if (passphrase) {
      CHECK(test::code_of([&] { return init_keys(host.home, others, host.clock).fingerprint; }) == ErrorCode::conflict);
      CHECK(base::read_file(safe / "root.pem", 1u << 20) == killed);
    }
  }
}

TEST_CASE("a key file that is not the root's is refused", "[workflow][keys]") {
  EmptyHost host;
  init_keys(host.home, {}, host.clock);
  fs::remove(host.home.keys() / "snapshot.pem");
  trust::save_private_key(*trust::generate_key(trust::Scheme::ed25519), host.home.keys() / "snapshot.pem",
                          std::nullopt);
  CHECK(test::code_of([&] { return KeyRing(host.home, std::nullopt).roots().size(); }) == ErrorCode::untrusted);
}

TEST_CASE("the root is handed out, and never over another file", "[workflow][keys]") {
  EmptyHost host;
  const auto report = init_keys(host.home, {}, host.clock);
  const fs::path path = host.folder.path() / "root.json";
  CHECK(export_root(host.home, path) == report.fingerprint);
  CHECK(export_root(host.home, path) == report.fingerprint);
  base::write_file_atomic(path, "{}");
  CHECK(test::code_of([&] { return export_root(host.home, path); }) == ErrorCode::conflict);
}

TEST_CASE("two makers of the same bundle see that they agree", "[workflow][compare]") {
  FaultServer server;
  server.script("/f", {{.body = content_for(1, 50'000)}});
  server.script("/g", {{.body = content_for(2, 50'000)}});
  const test::ScopedEnvironment epoch("SOURCE_DATE_EPOCH", "1782907200");
  NearHost first;
  NearHost second;
  const std::string text = "name: site-a\nfiles:\n" + url_entry(server, "/f", content_for(1, 50'000));
  const auto a = first.create(first.options(first.manifest(text)));
  SECTION("with keys of their own") {
    const auto b = second.create(second.options(second.manifest(text)));
    const CompareReport report = compare_bundles(a.bundle, b.bundle);
    CAPTURE(report.differences);
    CHECK(report.same());
    CHECK_FALSE(report.notes.empty());
  }
  SECTION("cut another way") {
    auto options = second.options(second.manifest(text));
    options.volume_size = 128 * 1024;
    CHECK(compare_bundles(a.bundle, second.create(options).bundle).same());
  }
  SECTION("and where they do not") {
    const auto b = second.create(
        second.options(second.manifest("name: site-a\nfiles:\n" + url_entry(server, "/g", content_for(2, 50'000)))));
    const CompareReport report = compare_bundles(a.bundle, b.bundle);
    CHECK_FALSE(report.same());
    CHECK(report.differences.size() >= 2);
  }
}

TEST_CASE("a first manifest is checked before it is written, and never written over another", "[workflow][init]") {
  base::TempDir folder;
  InitOptions options;
  options.manifest = folder.path() / "airlock.yaml";
  options.name = "site-a";
  options.images = {"docker.io/library/debian:12"};
  options.tools = {"opentofu@1.10.0"};
  options.files = {"https://files.example/guide.pdf"};
  write_manifest(options);
  const auto manifest = model::read_manifests({options.manifest}, ecosystem::all_sections());
  CHECK(manifest.name == "site-a");
  CHECK(manifest.entries.size() == 3);
  CHECK(test::code_of([&] {
          write_manifest(options);
          return 0;
        }) == ErrorCode::conflict);

  options.tools = {"opentofu"};
  CHECK(test::code_of([&] { return make_manifest(options); }) == ErrorCode::usage);
  options.tools = {};
  options.packages = {"left-pad"};
  CHECK(test::code_of([&] { return make_manifest(options); }) == ErrorCode::usage);
  options.packages = {"cobol:x"};
  CHECK(test::code_of([&] { return make_manifest(options); }) == ErrorCode::unsupported);
  options.packages = {};
  base::write_file_atomic(folder.path() / "guide.txt", "x");
  for (const std::string& image :
       {std::string("guide.txt"), std::string("./guide.txt"), (folder.path() / "guide.txt").string()}) {
    options.images = {image};
    const auto error = test::error_of([&] { return make_manifest(options); });
    CHECK(error.code() == ErrorCode::usage);
    CHECK(error.message() == "'" + image + "' was given as an image, and is a file here");
    CHECK(error.hint().find("`source: " + image + "` under `files:`") != std::string::npos);
  }
  options.images = {"guide.txt:1", "docker.io/library/debian:12"};  // neither is a file here
  CHECK_FALSE(make_manifest(options).empty());
  options.name = "Site A";
  CHECK(test::code_of([&] { return make_manifest(options); }) == ErrorCode::manifest);
}

}  // namespace
}  // namespace airlock::workflow
