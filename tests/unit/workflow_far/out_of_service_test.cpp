// A channel that a site does not want any more: served no longer, trusted as before, and back only by a person's word.
#include "far_fixture.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "store/blob_store.hpp"
#include "store/catalog.hpp"
#include "trust/metadata.hpp"
#include "workflow/generations.hpp"
#include "workflow/import_watch.hpp"
#include "workflow/pinned_roots.hpp"
#include "workflow/receipt.hpp"
#include "workflow/status.hpp"
#include "workflow/sweep.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;
using Outcome = workflow::ImportedBundle::Outcome;

namespace {

const workflow::Remark k_moved{"moved to site-b", "CHG-31"};

// Two states of channel site-a, and one of site-b, to which the site moves.
struct Moving {
  ProducerKeys keys;
  Site site{&keys};
  Medium medium;
  MadeBundle first, second, third, other;

  Moving() {
    first = make_bundle(medium.path(), files("a 1"), keys);
    second = make_bundle(medium.path(), files("a 2"), keys,
                         {.serial = 2, .created = bundle_time(1), .previous = first.contents});
    third = make_bundle(medium.path(), files("a 3"), keys,
                        {.serial = 3, .created = bundle_time(2), .previous = second.contents});
    other = make_bundle(medium.path(), {text_file("b.txt", "b 1"), text_file("same.txt", "both")}, keys,
                        {.channel = "site-b", .created = bundle_time(1)});
    site.clock.set(bundle_time(2));
    site.import({first.head, second.head, other.head});
  }
  static std::vector<BundleFile> files(const std::string& content) {
    return {text_file("a.txt", content), text_file("same.txt", "both")};
  }
  store::ChannelKey key() const {
    const auto all = site.generations();
    return std::ranges::find(all, "site-a", [](const auto& one) { return one.channel.channel; })->channel;
  }
  workflow::DeactivationReport deactivate() {
    return workflow::deactivate_channel(site.home, {.producer = {}, .channel = "site-a"}, site.clock, k_moved);
  }
  workflow::StatusReport status(int day) const {
    return workflow::examine_status(
        {.home = site.home, .wall = bundle_time(day), .stale_after = std::chrono::days(60)});
  }
  bool has(std::string_view content) const {
    return site.state().has_blob(base::sha256(content)) &&
           store::BlobStore(site.home.blobs()).open(base::sha256(content)).has_value();
  }
};

std::size_t count_of(const workflow::StatusReport& report, std::string_view channel, base::Severity severity) {
  return static_cast<std::size_t>(std::ranges::count_if(report.findings, [&](const base::Finding& finding) {
    return finding.severity == severity && finding.subject.find(channel) != std::string::npos;
  }));
}

bool mentions(const std::vector<std::string>& lines, std::string_view text) {
  return std::ranges::any_of(lines, [&](const auto& line) { return line.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("nothing of a channel out of service is served, and what was refused stays refused") {
  Moving moving;
  auto& site = moving.site;
  const auto before = store::current_catalog_number(site.home.root);
  const auto report = moving.deactivate();
  CHECK(report.before->serial == 2);
  CHECK_FALSE(report.was_out);
  CHECK_FALSE(site.served("file", "a.txt"));
  CHECK(site.served("file", "b.txt") == "b 1");
  CHECK(site.served("file", "same.txt") == "both");
  CHECK(store::current_catalog_number(site.home.root) == before + 1);

  const auto entry = site.state().newest_audit_entries("deactivate", 1).front();
  const auto detail = base::Json::parse(entry.detail);
  CHECK(detail["channel"] == "site-a");
  CHECK(detail["reason"] == "moved to site-b");
  CHECK(detail["ticket"] == "CHG-31");
  CHECK_FALSE(entry.user.empty());

  // No rollback without a number brings it back, and no older state comes in.
  CHECK(code_of([&] { return workflow::roll_back(site.home, std::nullopt, site.clock); }) == ErrorCode::not_found);
  CHECK(code_of([&] { return site.import({moving.first.head}); }) == ErrorCode::rollback);
  CHECK(site.state().last_serial(moving.key()) == 2);

  // Once more changes nothing, not even the reason.
  const auto entries = site.state().last_audit_entry()->number;
  const auto again =
      workflow::deactivate_channel(site.home, {.producer = {}, .channel = "site-a"}, site.clock, {"x", {}});
  CHECK(again.was_out);
  CHECK(again.out.reason == "moved to site-b");
  CHECK(site.state().last_audit_entry()->number == entries);

  const auto back = workflow::activate_generation(site.home, report.before->id, site.clock);
  CHECK(back.ended->reason == "moved to site-b");
  CHECK(site.served("file", "a.txt") == "a 2");
  CHECK_FALSE(site.state().out_of_service(moving.key()));
  CHECK(site.state().newest_audit_entries("activate", 1).front().detail.find("out_of_service_since") !=
        std::string::npos);
}

TEST_CASE("a channel is taken out of service by its name, with a reason of one line") {
  Moving moving;
  auto& site = moving.site;
  const auto code = [&](const store::ChannelKey& channel, const std::string& reason) {
    return code_of([&] { return workflow::deactivate_channel(site.home, channel, site.clock, {reason, {}}); });
  };
  CHECK(code({.producer = {}, .channel = "site-a"}, " ") == ErrorCode::usage);
  CHECK(code({.producer = {}, .channel = "site-a"}, "two\nlines") == ErrorCode::usage);
  CHECK(code({.producer = {}, .channel = "site-c"}, "x") == ErrorCode::not_found);
  CHECK(code({.producer = "nobody", .channel = "site-a"}, "x") == ErrorCode::not_found);
  CHECK(site.served("file", "a.txt") == "a 2");
  const auto digits = moving.key().producer.substr(0, 12);
  workflow::deactivate_channel(site.home, {.producer = digits, .channel = "site-a"}, site.clock, k_moved);
  CHECK_FALSE(site.served("file", "a.txt"));
}

TEST_CASE("one name of two producers wants to be told apart") {
  Moving moving;
  const ProducerKeys others;
  workflow::pin_root(moving.site.home, others.first_root(), {});
  Medium medium;
  moving.site.import({make_bundle(medium.path(), {text_file("c.txt", "c")}, others).head});
  CHECK(code_of([&] { return moving.deactivate(); }) == ErrorCode::usage);
  CHECK(moving.site.served("file", "a.txt") == "a 2");
  CHECK(moving.site.served("file", "c.txt") == "c");

  // One path with two contents is nobody's; the refusal names both producers.
  const ProducerKeys third;
  workflow::pin_root(moving.site.home, third.first_root(), {});
  Medium other;
  const auto made = make_bundle(other.path(), {text_file("c.txt", "another")}, third);
  const auto refused = error_of([&] { moving.site.import({made.head}); });
  CHECK(refused.code() == ErrorCode::untrusted);
  const auto mark = [](const ProducerKeys& keys) {
    const auto root = trust::parse_signed(keys.first_root(), "root", trust::k_root_limit);
    return "channel 'site-a' (producer " + trust::identity(root).hex().substr(0, 12) + ")";
  };
  CHECK(refused.message().find(mark(others)) != std::string::npos);
  CHECK(refused.message().find(mark(third)) != std::string::npos);
}

TEST_CASE("a run that ended before its switch is finished by the same command") {
  Moving moving;
  auto& site = moving.site;
  {
    store::StateDb state(site.home.root, store::StateDb::Access::change);
    auto change = state.change();
    state.take_out_of_service(moving.key(), {.reason = "moved", .ticket = {}, .user = {}, .since = site.clock.now()});
    const auto catalog = store::prepare_catalog(state, site.home.root);
    change.commit();
  }
  REQUIRE(site.served("file", "a.txt"));
  CHECK(moving.deactivate().was_out);
  CHECK_FALSE(site.served("file", "a.txt"));
}

TEST_CASE("a newer state of a channel out of service is taken in, not served, and said so") {
  Moving moving;
  auto& site = moving.site;
  moving.deactivate();
  site.clock.set(bundle_time(3));
  SECTION("by an import") {
    const auto taken = site.import({moving.third.head}).bundles.front();
    CHECK(taken.outcome == Outcome::imported);
    CHECK_FALSE(taken.active);
    REQUIRE(taken.out_of_service);
    CHECK(taken.out_of_service->reason == "moved to site-b");
    // Nor by the same bundle once more.
    const auto again = site.import({moving.third.head}).bundles.front();
    CHECK(again.outcome == Outcome::nothing_to_do);
    CHECK(again.out_of_service);
  }
  SECTION("by a watched folder") {
    Medium folder;
    fs::copy(moving.third.head, folder.path() / "third.airlock");
    workflow::FolderWatch watch(folder.path(), site.options({}));
    watch.look(site.clock, site.reporter);
    CHECK(watch.look(site.clock, site.reporter) == 1);
    CHECK(mentions(site.reporter.said(), "not served"));
  }
  CHECK(mentions(site.reporter.warnings(), "channel 'site-a' is out of service"));
  CHECK(mentions(site.reporter.warnings(), "airlock store activate"));
  CHECK_FALSE(site.served("file", "a.txt"));
  // Trust goes on meanwhile.
  CHECK(site.state().last_serial(moving.key()) == 3);
  CHECK(code_of([&] { return site.import({moving.second.head}); }) == ErrorCode::rollback);
  CHECK(site.state().newest_audit_entries("import", 1).front().detail.find("out_of_service_since") !=
        std::string::npos);
  workflow::activate_generation(site.home, site.generations().front().id, site.clock);
  CHECK(site.served("file", "a.txt") == "a 3");
}

TEST_CASE("neither age nor expiry of a channel out of service is stale") {
  Moving moving;
  CHECK(count_of(moving.status(100), "site-a", base::Severity::error) > 0);
  moving.deactivate();
  const auto report = moving.status(100);
  CHECK(count_of(report, "site-a", base::Severity::error) == 0);
  CHECK(count_of(report, "site-a", base::Severity::warning) == 0);
  CHECK(count_of(report, "site-a", base::Severity::note) == 1);
  CHECK(count_of(report, "site-b", base::Severity::error) > 0);
  const auto channel = std::ranges::find(report.channels, moving.key(), &workflow::ChannelStatus::key);
  REQUIRE(channel != report.channels.end());
  CHECK(channel->out_of_service->ticket == "CHG-31");
  CHECK_FALSE(channel->active);
  CHECK(channel->serial == 2);
}

TEST_CASE("a sweep frees what only a channel out of service needed, and its bundle brings it again") {
  Moving moving;
  auto& site = moving.site;
  moving.deactivate();
  CHECK(workflow::check_store({.home = site.home}, site.clock, site.reporter).findings.empty());
  REQUIRE(moving.has("a 2"));
  const auto receipt = workflow::make_receipt(site.state(), site.clock.now());

  const auto swept = workflow::sweep_store({.home = site.home, .keep = 5}, site.clock, site.reporter);
  CHECK(swept.generations == std::vector<std::uint64_t>{1});
  CHECK_FALSE(moving.has("a 1"));
  CHECK_FALSE(moving.has("a 2"));
  CHECK(moving.has("both"));
  CHECK(site.served("file", "b.txt") == "b 1");
  CHECK(site.served("file", "same.txt") == "both");
  const auto check = workflow::check_store({.home = site.home}, site.clock, site.reporter);
  CHECK(check.findings.empty());
  CHECK(check.lacking == 0);
  CHECK(count_of(moving.status(3), "site-a", base::Severity::error) == 0);

  // What the receipt of before the sweep promised is here: a delta on it finds its base.
  CHECK(std::ranges::all_of(receipt.blobs, [&](const base::Digest& blob) { return site.state().has_blob(blob); }));
  CHECK(code_of([&] { return site.import({moving.first.head}); }) == ErrorCode::rollback);

  CHECK(code_of([&] { return workflow::activate_generation(site.home, 2, site.clock); }) == ErrorCode::base_missing);
  const auto again = site.import({moving.second.head}).bundles.front();
  CHECK(again.outcome == Outcome::refreshed);
  CHECK(again.generation == 2);
  CHECK_FALSE(again.active);
  CHECK_FALSE(site.served("file", "a.txt"));
  workflow::activate_generation(site.home, 2, site.clock);
  CHECK(site.served("file", "a.txt") == "a 2");
}

TEST_CASE("a receipt tells which channels are out of service, and counts on nothing that only they need") {
  Moving moving;
  auto& site = moving.site;
  const auto lists = [](const workflow::Receipt& receipt, std::string_view content) {
    return std::ranges::binary_search(receipt.blobs, base::sha256(content));
  };
  CHECK(lists(workflow::make_receipt(site.state(), site.clock.now()), "a 2"));
  moving.deactivate();
  const auto path = site.receipt();
  const auto receipt = workflow::read_receipt(path);
  REQUIRE(receipt.channels.size() == 2);
  CHECK(receipt.channels[0].channel == "site-a");
  CHECK(receipt.channels[0].out_of_service);
  CHECK(receipt.channels[0].serial == 2);  // a floor for a restore, as before
  CHECK(receipt.channels[0].active_generation == 0);
  CHECK_FALSE(receipt.channels[1].out_of_service);
  CHECK_FALSE(lists(receipt, "a 1"));
  CHECK_FALSE(lists(receipt, "a 2"));
  CHECK(lists(receipt, "b 1"));
  CHECK(lists(receipt, "both"));

  // One that was written before there was such a state.
  auto text = text_of(path);
  for (auto place = text.find("\"out_of_service\""); place != std::string::npos;
       place = text.find("\"out_of_service\"")) {
    text.replace(place, text.find(',', place) + 1 - place, "");
  }
  CHECK_FALSE(workflow::parse_receipt(text, "r").channels[0].out_of_service);
}

// A salvage would say that there is nothing to do.
TEST_CASE("for a channel out of service no salvage is named as a way out") {
  ThreeStates states;
  auto& site = states.site;
  workflow::deactivate_channel(site.home, {.producer = "", .channel = "site-a"}, site.clock,
                               {.reason = "moved", .ticket = ""});
  SECTION("but the import of the newest") {
    workflow::sweep_store({.home = site.home, .keep = 3}, site.clock, site.reporter);
    const auto error = error_of([&] { return workflow::activate_generation(site.home, 3, site.clock); });
    CHECK(error.code() == ErrorCode::base_missing);
    CHECK(error.hint().find("import the newest bundle, which brings all that its own state needs, and activate that") !=
          std::string::npos);
    CHECK(error.hint().find("PATH") == std::string::npos);
    const auto again = site.import({states.made[2].head}).bundles.front();
    workflow::activate_generation(site.home, again.generation, site.clock);
    CHECK(site.served("file", "a.txt") == "state 3");
  }
  SECTION("nor where an older bundle comes") {
    store::BlobStore(site.home.blobs()).remove(base::sha256("state 2"));
    site.change([](store::StateDb& state) { state.remove_blob(base::sha256("state 2")); });
    const auto error = error_of([&] { return site.import({states.made[1].head}); });
    CHECK(error.code() == ErrorCode::rollback);
    CHECK(error.hint().find("--salvage") == std::string::npos);
  }
}
