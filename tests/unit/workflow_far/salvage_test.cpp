// What a store has lost of what it accepted, taken from bundles and volumes of any age and origin.
#include "far_fixture.hpp"

#include <algorithm>
#include <set>

#include "base/json.hpp"
#include "base/tar.hpp"
#include "store/blob_store.hpp"
#include "workflow/generations.hpp"
#include "workflow/salvage.hpp"
#include "workflow/sweep.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

namespace {

const std::string k_same = "content that each state has";
const std::string k_also = "this is in each of them, too";

fs::path blob_file(const Site& site, std::string_view content) {
  const auto name = base::sha256(content).hex();
  return site.home.blobs() / "sha256" / name.substr(0, 2) / name;
}

bool has_whole(const Site& site, std::string_view content) {
  return fs::exists(blob_file(site, content)) && text_of(blob_file(site, content)) == content;
}

void damage_blob(const Site& site, std::string_view content) {
  flip_bit(blob_file(site, content), 1);
}

void lose_blob(const Site& site, std::string_view content) {
  REQUIRE(fs::remove(blob_file(site, content)));
}

// So that what is damaged does not count as present any more.
void forget_damage(Site& site) {
  workflow::check_store({.home = site.home, .mode = workflow::StoreCheckOptions::Mode::repair}, site.clock,
                        site.reporter);
}

workflow::SalvageReport salvage(Site& site, const std::vector<fs::path>& bundles) {
  return workflow::salvage_blobs({.home = site.home, .bundles = bundles, .remark = {"a disk failed", "OPS-3"}},
                                 site.clock, site.reporter);
}

bool check_is_clean(Site& site) {
  return workflow::check_store({.home = site.home}, site.clock, site.reporter).findings.empty();
}

std::set<std::string> blob_files(const Site& site) {
  std::set<std::string> names;
  store::BlobStore(site.home.blobs()).for_each_file([&names](const base::Digest& sha256, std::uint64_t) {
    names.insert(sha256.hex());
  });
  return names;
}

// Trust state, floors and generations: nothing of it is a salvage's business.
std::string accepted(const Site& site) {
  const auto state = site.state();
  std::string text = base::to_rfc3339(state.time_floor().value()) + base::to_rfc3339(state.last_wall().value());
  for (const auto& key : state.channels()) {
    text += key.producer + key.channel + std::to_string(state.last_serial(key).value_or(0)) +
            state.role(key, "root").value_or("") + state.role(key, "timestamp").value_or("");
  }
  for (const auto& generation : state.generations()) {
    text += std::to_string(generation.id) + generation.bundle_id + generation.head_digest +
            (generation.active ? "active" : "");
  }
  return text + std::to_string(store::current_catalog_number(site.home.root));
}

// Three states of one channel, all imported, the third served.
struct Lossy : States {
  Lossy() : States(3, {text_file("same.txt", k_same), text_file("also.txt", k_also)}) {
    for (std::size_t i = 0; i < made.size(); ++i) {
      take(i);
    }
  }
};

bool has_note(const workflow::SalvageReport& report, ErrorCode code, std::string_view in_text) {
  return std::any_of(report.notes.begin(), report.notes.end(), [&](const base::Finding& note) {
    return note.code == code && (note.subject + " " + note.message).find(in_text) != std::string::npos;
  });
}

struct Stopped {};

}  // namespace

