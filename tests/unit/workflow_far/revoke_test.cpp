// What a producer takes back, and what a site does not serve: at once, and for good.
#include "far_fixture.hpp"

#include <algorithm>

#include "store/catalog.hpp"
#include "store/denials.hpp"
#include "workflow/block.hpp"
#include "workflow/extract.hpp"
#include "workflow/generations.hpp"
#include "workflow/known_item.hpp"
#include "workflow/receipt.hpp"
#include "workflow/status.hpp"
#include "workflow/sweep.hpp"
#include "workflow/whereabouts.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;
using model::Kind;

namespace {

struct Given {
  ProducerKeys keys;
  Medium medium;
  std::vector<BundleFile> files = {text_file("a.txt", "bad"), text_file("b.txt", "good")};
  MadeBundle first = make_bundle(medium.path(), files, keys);

  // The same state, with something of it revoked; statements alone.
  MadeBundle revocation(std::vector<bundle::Revoked> revoked, std::uint64_t serial = 2) const {
    return make_bundle(medium.path(), files, keys,
                       {.serial = serial,
                        .created = bundle_time(static_cast<int>(serial) - 1),
                        .metadata_only = true,
                        .previous = first.contents,
                        .revoked = std::move(revoked)});
  }
};

std::string digest_of(std::string_view content) {
  return base::sha256(content).to_string();
}

store::CatalogRow row_of(const Site& site, std::string_view path) {
  const auto row = store::Catalog::open_current(site.home.root)->find("file", path);
  REQUIRE(row);
  return *row;
}

bool serves(const Site& site, std::string_view path) {
  return row_of(site, path).kind != Kind::withheld;
}

bool has_blob(const Site& site, std::string_view content) {
  return site.state().has_blob(base::sha256(content));
}

std::vector<std::string> actions(const Site& site) {
  std::vector<std::string> actions;
  for (const auto& entry : site.state().audit_entries()) {
    actions.push_back(entry.action);
  }
  return actions;
}

}  // namespace

TEST_CASE("a revocation takes effect with the bundle that brings it", "[revoke]") {
  Given given;
  Site site(&given.keys);
  site.import({given.first.head});
  site.clock.set(bundle_time(3));
  REQUIRE(serves(site, "a.txt"));

  SECTION("a digest") {
    site.import({given.revocation({{digest_of("bad"), "a malicious release"}}).head});
  }
  SECTION("a package URL") {
    site.import({given.revocation({{"pkg:generic/a.txt@1.0.0", "a malicious release"}}).head});
  }
  SECTION("of every version") {
    site.import({given.revocation({{"pkg:generic/a.txt", "a malicious release"}}).head});
  }
  SECTION("also when the bundle is only held") {
    auto options = site.options({given.revocation({{digest_of("bad"), "a malicious release"}}).head});
    options.activation = workflow::Activation::hold;
    workflow::import_bundles(options, site.clock, site.reporter);
    CHECK(site.generations().front().active == false);
  }
  CHECK_FALSE(serves(site, "a.txt"));
  CHECK(serves(site, "b.txt"));
  CHECK(row_of(site, "a.txt").reason == "revoked by the producer of 'site-a': a malicious release");

  // An old generation does not bring it back, whichever way.
  workflow::activate_generation(site.home, 2, site.clock);
  workflow::roll_back(site.home, std::nullopt, site.clock);
  CHECK_FALSE(serves(site, "a.txt"));
  workflow::activate_generation(site.home, 1, site.clock);
  CHECK_FALSE(serves(site, "a.txt"));
  const auto receipt = workflow::make_receipt(site.state(), site.clock.now());
  REQUIRE(receipt.revoked.size() == 1);
  CHECK(receipt.revoked.front().starts_with("site-a "));
  const auto seen = actions(site);
  CHECK(std::count(seen.begin(), seen.end(), "revoked") == 1);
  CHECK(workflow::examine_status({site.home, site.clock.now(), std::chrono::days(90)}).revoked.size() == 1);
}

