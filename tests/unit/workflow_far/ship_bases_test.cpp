// What a sending leaves out and what it brings: bases, receipts, need lists, and sendings that complete each other.
#include "ship_fixture.hpp"

#include <algorithm>

#include "trust/dsse.hpp"
#include "workflow/import_watch.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

TEST_CASE("what one base lacks is sent, and nothing else", "[ship]") {
  Producer near;
  FarSite site(near);
  const auto first = near.create({{"a.txt", "old"}, {"b.txt", "stays"}});
  site.import({first.bundle});
  const auto second = near.create({{"a.txt", "new"}, {"b.txt", "stays"}});
  auto options = near.options(second.bundle);
  options.bases = {site.receipt()};
  const auto sent = near.ship(options);
  CHECK(sent.kind == bundle::Shipment::Kind::delta);
  const auto held = digests_in(sent.bundle);
  CHECK(held.contains(digest_hex("new")));
  CHECK_FALSE(held.contains(digest_hex("stays")));
  CHECK(held.size() == sent.blobs_included);
  CHECK(sent.blobs_included + sent.blobs_omitted == sent.blobs);
  CHECK(site.verify(sent.bundle).ok());
  site.import({sent.bundle});
  CHECK(site.served("file", "data/a.txt") == "new");
  CHECK(site.served("file", "data/b.txt") == "stays");
}

TEST_CASE("a site that has nothing of the channel yet is named by no base", "[ship]") {
  Producer near;
  FarSite site(near);
  const auto first = near.create({{"a.txt", "1"}});
  const auto delta = near.create({{"a.txt", "1"}, {"b.txt", "2"}}, {first.bundle});
  CHECK(code_of([&] { return site.import({delta.bundle}); }) == ErrorCode::base_missing);
  const auto third = near.create({{"a.txt", "1"}, {"b.txt", "2"}, {"c.txt", "3"}}, {site.need(2)});
  CHECK(near.host.open(third.bundle).shipment.bases.empty());
  CHECK(site.verify(third.bundle).ok());
  site.import({third.bundle});
  CHECK(site.served("file", "data/c.txt") == "3");
}

TEST_CASE("three sites at different stages are served by one sending", "[ship]") {
  Producer near;
  FarSite newest(near);
  FarSite older(near);
  FarSite oldest(near);
  const auto one = near.create({{"a.txt", "1"}});
  for (auto* site : {&newest, &older, &oldest}) {
    site->import({one.bundle});
  }
  const auto two = near.create({{"a.txt", "1"}, {"b.txt", "2"}});
  newest.import({two.bundle});
  older.import({two.bundle});
  const auto three = near.create({{"a.txt", "1"}, {"b.txt", "2"}, {"c.txt", "3"}});
  newest.import({three.bundle});
  const auto four = near.create({{"a.txt", "1"}, {"b.txt", "2"}, {"c.txt", "3"}, {"d.txt", "4"}});
  auto options = near.options(four.bundle);
  options.bases = {newest.receipt(), older.receipt(), oldest.receipt()};
  const auto sent = near.ship(options);
  const auto held = digests_in(sent.bundle);
  CHECK_FALSE(held.contains(digest_hex("1")));
  CHECK(held.contains(digest_hex("2")));
  CHECK(held.contains(digest_hex("3")));
  CHECK(held.contains(digest_hex("4")));
  CHECK(bundle::parse_shipment(trust::parse_envelope(bundle::Head::read(sent.bundle).shipment(), "s", 1u << 20).payload,
                               "s")
            .bases.size() == 3);
  for (auto* site : {&newest, &older, &oldest}) {
    site->import({sent.bundle});
    CHECK(site->served("file", "data/b.txt") == "2");
    CHECK(site->served("file", "data/d.txt") == "4");
  }
}

TEST_CASE("a need list gets exactly what it names", "[ship]") {
  Producer near;
  FarSite site(near);
  const auto one = near.create({{"a.txt", "1"}});
  site.import({one.bundle});
  // Three bundles that never arrive, and a delta on the last of them that does.
  near.create({{"a.txt", "1"}, {"b.txt", "2"}});
  near.create({{"a.txt", "1"}, {"b.txt", "2"}, {"c.txt", "3"}});
  const auto four = near.create({{"b.txt", "2"}, {"c.txt", "3"}, {"d.txt", "4"}});
  const auto five = near.create({{"b.txt", "2"}, {"c.txt", "3"}, {"d.txt", "4"}, {"e.txt", "5"}}, {four.bundle});
  CHECK(code_of([&] { return site.import({five.bundle}); }) == ErrorCode::base_missing);
  auto options = near.options(five.bundle);
  options.bases = {site.need(5)};
  const auto sent = near.ship(options);
  const std::set<std::string> wanted = {digest_hex("2"), digest_hex("3"), digest_hex("4")};
  CHECK(digests_in(sent.bundle) == wanted);

  SECTION("and with the bundle that was refused the site is complete") {
    const auto report = site.import({sent.bundle, five.bundle});
    CHECK(report.bundles.front().serial == 5);
    CHECK(site.served("file", "data/e.txt") == "5");
    CHECK(site.served("file", "data/b.txt") == "2");
  }
  SECTION("in whichever order they are named") {
    site.import({five.bundle, sent.bundle});
    CHECK(site.served("file", "data/e.txt") == "5");
  }
  SECTION("a site that no longer has that bundle says what it lacks now") {
    CHECK(code_of([&] { return site.import({sent.bundle}); }) == ErrorCode::base_missing);
    auto again = near.options(five.bundle, "third");
    again.bases = {site.need(5)};
    const auto third = near.ship(again);
    CHECK(digests_in(third.bundle).contains(digest_hex("5")));
    site.import({sent.bundle, third.bundle});
    CHECK(site.served("file", "data/e.txt") == "5");
  }
}