TEST_CASE("what was damaged or lost is taken from an old bundle, and nothing else is changed") {
  const bool forgotten = GENERATE(false, true);
  Lossy states;
  auto& site = states.site;
  const auto files = blob_files(site);
  damage_blob(site, k_same);
  lose_blob(site, k_also);
  if (forgotten) {
    forget_damage(site);
  }
  REQUIRE_FALSE(site.served("file", "also.txt"));
  site.clock.set(bundle_time(400));  // everything has expired
  const auto before = accepted(site);

  const auto report = salvage(site, {states.made[0].head});
  CHECK(report.lacking == 2);
  CHECK(report.blobs == 2);
  CHECK(report.bytes == k_same.size() + k_also.size());
  CHECK(report.missing == 0);
  CHECK(report.findings.empty());
  CHECK(report.exit_code() == 0);
  CHECK(site.served("file", "same.txt") == k_same);
  CHECK(site.served("file", "also.txt") == k_also);
  CHECK(site.served("file", "a.txt") == "state 3");
  CHECK(blob_files(site) == files);
  CHECK(accepted(site) == before);
  CHECK(check_is_clean(site));

  const auto entry = site.state().last_audit_entry();
  REQUIRE(entry);
  CHECK(entry->action == "salvage");
  const auto detail = base::Json::parse(entry->detail);
  CHECK(detail["blobs"] == 2);
  CHECK(detail["missing"] == 0);
  CHECK(detail["digests"].size() == 2);
  CHECK(detail["ticket"] == "OPS-3");
  CHECK(detail["from"][0]["path"] == states.made[0].head.string());

  const auto fingerprint = site.fingerprint();
  const auto again = salvage(site, {states.made[0].head});
  CHECK(again.lacking == 0);
  CHECK(again.blobs == 0);
  CHECK(again.exit_code() == 0);
  CHECK(site.fingerprint() == fingerprint);
}

TEST_CASE("what the given bundle lacks stays missing and is named, whatever lies beside it") {
  Lossy states;
  auto& site = states.site;
  damage_blob(site, "state 3");
  const auto before = site.fingerprint();
  const auto report = salvage(site, {states.made[0].head});
  CHECK(report.exit_code() == 4);
  CHECK(report.lacking == 1);
  CHECK(report.blobs == 0);
  CHECK(report.missing == 1);
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings[0].code == ErrorCode::base_missing);
  CHECK(report.findings[0].subject == base::sha256("state 3").to_string());
  CHECK(report.findings[0].message == "file 'a.txt' of channel 'site-a' (bundle 3) is still missing or damaged");
  CHECK(fs::exists(blob_file(site, "state 3")));
  CHECK(site.fingerprint() == before);
  CHECK(salvage(site, {states.medium.path()}).exit_code() == 0);
  CHECK(site.served("file", "a.txt") == "state 3");
}

TEST_CASE("what only a state needs that is not served is taken, and missed with a note") {
  Lossy states;
  auto& site = states.site;
  damage_blob(site, "state 1");
  forget_damage(site);
  const auto report = salvage(site, {states.made[1].head});
  CHECK(report.exit_code() == 0);
  CHECK(report.lacking == 1);
  CHECK(report.missing == 0);
  CHECK(has_note(report, ErrorCode::base_missing, "not served"));
  CHECK(salvage(site, {states.made[0].head}).blobs == 1);
  workflow::activate_generation(site.home, 1, site.clock);
  CHECK(site.served("file", "a.txt") == "state 1");
}

TEST_CASE("volumes without their head will do, named by one of them or by their folder") {
  const std::size_t size = GENERATE(20'000U, 200'000U);  // the larger ones are cut
  const bool by_folder = GENERATE(true, false);
  const ProducerKeys keys;
  Medium medium;
  const auto files = big_files(5, size);
  const auto bundle = make_bundle(medium.path(), files, keys, {.volume_size = 80'000});
  REQUIRE(bundle.volumes.size() >= 2);
  Site site(&keys);
  site.import({bundle.head});
  fs::remove(bundle.head);
  CHECK(code_of([&] { return site.import({medium.path()}); }) == ErrorCode::volume_missing);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i % 2 == 0) {
      damage_blob(site, files[i].content);
    } else {
      lose_blob(site, files[i].content);
    }
  }
  const auto report = salvage(site, {by_folder ? medium.path() : bundle.volumes.back()});
  CHECK(report.exit_code() == 0);
  CHECK(report.blobs == files.size());
  for (const auto& file : files) {
    CHECK(site.served("file", file.path) == file.content);
  }
}