TEST_CASE("a revocation takes effect although the bundle's base is missing", "[revoke]") {
  Given given;
  Site site(&given.keys);
  site.import({given.first.head});
  site.clock.set(bundle_time(4));
  Medium medium;
  const auto skipped =
      make_bundle(medium.path(), {text_file("a.txt", "bad"), text_file("c.txt", "never arrived")}, given.keys,
                  {.serial = 2, .created = bundle_time(1), .previous = given.first.contents});
  const auto revocation =
      make_bundle(medium.path(), {text_file("a.txt", "bad"), text_file("c.txt", "never arrived")}, given.keys,
                  {.serial = 3,
                   .created = bundle_time(2),
                   .metadata_only = true,
                   .previous = skipped.contents,
                   .revoked = {{digest_of("bad"), "found bad"}}});
  CHECK(code_of([&] { return site.import({revocation.head}); }) == ErrorCode::base_missing);
  CHECK(site.generations().size() == 1);
  CHECK_FALSE(serves(site, "a.txt"));
  CHECK(serves(site, "b.txt"));
  // Twice says nothing twice.
  CHECK(code_of([&] { return site.import({revocation.head}); }) == ErrorCode::base_missing);
  const auto seen = actions(site);
  CHECK(std::count(seen.begin(), seen.end(), "revoked") == 1);
}

TEST_CASE("a bundle that nobody trusts revokes nothing", "[revoke]") {
  Given given;
  Site site(&given.keys);
  site.import({given.first.head});
  site.clock.set(bundle_time(3));
  const ProducerKeys other;
  Medium medium;
  const auto forged = make_bundle(
      medium.path(), given.files, other,
      {.serial = 2, .created = bundle_time(1), .metadata_only = true, .revoked = {{digest_of("bad"), "an attack"}}});
  CHECK(base::error_code_info(code_of([&] { return site.import({forged.head}); })).exit_code == 3);
  CHECK(serves(site, "a.txt"));
  CHECK(site.state().revoked().empty());
}

TEST_CASE("what is revoked cannot be released, and is not taken from a bundle", "[revoke]") {
  Given given;
  Site site(&given.keys);
  site.clock.set(bundle_time(3));
  Medium medium;
  const auto state = make_bundle(medium.path(), given.files, given.keys,
                                 {.serial = 2, .created = bundle_time(1), .revoked = {digest_of("bad")}});
  site.import({state.head});
  CHECK_FALSE(serves(site, "a.txt"));
  CHECK_FALSE(has_blob(site, "bad"));
  auto options = site.options({state.head});
  options.release = {base::sha256("bad")};
  options.reason = "we want it";
  workflow::import_bundles(options, site.clock, site.reporter);
  CHECK_FALSE(serves(site, "a.txt"));

  workflow::ExtractOptions extract{
      .bundle = given.first.head, .what = "a.txt", .output = medium.path() / "out.txt", .home = site.home};
  extract.now = site.clock.now();
  CHECK(code_of([&] { return workflow::extract(extract, site.reporter); }) == ErrorCode::revoked);
  CHECK_FALSE(fs::exists(medium.path() / "out.txt"));
}

TEST_CASE("one producer's revocation does not reach another channel's files", "[revoke]") {
  Given given;
  Site site(&given.keys);
  Medium medium;
  const auto other = make_bundle(medium.path(), {text_file("copy.txt", "bad")}, given.keys, {.channel = "site-b"});
  site.import({given.first.head});
  site.import({other.head});
  site.clock.set(bundle_time(3));
  site.import({given.revocation({digest_of("bad")}).head});
  CHECK_FALSE(serves(site, "a.txt"));
  CHECK(serves(site, "copy.txt"));
}

