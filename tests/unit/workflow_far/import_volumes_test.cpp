// Bundles in volumes: wherever they lie, whatever they are called, whichever of them is missing or damaged.
#include "far_fixture.hpp"

#include <algorithm>

#include "base/tar.hpp"
#include "store/blob_store.hpp"

using namespace airlock;
using namespace airlock::test;
using base::ErrorCode;

namespace {

struct Set {
  ProducerKeys keys;
  Medium medium;
  std::vector<BundleFile> files = big_files(12, 20'000);
  MadeBundle bundle = make_bundle(medium.path(), files, keys, {.volume_size = 80'000});

  bool is_served_by(const Site& site) const {
    return std::all_of(files.begin(), files.end(), [&site](const BundleFile& file) {
      return site.served(file.ecosystem, file.path) == file.content;
    });
  }
};

}  // namespace

TEST_CASE("volumes are found under any name, in several folders, from any of them") {
  Set set;
  REQUIRE(set.bundle.volumes.size() >= 3);
  Medium other;
  fs::rename(set.bundle.volumes[1], other.path() / "copy of something.bin");
  fs::rename(set.bundle.volumes[0], set.medium.path() / "zzz");

  SECTION("by a flag") {
    Site site(&set.keys);
    auto options = site.options({set.bundle.head});
    options.volumes = {other.path()};
    workflow::import_bundles(options, site.clock, site.reporter);
    CHECK(set.is_served_by(site));
  }
  SECTION("as folders") {
    Site site(&set.keys);
    site.import({other.path(), set.medium.path()});
    CHECK(set.is_served_by(site));
  }
  SECTION("named by a volume") {
    Site site(&set.keys);
    site.import({other.path() / "copy of something.bin", set.medium.path() / "zzz"});
    CHECK(set.is_served_by(site));
  }
}

TEST_CASE("each missing volume is named, and its blobs alone are still wanted afterwards") {
  Set set;
  for (std::size_t i = 0; i < set.bundle.volumes.size(); ++i) {
    Medium elsewhere;
    const auto away = elsewhere.path() / "volume";
    fs::rename(set.bundle.volumes[i], away);
    Site site(&set.keys);
    const auto error = error_of([&] { return site.import({set.bundle.head}); });
    INFO(error.message());
    CHECK(error.code() == ErrorCode::volume_missing);
    CHECK(base::error_code_info(error.code()).exit_code == 4);
    CHECK(error.message().find("volume " + std::to_string(i + 1) + " of " +
                               std::to_string(set.bundle.volumes.size())) != std::string::npos);
    CHECK(site.generations().empty());

    fs::rename(away, set.bundle.volumes[i]);
    const auto report = site.import({set.bundle.head});
    CHECK(report.bundles.front().bytes_written < 12 * 20'000);  // most was there
    CHECK(set.is_served_by(site));
  }
}

TEST_CASE("volumes come one stick at a time") {
  Set set;
  Site site(&set.keys);
  Medium stick;
  for (std::size_t i = 0; i < set.bundle.volumes.size(); ++i) {
    const auto here = stick.path() / "volume.tar";
    fs::rename(set.bundle.volumes[i], here);
    Medium head_only;
    fs::copy_file(set.bundle.head, head_only.path() / "head.airlock");
    const auto run = [&] { return site.import({head_only.path() / "head.airlock", stick.path()}); };
    if (i + 1 < set.bundle.volumes.size()) {
      CHECK(code_of(run) == ErrorCode::volume_missing);
    } else {
      run();
    }
    fs::remove(here);
  }
  CHECK(set.is_served_by(site));
}

TEST_CASE("volumes without their head are said to lack it") {
  Set set;
  Site site(&set.keys);
  fs::remove(set.bundle.head);
  CHECK(code_of([&] { return site.import({set.medium.path()}); }) == ErrorCode::volume_missing);
  CHECK(code_of([&] { return site.import({set.bundle.volumes.front()}); }) == ErrorCode::volume_missing);
}

TEST_CASE("a volume of another bundle in the place of the right one") {
  Set set;
  Medium other_medium;
  const auto other =
      make_bundle(other_medium.path(), big_files(12, 30'000), set.keys, {.channel = "site-b", .volume_size = 80'000});
  fs::copy_file(other.volumes[1], set.bundle.volumes[1], fs::copy_options::overwrite_existing);
  Site site(&set.keys);
  const auto error = error_of([&] { return site.import({set.bundle.head}); });
  CHECK(error.code() == ErrorCode::volume_missing);
  CHECK(error.message().find("volume 2 of") != std::string::npos);
  CHECK(site.generations().empty());
  const auto report = site.verify(set.bundle.head);
  CHECK(report.exit_code() == 4);
  CHECK(has_finding(report, ErrorCode::foreign, "site-b"));
}

TEST_CASE("each volume truncated at any place is incomplete") {
  Set set;
  for (const auto& volume : set.bundle.volumes) {
    const auto whole = text_of(volume);
    // Behind the last blob's bytes stand less than a block of padding and two blocks that end the tar.
    for (const auto length : {whole.size() - 1700, whole.size() / 2, std::size_t{700}, std::size_t{100}}) {
      cut(volume, length);
      Site site(&set.keys);
      const auto error = error_of([&] { return site.import({set.bundle.head}); });
      INFO(volume.filename().string() << " cut to " << length << ": " << error.message());
      CHECK(base::error_code_info(error.code()).exit_code == 4);
      CHECK(site.generations().empty());
      CHECK(site.verify(set.bundle.head).exit_code() == 4);
      base::write_file_atomic(volume, whole);
      site.import({set.bundle.head});
      CHECK(set.is_served_by(site));
    }
  }
}

TEST_CASE("a volume that lacks only the end of its tar lacks no bytes that anybody needs, and verify says so") {
  Set set;
  for (const auto& volume : set.bundle.volumes) {
    const auto whole = text_of(volume);
    cut(volume, whole.size() - 600);
    Site site(&set.keys);
    const auto report = site.verify(set.bundle.head);
    CHECK(has_finding(report, ErrorCode::truncated, volume.filename().string()));
    site.import({set.bundle.head});
    CHECK(set.is_served_by(site));
    base::write_file_atomic(volume, whole);
  }
}

TEST_CASE("a damaged copy of a volume hides no good one") {
  const bool cut_blobs = GENERATE(false, true);
  const ProducerKeys keys;
  Medium medium;
  const auto bundle =
      make_bundle(medium.path(), big_files(3, cut_blobs ? 200'000 : 20'000), keys, {.volume_size = 80'000});
  REQUIRE_FALSE(bundle.volumes.empty());
  const auto copy = medium.path() / "000-sent-first";
  fs::copy_file(bundle.volumes[0], copy);
  flip_bit(copy, text_of(copy).find("file ") + 50);
  Site site(&keys);
  const auto report = site.verify(bundle.head);
  CHECK(report.exit_code() == 0);
  CHECK(has_finding(report, ErrorCode::tampered, "another copy of it is"));
  site.import({bundle.head});
  CHECK(site.generations().size() == 1);
  for (const auto& file : big_files(3, cut_blobs ? 200'000 : 20'000)) {
    CHECK(site.served("file", file.path) == file.content);
  }
  REQUIRE_FALSE(site.reporter.warnings().empty());
  CHECK(site.reporter.warnings().back().find("000-sent-first") != std::string::npos);
  // Where both are damaged there is none.
  flip_bit(bundle.volumes[0], text_of(bundle.volumes[0]).find("file ") + 60);
  Site other(&keys);
  CHECK(code_of([&] { return other.import({bundle.head}); }) == ErrorCode::tampered);
  CHECK(other.verify(bundle.head).exit_code() == 3);
  CHECK(other.generations().empty());
}

TEST_CASE("of a blob that claims another length than was signed nothing is read") {
  const ProducerKeys keys;
  Medium medium;
  const auto bundle = make_bundle(medium.path(), big_files(3, 10'000), keys);
  const std::string whole = text_of(bundle.head);
  const auto last = whole.rfind("blobs/sha256/");
  REQUIRE(last != std::string::npos);
  constexpr std::uint64_t claimed = 1ull << 40;  // a hole, which takes no room on the medium
  base::write_file_atomic(bundle.head, whole.substr(0, last) + base::tar_header(whole.c_str() + last, claimed, 0));
  fs::resize_file(bundle.head, last + base::k_tar_block + claimed + base::k_tar_end_size);
  Site site(&keys);
  const auto error = error_of([&] { return site.import({bundle.head}); });
  CHECK(error.code() == ErrorCode::tampered);
  CHECK(error.message().find(std::to_string(claimed) + " bytes long") != std::string::npos);
  CHECK(site.generations().empty());
  base::write_file_atomic(bundle.head, whole);
  site.import({bundle.head});
  CHECK(site.generations().size() == 1);
}

TEST_CASE("each volume with one bit flipped in a blob is named; only it is to be copied again") {
  Set set;
  for (const auto& volume : set.bundle.volumes) {
    const auto whole = text_of(volume);
    const auto place = whole.find("file ");
    if (place == std::string::npos) {
      continue;  // it holds documents about the bundle only
    }
    flip_bit(volume, place + 50);
    Site site(&set.keys);
    const auto error = error_of([&] { return site.import({set.bundle.head}); });
    CHECK(error.code() == ErrorCode::tampered);
    CHECK(error.message().find(volume.filename().string()) != std::string::npos);
    const auto report = site.verify(set.bundle.head);
    CHECK(report.exit_code() == 3);
    CHECK(has_finding(report, ErrorCode::tampered, volume.filename().string()));
    CHECK(has_finding(report, ErrorCode::tampered, "is not what was signed"));
    base::write_file_atomic(volume, whole);
    const auto after = site.import({set.bundle.head});
    CHECK(after.bundles.front().bytes_written < 12 * 20'000);
    CHECK(set.is_served_by(site));
  }
}

TEST_CASE("a blob that is cut over volumes is put together, and missed as a whole") {
  const ProducerKeys keys;
  Medium medium;
  const auto files = std::vector{text_file("big.bin", std::string(300'000, 'x') + "end"), text_file("a.txt", "small")};
  const auto bundle = make_bundle(medium.path(), files, keys, {.volume_size = 80'000});
  REQUIRE(bundle.volumes.size() >= 4);
  SECTION("whole") {
    Site site(&keys);
    site.import({bundle.head});
    CHECK(site.served("file", "big.bin") == files[0].content);
  }
  SECTION("one part missing") {
    fs::remove(bundle.volumes[1]);
    Site site(&keys);
    CHECK(code_of([&] { return site.import({bundle.head}); }) == ErrorCode::volume_missing);
    CHECK(site.verify(bundle.head).exit_code() == 4);
  }
}