TEST_CASE("another producer's bundle will do, and is trusted in nothing") {
  Lossy states;
  auto& site = states.site;
  const ProducerKeys stranger;
  Medium other;
  const auto foreign = make_bundle(other.path(), {text_file("other/name.txt", k_same), text_file("b.txt", "unwanted")},
                                   stranger, {.channel = "site-b", .sealed = false});
  lose_blob(site, k_same);
  const auto before = accepted(site);
  CHECK(salvage(site, {foreign.head}).exit_code() == 0);
  CHECK(site.served("file", "same.txt") == k_same);
  CHECK_FALSE(fs::exists(blob_file(site, "unwanted")));
  CHECK(accepted(site) == before);
}

TEST_CASE("a wrong blob under the right name gives nothing, and hides no right one") {
  Lossy states;
  auto& site = states.site;
  Medium other;
  const auto bad = other.path() / "bad.airlock";
  fs::copy_file(states.made[0].head, bad);
  flip_bit(bad, offset_of(bad, k_same) + 3);
  const bool damaged = GENERATE(false, true);
  if (damaged) {
    damage_blob(site, k_same);
  } else {
    lose_blob(site, k_same);
  }
  SECTION("alone") {
    const auto before = site.fingerprint();
    const auto report = salvage(site, {bad});
    CHECK(report.exit_code() == 4);
    CHECK(report.blobs == 0);
    CHECK(has_note(report, ErrorCode::tampered, base::sha256(k_same).to_string()));
    CHECK(has_note(report, ErrorCode::tampered, "bad.airlock"));
    CHECK_FALSE(has_whole(site, k_same));
    CHECK(fs::exists(blob_file(site, k_same)) == damaged);
    CHECK(site.fingerprint() == before);
  }
  SECTION("beside another copy of the same bundle") {
    const auto report = salvage(site, {bad, states.made[0].head});
    CHECK(report.exit_code() == 0);
    CHECK(has_whole(site, k_same));
  }
  SECTION("beside other copies of which one is bad as well") {
    const auto worse = other.path() / "a worse one.airlock";
    fs::copy_file(states.made[0].head, worse);
    flip_bit(worse, offset_of(worse, k_same) + 4);
    const auto report = salvage(site, {bad, worse, states.made[0].head});
    CHECK(report.exit_code() == 0);
    CHECK(has_whole(site, k_same));
  }
  SECTION("beside so many bad ones that it says where it stopped") {
    for (int i = 0; i < 16; ++i) {
      fs::copy_file(bad, other.path() / ("bad-" + std::to_string(i)));
    }
    const auto report = salvage(site, {bad});
    CHECK(report.exit_code() == 4);
    CHECK(has_note(report, ErrorCode::limit, "only 16 copies of it that are bad were looked through"));
  }
  SECTION("beside another bundle") {
    Medium third;  // nothing of the first bundle lies beside it
    fs::copy_file(states.made[1].head, third.path() / "good.airlock");
    const auto report = salvage(site, {bad, third.path()});
    CHECK(has_note(report, ErrorCode::tampered, "bad.airlock"));
    CHECK(report.exit_code() == 0);
    CHECK(has_whole(site, k_same));
  }
  CHECK(fs::is_empty(site.home.blobs() / "incoming"));
}

TEST_CASE("a file with members that no bundle has is left out whole, and one that ends early gives what it has") {
  Lossy states;
  auto& site = states.site;
  lose_blob(site, k_same);
  Medium other;
  const auto odd = other.path() / "odd.airlock";
  auto bytes = text_of(states.made[0].head);
  SECTION("a member behind its blobs") {
    bytes.resize(bytes.size() - base::k_tar_end_size);
    bytes += base::tar_header("metadata/more.json", 0, 0) + std::string(base::k_tar_end_size, '\0');
    base::write_file_atomic(odd, bytes);
    const auto report = salvage(site, {odd});
    CHECK(report.exit_code() == 4);
    CHECK(has_note(report, ErrorCode::tampered, "does not belong there"));
    CHECK_FALSE(has_whole(site, k_same));
  }
  SECTION("cut behind the blob") {
    const auto place = bytes.find(k_same);
    REQUIRE(place != std::string::npos);
    base::write_file_atomic(odd, bytes.substr(0, place + k_same.size()));
    const auto report = salvage(site, {odd});
    CHECK(report.exit_code() == 0);
    CHECK(has_note(report, ErrorCode::truncated, "odd.airlock"));
    CHECK(has_whole(site, k_same));
  }
}

