#include "store/scan_results.hpp"

#include "base/files.hpp"
#include "support/catch.hpp"

namespace airlock::store {

namespace {

ScanResult result(std::string_view content, ScanVerdict verdict, long time, std::string report = "") {
  return {.sha256 = base::sha256(content),
          .verdict = verdict,
          .report = std::move(report),
          .discarded = 7,
          .time = base::Time(std::chrono::seconds(time))};
}

const ScannerName k_old{.id = std::string(64, 'a'), .text = "clamscan, 1"};
const ScannerName k_new{.id = std::string(64, 'b'), .text = "clamscan, 2"};

}  // namespace

TEST_CASE("each scanner's word is kept for itself, and outlives the process", "[store][scan]") {
  const base::TempDir home;
  {
    ScanResults results(home.path());
    results.add(k_old, {result("one", ScanVerdict::clean, 10), result("two", ScanVerdict::refused, 11, "bad\nthing")});
    results.add(k_new, {result("one", ScanVerdict::refused, 20, "learnt")});
    results.add(k_new, {});
  }
  const ScanResults results(home.path());
  CHECK(results.find(base::sha256("one"), k_old.id)->verdict == ScanVerdict::clean);
  CHECK(results.find(base::sha256("one"), k_new.id)->report == "learnt");
  CHECK_FALSE(results.find(base::sha256("two"), k_new.id));
  CHECK_FALSE(results.find(base::sha256("three"), k_old.id));
  CHECK(results.find(base::sha256("two"), k_old.id)->discarded == 7);
  CHECK(results.refused_by(k_old.id) == std::set{base::sha256("two")});
  CHECK(results.refused_by(std::string(64, 'c')).empty());
  const auto said = results.of(base::sha256("one"));
  REQUIRE(said.size() == 2);
  CHECK(said.front().scanner == "clamscan, 2");  // the newest first
  const auto scanners = results.scanners();
  REQUIRE(scanners.size() == 2);
  CHECK(scanners.front().scanner.id == k_new.id);
  CHECK(scanners.back().clean == 1);
  CHECK(scanners.back().refused == 1);
}

TEST_CASE("a later word of the same scanner takes the place of the earlier", "[store][scan]") {
  const base::TempDir home;
  ScanResults results(home.path());
  results.add(k_old, {result("one", ScanVerdict::refused, 10, "false alarm")});
  results.add(k_old, {result("one", ScanVerdict::clean, 12)});
  CHECK(results.refused_by(k_old.id).empty());
  CHECK(results.of(base::sha256("one")).size() == 1);
}

}  // namespace airlock::store