TEST_CASE("a block stops serving at once and stays", "[block]") {
  Given given;
  Site site(&given.keys);
  site.import({given.first.head});
  site.clock.set(bundle_time(3));
  store::CurrentCatalog running(site.home.root);
  REQUIRE(running.get()->find("file", "a.txt")->kind == Kind::file);

  const std::string item = GENERATE(as<std::string>(), "digest", "pkg:generic/a.txt@1.0.0", "pkg:generic/a.txt",
                                    "file:a.txt", "file:a.txt@1.0.0");
  const auto blocked = item == "digest" ? digest_of("bad") : item;
  const auto report = workflow::block_item(site.home, blocked, "under investigation", "INC-7", site.clock);
  CHECK(report.files == 1);
  CHECK(report.some == std::vector<std::string>{"file a.txt"});
  CHECK(running.get()->find("file", "a.txt")->kind == Kind::withheld);
  CHECK(running.get()->find("file", "a.txt")->reason == "blocked on this side: under investigation");
  CHECK(running.get()->find("file", "b.txt")->kind == Kind::file);

  // A later import that brings it again.
  Medium medium;
  const auto next = make_bundle(medium.path(), {text_file("a.txt", "bad"), text_file("c.txt", "more")}, given.keys,
                                {.serial = 2, .created = bundle_time(1), .previous = given.first.contents});
  site.import({next.head});
  CHECK_FALSE(serves(site, "a.txt"));
  CHECK(serves(site, "c.txt"));
  workflow::roll_back(site.home, std::nullopt, site.clock);
  CHECK_FALSE(serves(site, "a.txt"));
  CHECK(site.state().blocks().front().ticket == "INC-7");
  CHECK(workflow::make_receipt(site.state(), site.clock.now()).blocked == std::vector<std::string>{blocked});

  workflow::unblock_item(site.home, blocked, "a false alarm", "", site.clock);
  CHECK(serves(site, "a.txt"));
  CHECK(site.served("file", "a.txt") == "bad");
  CHECK(code_of([&] { return workflow::unblock_item(site.home, blocked, "", "", site.clock); }) ==
        ErrorCode::not_found);
  const auto seen = actions(site);
  CHECK(std::count(seen.begin(), seen.end(), "block") == 1);
  CHECK(std::count(seen.begin(), seen.end(), "unblock") == 1);
  CHECK(store::check_audit(site.state().audit_entries()).empty());
}

TEST_CASE("what is not here yet can be blocked", "[block]") {
  Given given;
  Site site(&given.keys);
  CHECK(workflow::block_item(site.home, digest_of("bad"), "seen elsewhere", "", site.clock).files == 0);
  CHECK(store::current_catalog_number(site.home.root) == 0);
  site.import({given.first.head});
  CHECK_FALSE(serves(site, "a.txt"));
  CHECK(has_blob(site, "bad"));  // so that unblocking needs no medium
}

TEST_CASE("what is blocked is not swept away", "[block]") {
  Given given;
  Site site(&given.keys);
  site.import({given.first.head});
  site.clock.set(bundle_time(5));
  workflow::block_item(site.home, "file:a.txt", "evidence", "", site.clock);
  Medium medium;
  auto previous = given.first.contents;
  for (std::uint64_t serial = 2; serial <= 3; ++serial) {
    const auto next =
        make_bundle(medium.path(), {text_file("c.txt", "only this " + std::to_string(serial))}, given.keys,
                    {.serial = serial, .created = bundle_time(static_cast<int>(serial)), .previous = previous});
    previous = next.contents;
    site.import({next.head});
  }
  workflow::SweepOptions options;
  options.home = site.home;
  options.keep = 1;
  workflow::sweep_store(options, site.clock, site.reporter);
  CHECK(has_blob(site, "bad"));
  CHECK_FALSE(has_blob(site, "good"));
  // The rows that named it are gone by now.
  workflow::sweep_store(options, site.clock, site.reporter);
  CHECK(has_blob(site, "bad"));
  workflow::unblock_item(site.home, "file:a.txt", "", "", site.clock);
  workflow::sweep_store(options, site.clock, site.reporter);
  CHECK_FALSE(has_blob(site, "bad"));
}

