// What the audit log keeps of bundles that were refused, and of new roots.
#include "far_fixture.hpp"

#include <algorithm>

#include "workflow/status.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

namespace {

std::vector<base::Json> entries(const Site& site, std::string_view action) {
  std::vector<base::Json> list;
  for (const auto& entry : site.state().audit_entries()) {
    if (entry.action == action) {
      list.push_back(base::Json::parse(entry.detail));
    }
  }
  return list;
}

}  // namespace

TEST_CASE("a bundle that is refused leaves an entry, marked as unproven") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  auto options = site.options({});
  options.ticket = "CHG-7";
  std::string code;
  bool calls_security = false;
  SECTION("tampered") {
    const auto bundle = make_bundle(medium.path(), sample_files(), keys);
    flip_bit(bundle.head, offset_of(bundle.head, "read me"));
    options.bundles = {bundle.head};
    code = "tampered";
    calls_security = true;
  }
  SECTION("of a stranger") {
    options.bundles = {make_bundle(medium.path(), sample_files(), ProducerKeys()).head};
    code = "untrusted";
  }
  SECTION("older than what is here") {
    const auto first = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys);
    const auto second = make_bundle(medium.path(), {text_file("a.txt", "2")}, keys,
                                    {.serial = 2, .created = bundle_time(1), .previous = first.contents});
    site.clock.set(bundle_time(2));
    site.import({second.head});
    options.bundles = {first.head};
    code = "rollback";
  }
  SECTION("against the policy") {
    base::write_file_atomic(site.home.config / "policy.yaml", "limits: { files: 1 }\n");
    options.bundles = {make_bundle(medium.path(), sample_files(), keys).head};
    code = "policy";
  }
  const auto error = error_of([&] { return workflow::import_bundles(options, site.clock, site.reporter); });
  CHECK(base::error_code_info(error.code()).name == code);
  CHECK((error.hint().find("keep this medium") != std::string::npos) == calls_security);
  const auto kept = entries(site, "import-refused");
  REQUIRE(kept.size() == 1);
  CHECK(kept[0]["code"] == code);
  CHECK_FALSE(kept[0]["message"].get<std::string>().empty());
  CHECK(kept[0]["file"] == options.bundles.front().filename().string());
  CHECK(kept[0]["claimed"]["channel"] == "site-a");
  CHECK(kept[0]["claimed"]["serial"] == 1);
  CHECK(kept[0]["proven"] == false);
  CHECK(kept[0]["ticket"] == "CHG-7");
  CHECK(kept[0].contains("medium"));

  // The same again is no news that day.
  CHECK_THROWS_AS(workflow::import_bundles(options, site.clock, site.reporter), base::Error);
  CHECK(entries(site, "import-refused").size() == 1);
  site.clock.set(site.clock.now() + std::chrono::hours(25));
  CHECK_THROWS_AS(workflow::import_bundles(options, site.clock, site.reporter), base::Error);
  CHECK(entries(site, "import-refused").size() == 2);
  CHECK(store::check_audit(site.state().audit_entries()).empty());
}

TEST_CASE("what only waits for something leaves no entry") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), sample_files(), keys, {.sealed = false});
  CHECK(code_of([&] { return site.import({bundle.head}); }) == ErrorCode::approval_missing);
  CHECK(entries(site, "import-refused").empty());
}

TEST_CASE("nobody fills the audit log with what is refused") {
  const ProducerKeys keys;
  const ProducerKeys stranger;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), {text_file("a.txt", "1")}, stranger);
  std::vector<fs::path> copies;
  for (int i = 0; i < 110; ++i) {
    copies.push_back(medium.path() / ("copy-" + std::to_string(i)));
    fs::copy_file(bundle.head, copies.back());
  }
  CHECK(code_of([&] { return site.import(copies); }) == ErrorCode::untrusted);
  const auto kept = entries(site, "import-refused");
  REQUIRE(kept.size() == 100);
  CHECK_FALSE(kept[98].contains("further"));
  CHECK(kept[99].contains("further"));
  CHECK(code_of([&] { return site.import(copies); }) == ErrorCode::untrusted);
  CHECK(entries(site, "import-refused").size() == 100);
}

TEST_CASE("a name that is none is kept as text, and cut") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), {text_file("a.txt", "1")}, ProducerKeys());
  const auto odd = medium.path() / ("\x1b[2J\xff" + std::string(240, 'n'));
  fs::rename(bundle.head, odd);
  CHECK(code_of([&] { return site.import({odd}); }) == ErrorCode::untrusted);
  const auto kept = entries(site, "import-refused");
  REQUIRE(kept.size() == 1);
  const auto name = kept[0]["file"].get<std::string>();
  CHECK(name.find('\x1b') == std::string::npos);
  CHECK(name.size() < 230);
}

TEST_CASE("a new root is an entry of its own, with what it changed") {
  ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto first = make_bundle(medium.path(), {text_file("a.txt", "1")}, keys);
  site.import({first.head});
  CHECK(entries(site, "root-accepted").empty());
  keys.rotate("timestamp");
  keys.rotate("snapshot");
  BundlePlan plan{.serial = 2, .created = bundle_time(1), .previous = first.contents};
  // Also where the rest is bad, since the root is kept then, too.
  plan.change_head = [](bundle::HeadContents& head) { head.metadata["timestamp.json"] = "{}"; };
  const auto bad = make_bundle(medium.path(), {text_file("a.txt", "2")}, keys, plan);
  site.clock.set(bundle_time(2));
  CHECK_THROWS_AS(site.import({bad.head}), base::Error);
  const auto kept = entries(site, "root-accepted");
  REQUIRE(kept.size() == 2);
  CHECK(kept[0]["version"] == 2);
  CHECK(kept[1]["version"] == 3);
  REQUIRE(kept[0]["changes"].size() == 2);
  CHECK(kept[0]["changes"][0].get<std::string>().starts_with("timestamp: + "));
  CHECK(kept[0]["changes"][1].get<std::string>().starts_with("timestamp: - "));
  CHECK(kept[1]["changes"][0].get<std::string>().starts_with("snapshot: + "));
  CHECK(kept[1]["file"] == bad.head.filename().string());
  CHECK_THROWS_AS(site.import({bad.head}), base::Error);
  CHECK(entries(site, "root-accepted").size() == 2);
}

TEST_CASE("bytes that an interrupted run brought count as new") {
  const ProducerKeys keys;
  Site site(&keys);
  Medium medium;
  const auto bundle = make_bundle(medium.path(), {text_file("a.txt", std::string(50'000, 'x'))}, keys);
  auto options = site.options({bundle.head});
  options.at_step = [](std::string_view step) {
    if (step == "synced") {
      throw base::Error(ErrorCode::interrupted, "here");
    }
  };
  CHECK(code_of([&] { return workflow::import_bundles(options, site.clock, site.reporter); }) ==
        ErrorCode::interrupted);
  site.import({bundle.head});
  CHECK(entries(site, "import").front()["bytes_new"].get<std::uint64_t>() >= 50'000);
  const auto status = site.status(std::chrono::days(365));
  CHECK(status.next_import >= 50'000);
}
