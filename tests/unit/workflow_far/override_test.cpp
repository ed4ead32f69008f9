// What a site serves although it was revoked, how much of revocations it keeps, and what a run that ended too early had
// stopped.
#include "far_fixture.hpp"

#include <algorithm>

#include "store/catalog.hpp"
#include "workflow/block.hpp"
#include "workflow/extract.hpp"
#include "workflow/generations.hpp"
#include "workflow/receipt.hpp"
#include "workflow/status.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

namespace {

constexpr const char* k_item = "pkg:generic/a.txt";

struct Given {
  ProducerKeys keys;
  Medium medium;
  Site site{&keys};
  std::vector<BundleFile> files = {text_file("a.txt", "good after all"), text_file("b.txt", "b")};
  MadeBundle last = make_bundle(medium.path(), files, keys);

  Given() { site.clock.set(bundle_time(4)); }

  // The next state: the same files, and what is revoked in addition.
  const MadeBundle& next(std::vector<bundle::Revoked> revoked, bool metadata_only = true) {
    ++serial;
    last = make_bundle(medium.path(), files, keys,
                       {.serial = serial,
                        .created = bundle_time(static_cast<int>(serial) - 1),
                        .metadata_only = metadata_only,
                        .previous = last.contents,
                        .revoked = std::move(revoked)});
    return last;
  }
  bool serves(std::string_view path) const {
    const auto row = store::Catalog::open_current(site.home.root)->find("file", path);
    return row && row->kind != model::Kind::withheld;
  }
  workflow::BlockReport override_it(const std::string& item = k_item, const std::string& channel = "") const {
    return workflow::serve_revoked(site.home, item, channel, {"revoked with stolen keys", "INC-9"}, site.clock);
  }
  std::int64_t count(std::string_view action) const {
    const auto entries = site.state().audit_entries();
    return std::ranges::count(entries, action, &store::AuditEntry::action);
  }
  workflow::StatusReport status() const { return site.status(); }

  std::uint64_t serial = 1;
};

}  // namespace

TEST_CASE("a site serves again what was revoked, also where it is revoked again", "[override]") {
  Given given;
  given.site.import({given.last.head});
  given.site.import({given.next({{k_item, "malware"}}).head});
  REQUIRE_FALSE(given.serves("a.txt"));
  CHECK(code_of([&] { return workflow::unblock_item(given.site.home, k_item, "", "", given.site.clock); }) ==
        ErrorCode::not_found);

  const auto report = given.override_it();
  CHECK(report.files == 1);
  CHECK(report.lacking == 0);
  REQUIRE(report.channels.size() == 1);
  CHECK(given.site.served("file", "a.txt") == "good after all");
  CHECK(given.count("override-revocation") == 1);
  CHECK(workflow::make_receipt(given.site.state(), given.site.clock.now()).revoked.empty());
  const auto revoked = given.status().revoked;
  REQUIRE(revoked.size() == 1);
  REQUIRE(revoked.front().overridden);
  CHECK(revoked.front().overridden->reason == "revoked with stolen keys");
  CHECK(revoked.front().overridden->ticket == "INC-9");
  CHECK_FALSE(revoked.front().overridden->user.empty());

  // The list only grows, so each later state brings it again.
  given.site.import({given.next({}, false).head});
  CHECK(given.serves("a.txt"));
  CHECK(given.count("revoked") == 1);
  const auto out = given.medium.path() / "out.txt";
  workflow::ExtractOptions extract{.bundle = given.last.head, .what = "a.txt", .output = out, .home = given.site.home};
  extract.now = given.site.clock.now();
  workflow::extract(extract, given.site.reporter);
  CHECK(text_of(out) == "good after all");

  // Another name of it is another word of its producer.
  given.site.import({given.next({{base::sha256("good after all").to_string(), "found bad"}}).head});
  CHECK_FALSE(given.serves("a.txt"));
  given.override_it(base::sha256("good after all").to_string());
  CHECK(given.serves("a.txt"));

  // A block ends it, and lifting the block does not bring it back.
  CHECK(workflow::block_item(given.site.home, k_item, "it is bad", "", given.site.clock).channels.size() == 1);
  CHECK_FALSE(given.serves("a.txt"));
  workflow::unblock_item(given.site.home, k_item, "", "", given.site.clock);
  CHECK_FALSE(given.serves("a.txt"));
  CHECK(store::check_audit(given.site.state().audit_entries()).empty());
}