TEST_CASE("what this site does not want is not salvaged") {
  States states(1, {text_file("same.txt", k_same)});
  auto& site = states.site;
  SECTION("withheld") {
    auto options = site.options({states.made[0].head});
    options.withhold = {base::sha256(k_same)};
    options.reason = "not here";
    workflow::import_bundles(options, site.clock, site.reporter);
  }
  SECTION("of a channel out of service") {
    states.take(0);
    workflow::deactivate_channel(site.home, {.producer = "", .channel = "site-a"}, site.clock,
                                 {.reason = "moved", .ticket = ""});
    workflow::sweep_store({.home = site.home, .keep = 1}, site.clock, site.reporter);
  }
  SECTION("of a channel out of service, damaged and not swept") {
    states.take(0);
    workflow::deactivate_channel(site.home, {.producer = "", .channel = "site-a"}, site.clock,
                                 {.reason = "moved", .ticket = ""});
    damage_blob(site, k_same);
  }
  REQUIRE_FALSE(has_whole(site, k_same));
  const auto report = salvage(site, {states.made[0].head});
  CHECK(report.lacking == 0);
  CHECK(report.exit_code() == 0);
  CHECK_FALSE(has_whole(site, k_same));
}

TEST_CASE("a salvage that is ended in between changes nothing, and the next one keeps what it wrote") {
  Lossy states;
  auto& site = states.site;
  damage_blob(site, k_same);
  forget_damage(site);
  const auto before = site.fingerprint();
  workflow::SalvageOptions options{.home = site.home, .bundles = {states.made[0].head}};
  options.at_step = [](std::string_view step) {
    if (step == "blobs-stored") {
      throw Stopped{};
    }
  };
  CHECK_THROWS_AS(workflow::salvage_blobs(options, site.clock, site.reporter), Stopped);
  CHECK(site.fingerprint() == before);
  CHECK_FALSE(site.state().has_blob(base::sha256(k_same)));

  const ProducerKeys stranger;
  Medium other;
  const auto foreign = make_bundle(other.path(), {text_file("b.txt", "nothing of it")}, stranger);
  const auto report = salvage(site, {foreign.head});
  CHECK(report.exit_code() == 0);
  CHECK(report.blobs == 1);
  CHECK(report.bytes_written == 0);
  CHECK(site.state().has_blob(base::sha256(k_same)));
}

TEST_CASE("an import may go on while the store is read, and what it brings is not taken again") {
  Lossy states;
  auto& site = states.site;
  damage_blob(site, "state 3");
  workflow::SalvageOptions options{.home = site.home, .bundles = {states.made[0].head}};
  options.at_step = [&](std::string_view step) {
    if (step == "checked") {
      lose_blob(site, "state 3");
      site.import({states.made[2].head});
    }
  };
  const auto report = workflow::salvage_blobs(options, site.clock, site.reporter);
  CHECK(report.lacking == 0);
  CHECK(report.exit_code() == 0);
  CHECK(has_whole(site, "state 3"));
}

TEST_CASE("a salvage says where there is nothing to take from, or nothing to mend") {
  Lossy states;
  auto& site = states.site;
  Medium empty;
  CHECK(code_of([&] { return salvage(site, {empty.path()}); }) == ErrorCode::not_found);
  CHECK(code_of([&] { return salvage(site, {empty.path() / "absent"}); }) == ErrorCode::not_found);
  base::write_file_atomic(empty.path() / "notes.txt", "no bundle");
  CHECK(code_of([&] { return salvage(site, {empty.path() / "notes.txt"}); }) == ErrorCode::malformed);
  Site fresh(&states.keys);
  CHECK(code_of([&] { return salvage(fresh, {states.made[0].head}); }) == ErrorCode::not_found);
  CHECK_FALSE(fs::exists(fresh.home.root / "airlock.db"));
}
