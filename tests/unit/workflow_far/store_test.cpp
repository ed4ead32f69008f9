// What happens to a store after its imports: activate, roll back, sweep, check, status.
#include "far_fixture.hpp"

#include <algorithm>

#include "store/blob_store.hpp"
#include "store/catalog.hpp"
#include "workflow/floors.hpp"
#include "workflow/generations.hpp"
#include "workflow/receipt.hpp"
#include "workflow/status.hpp"
#include "workflow/sweep.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

TEST_CASE("a generation is activated, rolled back and brought back") {
  ThreeStates states;
  auto& site = states.site;
  const auto back = workflow::roll_back(site.home, std::nullopt, site.clock);
  CHECK(back.generation.serial == 2);
  CHECK(back.before->serial == 3);
  CHECK(site.served("file", "a.txt") == "state 2");
  CHECK(workflow::roll_back(site.home, 1, site.clock).generation.serial == 1);
  CHECK(site.served("file", "a.txt") == "state 1");
  CHECK(code_of([&] { return workflow::roll_back(site.home, 3, site.clock); }) == ErrorCode::usage);
  workflow::activate_generation(site.home, 3, site.clock);
  CHECK(site.served("file", "a.txt") == "state 3");
  CHECK(code_of([&] { return workflow::activate_generation(site.home, 9, site.clock); }) == ErrorCode::not_found);
  // A rolled back channel does not go forward by itself, and says how.
  workflow::roll_back(site.home, std::nullopt, site.clock);
  const auto report = site.import({states.made[2].head});
  CHECK(report.bundles.front().outcome == workflow::ImportedBundle::Outcome::nothing_to_do);
  CHECK_FALSE(report.bundles.front().active);
}

TEST_CASE("a rollback goes to what was served before, not to what was only held") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  MadeBundle made[4];
  const auto take = [&](int i, workflow::Activation activation) {
    BundlePlan plan{.serial = static_cast<std::uint64_t>(i + 1), .created = bundle_time(i)};
    if (i > 0) {
      plan.previous = made[i - 1].contents;
    }
    made[i] = make_bundle(medium.path(), {text_file("a.txt", "state " + std::to_string(i + 1))}, keys, plan);
    site.clock.set(bundle_time(i + 1));
    auto options = site.options({made[i].head});
    options.activation = activation;
    workflow::import_bundles(options, site.clock, site.reporter);
  };
  SECTION("which may be nothing") {
    take(0, workflow::Activation::hold);
    take(1, workflow::Activation::at_once);
    CHECK(code_of([&] { return workflow::roll_back(site.home, std::nullopt, site.clock); }) == ErrorCode::not_found);
  }
  SECTION("which may be older than that") {
    take(0, workflow::Activation::at_once);
    take(1, workflow::Activation::hold);
    take(2, workflow::Activation::at_once);
    CHECK(workflow::roll_back(site.home, std::nullopt, site.clock).generation.serial == 1);
    CHECK(site.served("file", "a.txt") == "state 1");
    CHECK(code_of([&] { return workflow::roll_back(site.home, std::nullopt, site.clock); }) == ErrorCode::not_found);
    // The state before is that which was served before, also where another one is newer.
    workflow::activate_generation(site.home, 2, site.clock);
    workflow::activate_generation(site.home, 1, site.clock);
    take(3, workflow::Activation::at_once);
    CHECK(workflow::roll_back(site.home, std::nullopt, site.clock).generation.serial == 1);
  }
}

TEST_CASE("generations are compared in artifacts and in bytes") {
  ThreeStates states;
  const auto diff = workflow::diff_generations(states.site.home, 1, 3);
  CHECK(diff.files_changed == 1);
  CHECK(diff.files_added == 0);
  CHECK(diff.new_bytes == 7);
  CHECK(diff.artifacts.kept == 2);
}

TEST_CASE("a sweep frees what no kept generation needs") {
  ThreeStates states;
  auto& site = states.site;
  const auto dry = workflow::sweep_store({.home = site.home, .keep = 1, .mode = workflow::SweepOptions::Mode::dry_run},
                                         site.clock, site.reporter);
  CHECK(dry.generations.size() == 2);
  CHECK(states.has("state 1"));

  const auto report = workflow::sweep_store({.home = site.home, .keep = 2}, site.clock, site.reporter);
  CHECK(report.generations == std::vector<std::uint64_t>{1});
  CHECK_FALSE(states.has("state 1"));
  CHECK(states.has("state 2"));
  CHECK(states.has("x"));
  CHECK(site.served("file", "a.txt") == "state 3");
  CHECK_FALSE(site.state().has_blob(base::sha256("state 1")));
  // What was swept is missing from the next receipt, so that the producer sends it again.
  const auto receipt = workflow::make_receipt(site.state(), site.clock.now());
  CHECK_FALSE(std::binary_search(receipt.blobs.begin(), receipt.blobs.end(), base::sha256("state 1")));
}