TEST_CASE("what was not taken because it was revoked comes with the same bundle", "[override]") {
  Given given;
  given.next({{k_item, "malware"}}, false);
  given.site.import({given.last.head});
  REQUIRE_FALSE(given.serves("a.txt"));
  REQUIRE_FALSE(given.site.state().has_blob(base::sha256("good after all")));
  CHECK(given.override_it().lacking == 1);
  given.site.import({given.last.head});
  CHECK(given.site.served("file", "a.txt") == "good after all");
  CHECK(given.site.import({given.last.head}).bundles.front().outcome ==
        workflow::ImportedBundle::Outcome::nothing_to_do);
}

TEST_CASE("an override wants a reason, and something that was revoked", "[override]") {
  Given given;
  given.site.import({given.last.head});
  given.site.import({given.next({{k_item, "malware"}}).head});
  CHECK(code_of([&] {
          return workflow::serve_revoked(given.site.home, k_item, "", {" ", ""}, given.site.clock);
        }) == ErrorCode::usage);
  CHECK(code_of([&] { return given.override_it("pkg:generic/a.txt@1.0.0"); }) == ErrorCode::not_found);
  CHECK(code_of([&] { return given.override_it(k_item, "site-b"); }) == ErrorCode::not_found);
  CHECK_FALSE(given.serves("a.txt"));
  given.override_it(k_item, "site-a");
  CHECK(given.serves("a.txt"));
}

TEST_CASE("a channel cannot fill a site with revocations", "[override]") {
  Given given;
  given.site.import({given.last.head});
  const auto key = given.site.generations().front().channel;
  given.site.change([&key](store::StateDb& state) {
    for (int i = 0; i < 50'000; ++i) {
      state.add_revoked({.channel = key, .item = "pkg:npm/name-" + std::to_string(i), .reason = {}, .since = {}});
    }
  });
  given.next({{k_item, "one more"}});
  const auto error = error_of([&] { return given.site.import({given.last.head}); });
  CHECK(error.code() == ErrorCode::policy);
  CHECK(error.hint().find("--revoked") != std::string::npos);
  CHECK(given.serves("a.txt"));
  CHECK(given.count("revoked") == 0);
  given.override_it("pkg:npm/name-7");
  given.site.import({given.last.head});
  CHECK_FALSE(given.serves("a.txt"));
  CHECK(given.serves("b.txt"));
}

TEST_CASE("a block that was cut off before its switch is an alarm, and a server puts it in force", "[block]") {
  Given given;
  auto& site = given.site;
  CHECK_FALSE(workflow::catalog_is_behind(site.home));  // no state yet
  site.import({given.last.head});
  CHECK_FALSE(workflow::catalog_is_behind(site.home));
  {
    store::StateDb state(site.home.root, store::StateDb::Access::change);
    auto change = state.change();
    state.set_block({.item = k_item, .reason = "found bad", .ticket = {}, .user = {}, .since = site.clock.now()});
    const auto catalog = store::prepare_catalog(state, site.home.root);
    change.commit();
  }
  REQUIRE(given.serves("a.txt"));
  const auto report = given.status();
  CHECK(report.stale());
  CHECK(std::ranges::any_of(report.findings, [](const auto& finding) {
    return finding.subject == "catalog" && finding.severity == base::Severity::error;
  }));
  CHECK(workflow::catalog_is_behind(site.home));
  SECTION("which another process keeps from working for a while") {
    {
      const store::StateDb other(site.home.root, store::StateDb::Access::change);
      CHECK_FALSE(workflow::finish_catalog(site.home, site.reporter));
    }
    CHECK(workflow::finish_catalog(site.home, site.reporter));
  }
  SECTION("as the same command does") {
    workflow::block_item(site.home, k_item, "found bad", "", site.clock);
  }
  CHECK_FALSE(given.serves("a.txt"));
  CHECK_FALSE(workflow::catalog_is_behind(site.home));
  CHECK_FALSE(given.status().stale());
}

TEST_CASE("an unblocking that was cut off before its switch is finished by the same command", "[block]") {
  Given given;
  auto& site = given.site;
  site.import({given.last.head});
  workflow::block_item(site.home, k_item, "found bad", "", site.clock);
  {
    store::StateDb state(site.home.root, store::StateDb::Access::change);
    auto change = state.change();
    state.remove_block(k_item);
    const auto catalog = store::prepare_catalog(state, site.home.root);
    change.commit();
  }
  REQUIRE_FALSE(given.serves("a.txt"));
  workflow::unblock_item(site.home, k_item, "", "", site.clock);
  CHECK(given.serves("a.txt"));
  CHECK(code_of([&] { return workflow::unblock_item(site.home, k_item, "", "", site.clock); }) == ErrorCode::not_found);
}