TEST_CASE("a block needs an item, a reason and a home", "[block]") {
  Given given;
  Site site(&given.keys);
  site.import({given.first.head});
  CHECK(code_of([&] { return workflow::block_item(site.home, "a.txt", "why", "", site.clock); }) == ErrorCode::usage);
  CHECK(code_of([&] { return workflow::block_item(site.home, digest_of("x"), " ", "", site.clock); }) ==
        ErrorCode::usage);
  CHECK(code_of([&] {
          return workflow::block_item(site.home, digest_of("x"), std::string(1000, 'x'), "", site.clock);
        }) == ErrorCode::usage);
  CHECK(code_of([&] { return workflow::block_item(site.home, digest_of("x"), "a\nb", "", site.clock); }) ==
        ErrorCode::usage);
  Site empty;
  CHECK(code_of([&] { return workflow::block_item(empty.home, digest_of("x"), "why", "", empty.clock); }) ==
        ErrorCode::not_found);
  CHECK_FALSE(fs::exists(empty.home.root));
}

TEST_CASE("a misspelt ecosystem blocks nothing, and says so", "[block]") {
  Given given;
  Site site(&given.keys);
  site.import({given.first.head});
  for (const std::string item : {"nmp:left-pad@1.3.0", "nosuch:thing", "pkg:nmp/left-pad", "pkg:nosuch/thing@1"}) {
    CAPTURE(item);
    const auto error = error_of([&] { return workflow::block_item(site.home, item, "malware", "", site.clock); });
    CHECK(error.code() == ErrorCode::usage);
  }
  CHECK(error_of([&] { return workflow::known_item("nmp:left-pad"); }).hint() == "did you mean 'npm'?");
  CHECK(error_of([&] { return workflow::known_item("pkg:nmp/left-pad"); }).hint() == "did you mean 'npm'?");
  CHECK(site.state().blocks().empty());
  for (const std::string item : {"npm:left-pad", "pkg:golang/example.com/a@v1", "oci:docker.io/library/debian:12",
                                 "pkg:generic/a.txt", "tool:tofu"}) {
    CAPTURE(item);
    CHECK_NOTHROW(workflow::known_item(item));
  }
}

TEST_CASE("who has it is told whether it is served", "[block]") {
  Given given;
  Site site(&given.keys);
  site.import({given.first.head});
  const auto found = [&] { return workflow::find_content(site.home, digest_of("bad")).at(0); };
  CHECK(found().served);
  CHECK(found().denied.empty());
  workflow::block_item(site.home, digest_of("bad"), "under investigation", "", site.clock);
  CHECK_FALSE(found().served);
  CHECK(found().denied == "blocked on this side: under investigation");
  workflow::unblock_item(site.home, digest_of("bad"), "", "", site.clock);
  CHECK(found().served);
}

TEST_CASE("a digest that would block nothing is refused", "[block]") {
  Given given;
  Site site(&given.keys);
  site.import({given.first.head});
  for (const auto& digest :
       {"sha512:" + std::string(128, 'a'), "sha384:" + std::string(96, 'a'), "sha1:" + std::string(40, 'a')}) {
    CAPTURE(digest);
    const auto error = error_of([&] { return workflow::block_item(site.home, digest, "found bad", "", site.clock); });
    CHECK(error.code() == ErrorCode::usage);
    CHECK(error.hint().find("airlock store who") != std::string::npos);
  }
  CHECK(site.state().blocks().empty());
  // One that an older airlock took can still be lifted.
  const auto old = "sha512:" + std::string(128, 'a');
  store::StateDb(site.home.root, store::StateDb::Access::change)
      .set_block({.item = old, .reason = "why", .ticket = {}, .user = {}, .since = site.clock.now()});
  workflow::unblock_item(site.home, old, "", "", site.clock);
  CHECK(site.state().blocks().empty());
}

TEST_CASE("a block settles a path that two channels fill with different bytes", "[block]") {
  Given given;
  Site site(&given.keys);
  site.import({given.first.head});
  Medium medium;
  const auto other = make_bundle(medium.path(), {text_file("a.txt", "other")}, given.keys, {.channel = "site-b"});
  CHECK(code_of([&] { return site.import({other.head}); }) == ErrorCode::untrusted);
  workflow::block_item(site.home, digest_of("bad"), "site-b has the right one", "", site.clock);
  site.import({other.head});
  CHECK(site.served("file", "a.txt") == "other");
}