TEST_CASE("a sweep keeps the active generation, however old, and takes what an unfinished import left") {
  ThreeStates states;
  auto& site = states.site;
  workflow::activate_generation(site.home, 1, site.clock);
  const std::string stray = "left by a killed import";
  const store::BlobStore blobs(site.home.blobs());
  store::BlobStore::Writer writer(blobs, base::sha256(stray), stray.size());
  writer.write(base::as_bytes(stray));
  writer.finish();
  const auto report = workflow::sweep_store({.home = site.home, .keep = 1}, site.clock, site.reporter);
  CHECK(report.unfinished == 1);
  CHECK_FALSE(states.has(stray));
  CHECK(site.served("file", "a.txt") == "state 1");
  CHECK_FALSE(states.has("state 3"));
}

TEST_CASE("a sweep works on a full disk") {
  SmallDisk small("64m");
  if (!small) {
    return;
  }
  const ProducerKeys keys;
  Medium medium;
  Site site(&keys);
  small.take_home_of(site);
  const auto first = make_bundle(medium.path(), big_files(10, 1'000'000), keys);
  site.import({first.head});
  const auto second = make_bundle(medium.path(), {text_file("a.txt", "small")}, keys,
                                  {.serial = 2, .created = bundle_time(1), .previous = first.contents});
  site.clock.set(bundle_time(2));
  site.import({second.head});
  small.fill();
  REQUIRE(base::space_info(small.path()).free_bytes < 8192);
  const auto report = workflow::sweep_store({.home = site.home, .keep = 1}, site.clock, site.reporter);
  CHECK(report.bytes >= 10'000'000);
  CHECK(base::space_info(small.path()).free_bytes > 9'000'000);
  CHECK(site.served("file", "a.txt") == "small");
}

namespace {

struct Killed {};

void damage(const Site& site, std::string_view content) {
  const auto name = base::sha256(content).hex();
  const auto file = site.home.blobs() / "sha256" / name.substr(0, 2) / name;
  fs::permissions(file, fs::perms::owner_all);
  flip_bit(file, 1);
}

// As by a kill between the commit and the switch of the catalog: accepted and active, and not yet served.
void import_without_switch(Site& site, const fs::path& bundle) {
  auto options = site.options({bundle});
  options.at_step = [](std::string_view step) {
    if (step == "committed") {
      throw Killed{};
    }
  };
  CHECK_THROWS_AS(workflow::import_bundles(options, site.clock, site.reporter), Killed);
}

}  // namespace

TEST_CASE("a sweep ends what a killed import began, before it frees what is served until then") {
  ThreeStates states;
  auto& site = states.site;
  const auto fourth = make_bundle(states.medium.path(), {text_file("a.txt", "state 4")}, states.keys,
                                  {.serial = 4, .created = bundle_time(3), .previous = states.made[2].contents});
  site.clock.set(bundle_time(4));
  import_without_switch(site, fourth.head);
  REQUIRE(site.served("file", "a.txt") == "state 3");
  workflow::sweep_store({.home = site.home, .keep = 1}, site.clock, site.reporter);
  CHECK(site.served("file", "a.txt") == "state 4");
  CHECK_FALSE(states.has("state 3"));
}

TEST_CASE("a sweep on a full disk keeps what is served where the switch has no room") {
  SmallDisk small("64m");
  if (!small) {
    return;
  }
  const ProducerKeys keys;
  Medium medium;
  Site site(&keys);
  small.take_home_of(site);
  const auto files = big_files(4, 1'000'000);
  const auto first = make_bundle(medium.path(), files, keys);
  site.import({first.head});
  const auto second = make_bundle(medium.path(), {text_file("a.txt", "small")}, keys,
                                  {.serial = 2, .created = bundle_time(1), .previous = first.contents});
  site.clock.set(bundle_time(2));
  import_without_switch(site, second.head);
  small.fill();
  const auto is_whole = [&] {
    return site.served("file", "a.txt") == "small" || site.served("file", files[3].path) == files[3].content;
  };
  try {
    workflow::sweep_store({.home = site.home, .keep = 1}, site.clock, site.reporter);
  } catch (const base::Error& error) {
    CHECK(error.code() == ErrorCode::no_space);
  }
  CHECK(is_whole());
  small.empty();
  workflow::sweep_store({.home = site.home, .keep = 1}, site.clock, site.reporter);
  CHECK(site.served("file", "a.txt") == "small");
  CHECK(site.generations().size() == 1);
}