TEST_CASE("what a site withholds is not sent unasked", "[ship]") {
  Producer near;
  FarSite site(near);
  const auto made = near.create({{"a.txt", "1"}, {"b.txt", "2"}});
  auto import = site.options({made.bundle});
  import.withhold = {base::sha256("2")};
  import.reason = "not for this site";
  workflow::import_bundles(import, site.clock, site.reporter);
  auto options = near.options(made.bundle);
  options.bases = {site.receipt()};
  const auto sent = near.ship(options);
  CHECK(sent.kind == bundle::Shipment::Kind::metadata);
  options.withheld = workflow::Withheld::send_again;
  options.output = (near.host.root() / "asked").string() + "/";
  const auto asked = near.ship(options);
  CHECK(digests_in(asked.bundle) == std::set<std::string>{digest_hex("2")});
}

TEST_CASE("heads in a folder that only claim to be of a state cost little and hide none", "[ship]") {
  Producer near;
  FarSite site(near);
  site.import({near.create({{"a.txt", "1"}}).bundle});
  const auto two = near.create({{"a.txt", "1"}, {"b.txt", "2"}});
  const auto three = near.create({{"b.txt", "2"}, {"c.txt", "3"}}, {two.bundle});
  CHECK(code_of([&] { return site.import({three.bundle}); }) == ErrorCode::base_missing);
  auto options = near.options(three.bundle);
  options.bases = {site.need(3)};
  Medium medium;
  fs::copy_file(near.ship(options).bundle, medium.path() / "sent");
  const bool same_state = GENERATE(false, true);
  auto contents = bundle::Head::read(same_state ? three.bundle : two.bundle).contents();
  contents.hint.serial = 3;
  const auto bytes = bundle::build_head(contents, std::nullopt, bundle::HeadEnd::alone).value();
  for (int i = 0; i < 70; ++i) {
    base::write_file_atomic(medium.path() / ("planted-" + std::to_string(i)), bytes);
  }
  auto import = site.options({three.bundle});
  import.beside = {medium.path()};
  const auto run = [&] { return workflow::import_bundles(import, site.clock, site.reporter).bundles.size(); };
  const auto said = [&] {
    const auto warnings = site.reporter.warnings();
    return std::ranges::any_of(warnings, [](const auto& text) { return text.find("looked through") != text.npos; });
  };
  if (same_state) {
    // Each copy would have the whole folder listed again: beyond 64 they are told of.
    CHECK(code_of(run) == ErrorCode::base_missing);
    CHECK(said());
  } else {
    CHECK(run() == 1);
    CHECK_FALSE(said());
    CHECK(site.served("file", "data/b.txt") == "2");
  }
}

TEST_CASE("a watched folder completes one sending from another of the same state", "[ship]") {
  Producer near;
  FarSite site(near);
  site.import({near.create({{"a.txt", "1"}}).bundle});
  const auto two = near.create({{"a.txt", "1"}, {"b.txt", "2"}});
  const auto three = near.create({{"b.txt", "2"}, {"c.txt", "3"}}, {two.bundle});
  Medium diode;
  fs::copy_file(three.bundle, diode.path() / "x1");
  workflow::FolderWatch watch(diode.path(), site.options({}));
  CHECK(watch.look(site.clock, site.reporter) == 0);
  CHECK(watch.look(site.clock, site.reporter) == 0);  // its base is missing
  auto options = near.options(three.bundle);
  options.bases = {site.need(3)};
  fs::copy_file(near.ship(options).bundle, diode.path() / "x0");
  std::size_t taken = 0;
  for (int i = 0; i < 3; ++i) {
    taken += watch.look(site.clock, site.reporter);
  }
  CHECK(taken == 2);  // and the other one is the same again
  CHECK(site.served("file", "data/b.txt") == "2");
  CHECK(site.served("file", "data/c.txt") == "3");
}