TEST_CASE("a damaged blob is found, forgotten, and brought again by the same bundle") {
  ThreeStates states;
  auto& site = states.site;
  CHECK(workflow::check_store({.home = site.home}, site.clock, site.reporter).findings.empty());
  damage(site, "state 3");
  auto report = workflow::check_store({.home = site.home}, site.clock, site.reporter);
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings.front().code == ErrorCode::tampered);
  report = workflow::check_store({.home = site.home, .mode = workflow::StoreCheckOptions::Mode::repair}, site.clock,
                                 site.reporter);
  CHECK(report.forgotten == 1);
  // What was forgotten is not taken for whole.
  report = workflow::check_store({.home = site.home}, site.clock, site.reporter);
  CHECK(report.bad == 0);
  CHECK(report.lacking == 1);
  const auto again = site.import({states.made[2].head});
  CHECK(again.bundles.front().outcome == workflow::ImportedBundle::Outcome::refreshed);
  CHECK(again.bundles.front().blobs_new == 1);
  CHECK(site.served("file", "a.txt") == "state 3");
}

TEST_CASE("a repair leaves alone what became whole while it read") {
  ThreeStates states;
  auto& site = states.site;
  damage(site, "state 3");
  workflow::StoreCheckOptions options{.home = site.home, .mode = workflow::StoreCheckOptions::Mode::repair};
  options.at_step = [&](std::string_view) {
    store::BlobStore(site.home.blobs()).remove(base::sha256("state 3"));
    site.import({states.made[2].head});
  };
  const auto report = workflow::check_store(options, site.clock, site.reporter);
  CHECK(report.findings.empty());
  CHECK(report.forgotten == 0);
  CHECK(site.state().has_blob(base::sha256("state 3")));
  CHECK(site.served("file", "a.txt") == "state 3");
}

TEST_CASE("a check tells nothing of what was swept while it read") {
  const auto mode = GENERATE(workflow::StoreCheckOptions::Mode::look, workflow::StoreCheckOptions::Mode::repair);
  ThreeStates states;
  auto& site = states.site;
  damage(site, "state 1");
  damage(site, "state 3");
  workflow::StoreCheckOptions options{.home = site.home, .mode = mode};
  options.at_step = [&](std::string_view) {
    workflow::sweep_store({.home = site.home, .keep = 1}, site.clock, site.reporter);
  };
  const auto report = workflow::check_store(options, site.clock, site.reporter);
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings.front().subject == base::sha256("state 3").to_string());
}

TEST_CASE("a blob whose file is gone is taken again, row or no row") {
  ThreeStates states;
  auto& site = states.site;
  store::BlobStore(site.home.blobs()).remove(base::sha256("state 3"));
  site.import({states.made[2].head});
  CHECK(site.served("file", "a.txt") == "state 3");
}

TEST_CASE("a state whose files are gone is not activated, row or no row") {
  ThreeStates states;
  auto& site = states.site;
  store::BlobStore(site.home.blobs()).remove(base::sha256("state 2"));
  CHECK(code_of([&] { return workflow::roll_back(site.home, std::nullopt, site.clock); }) == ErrorCode::base_missing);
  CHECK(site.served("file", "a.txt") == "state 3");
}

TEST_CASE("after a rollback the ways out that are named are those that work") {
  ThreeStates states;
  auto& site = states.site;
  workflow::roll_back(site.home, std::nullopt, site.clock);
  damage(site, "state 2");
  workflow::check_store({.home = site.home, .mode = workflow::StoreCheckOptions::Mode::repair}, site.clock,
                        site.reporter);
  const auto lacking = workflow::check_store({.home = site.home}, site.clock, site.reporter).findings;
  REQUIRE(lacking.size() == 1);
  CHECK(lacking.front().message.find("`airlock store activate 3` serves bundle 3 in its place, or take what older ones "
                                     "have with `airlock bundle import --salvage`") != std::string::npos);
  // The bundle that has them is older than what is here, and no import of it helps.
  const auto error = error_of([&] { return site.import({states.made[1].head}); });
  CHECK(error.code() == ErrorCode::rollback);
  CHECK(error.hint().find("files of generation 2 are missing here: it is not the newest, so take them from this bundle "
                          "with `airlock bundle import --salvage PATH`") != std::string::npos);
  workflow::activate_generation(site.home, 3, site.clock);
  CHECK(workflow::check_store({.home = site.home}, site.clock, site.reporter).findings.empty());
  const auto back = error_of([&] { return workflow::roll_back(site.home, 2, site.clock); });
  CHECK(back.code() == ErrorCode::base_missing);
  CHECK(back.hint().find("`airlock bundle import --salvage PATH`") != std::string::npos);
}

TEST_CASE("no state above a serial that was lowered is named as a way out") {
  ThreeStates states;
  auto& site = states.site;
  workflow::roll_back(site.home, 1, site.clock);
  {
    store::StateDb state(site.home.root, store::StateDb::Access::change);
    auto change = state.change();
    workflow::lower_floor(state, site.home, workflow::parse_floor("site-a:2"), {"stolen", ""}, site.clock.now());
    change.commit();
  }
  damage(site, "state 1");
  workflow::check_store({.home = site.home, .mode = workflow::StoreCheckOptions::Mode::repair}, site.clock,
                        site.reporter);
  const auto lacking = workflow::check_store({.home = site.home}, site.clock, site.reporter).findings;
  REQUIRE(lacking.size() == 1);
  CHECK(lacking.front().message.find("`airlock store activate 2` serves bundle 2 in its place") != std::string::npos);
}

TEST_CASE("status is fresh, warns in time, and is stale when something expired") {
  ThreeStates states;
  auto& site = states.site;
  const auto at = [&](int day) {
    return workflow::examine_status(
        {.home = site.home, .wall = bundle_time(day), .stale_after = std::chrono::days(60)});
  };
  const auto fresh = at(4);
  CHECK_FALSE(fresh.stale());
  CHECK(fresh.findings.empty());
  REQUIRE(fresh.channels.size() == 1);
  CHECK(fresh.channels.front().serial == 3);
  CHECK(fresh.channels.front().active->serial == 3);
  CHECK(fresh.pinned_roots == 1);
  CHECK(fresh.blobs > 0);
  CHECK(at(65).stale());                                   // old
  CHECK(at(91).findings.size() > at(65).findings.size());  // timestamp ends on day 92
  CHECK(at(100).stale());
  const auto back = at(-10);
  CHECK(back.stale());
  CHECK(back.findings.front().code == ErrorCode::clock);
}

TEST_CASE("status of a home that holds nothing is empty, not an error") {
  Site site;
  const auto report =
      workflow::examine_status({.home = site.home, .wall = bundle_time(0), .stale_after = std::chrono::days(1)});
  CHECK_FALSE(report.stale());
  CHECK(report.channels.empty());
}

TEST_CASE("a bundle that was swept away did arrive") {
  ThreeStates states;
  auto& site = states.site;
  workflow::activate_generation(site.home, 1, site.clock);
  const auto swept = workflow::sweep_store({.home = site.home, .keep = 2}, site.clock, site.reporter);
  REQUIRE(swept.generations == std::vector<std::uint64_t>{2});
  const auto report =
      workflow::examine_status({.home = site.home, .wall = bundle_time(4), .stale_after = std::chrono::days(60)});
  CHECK(report.channels.front().missing_serials.empty());
  CHECK(report.findings.empty());
}

TEST_CASE("a skipped bundle shows as a gap") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys);
  site.import({first.head});
  site.clock.set(bundle_time(2));
  const auto status_with = [&](std::uint64_t serial, const bundle::HeadContents& previous) {
    const auto made = make_bundle(medium.path(), {text_file("a.txt", std::to_string(serial))}, keys,
                                  {.serial = serial, .created = bundle_time(1), .previous = previous});
    site.import({made.head});
    return std::pair(
        workflow::examine_status({.home = site.home, .wall = bundle_time(2), .stale_after = std::chrono::days(60)}),
        made.contents);
  };
  const auto [one, third] = status_with(3, first.contents);
  CHECK(one.channels.front().missing_serials == std::vector<std::uint64_t>{2});
  CHECK(one.findings.front().message == "bundle 2 never arrived; later states include all that it held");
  CHECK_FALSE(one.stale());
  const auto many = status_with(1'100, third).first;
  CHECK(many.channels.front().missing_count == 1'097);
  CHECK(many.findings.front().message == "bundles 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, "
                                         "22 and 1077 more never arrived; later states include all that they held");
  CHECK_FALSE(many.stale());
}
