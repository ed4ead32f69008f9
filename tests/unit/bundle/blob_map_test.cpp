#include "bundle/blob_map.hpp"

#include <fstream>

#include "bundle/head.hpp"
#include "support/bundle_maker.hpp"
#include "support/errors.hpp"
#include "written_set.hpp"

using namespace airlock;
using namespace airlock::bundle;
using namespace airlock::test;
using airlock::base::ErrorCode;

namespace {

std::vector<BundleFile> large_files() {
  return {text_file("a", blob_bytes(1, 3000)), text_file("b", blob_bytes(2, 90'000)),
          text_file("c", blob_bytes(3, 20'000)), text_file("d", blob_bytes(4, 10))};
}

std::string content(const BlobMap& map, const base::Digest& sha256) {
  const auto location = map.find(sha256);
  REQUIRE(location);
  BlobSource source(*location);
  return base::read_all(source, 1 << 20);
}

std::size_t complete_blobs(const BlobMap& map) {
  std::size_t count = 0;
  for (const BundleFile& file : large_files()) {
    if (map.find(base::sha256(file.content))) {
      CHECK(content(map, base::sha256(file.content)) == file.content);
      ++count;
    }
  }
  return count;
}

bool has_finding(const BlobMap& map, ErrorCode code, const std::string& file) {
  for (const base::Finding& finding : map.findings()) {
    if (finding.code == code && finding.subject.find(file) != std::string::npos) {
      return true;
    }
  }
  return false;
}

}  // namespace

TEST_CASE("blobs of one file are found behind its head", "[bundle][blob_map]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), large_files(), keys);
  const BlobMap map = BlobMap::scan(Head::read(made.head), {});
  CHECK(complete_blobs(map) == 4);
  CHECK(map.size() == 6);  // with two attachments
  CHECK(map.findings().empty());
  CHECK_FALSE(map.find(base::sha256("never")));
}

TEST_CASE("blobs are visited in the order of the medium", "[bundle][blob_map]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto volume_size = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(40'000));
  const auto made = make_bundle(folder.path(), large_files(), keys, {.volume_size = volume_size});
  const BlobMap map = BlobMap::scan(Head::read(made.head), {});
  std::vector<base::Digest> order;
  map.for_each([&](const base::Digest& sha256, const BlobLocation& location) {
    order.push_back(sha256);
    BlobSource source(location);
    CHECK(base::sha256(base::read_all(source, 1 << 20)) == sha256);
  });
  REQUIRE(order.size() == 6);
  CHECK(order[0] == base::sha256(large_files()[0].content));
  CHECK(order[1] == base::sha256(large_files()[1].content));
}

TEST_CASE("volumes are found under any names, in several folders", "[bundle][blob_map]") {
  const base::TempDir folder, second, third;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), large_files(), keys, {.volume_size = 40'000});
  REQUIRE(made.volumes.size() >= 3);
  std::filesystem::rename(made.volumes[0], folder.path() / "zzz");
  std::filesystem::rename(made.volumes[1], second.path() / "upload-1.bin");
  for (std::size_t i = 2; i < made.volumes.size(); ++i) {
    std::filesystem::copy(made.volumes[i], third.path() / ("part " + std::to_string(i)));
    std::filesystem::remove(made.volumes[i]);
  }
  std::ofstream(folder.path() / "readme.txt") << "nothing";
  const BlobMap map = BlobMap::scan(Head::read(made.head), {second.path(), third.path(), third.path()});
  CHECK(complete_blobs(map) == 4);
  CHECK(map.volumes().size() == made.volumes.size());
  CHECK(has_finding(map, ErrorCode::foreign, "readme.txt"));
}

TEST_CASE("a missing volume leaves out what it holds, and a blob cut across it", "[bundle][blob_map]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), large_files(), keys, {.volume_size = 40'000});
  const std::size_t missing = GENERATE(1U, 2U);
  CAPTURE(missing, made.volumes.size());
  std::filesystem::remove(made.volumes[missing]);
  const BlobMap map = BlobMap::scan(Head::read(made.head), {});
  CHECK(map.find(base::sha256(large_files()[0].content)).has_value() == (missing != 0));
  CHECK(map.find(base::sha256(large_files()[1].content)).has_value() == (missing == 0));
  CHECK(complete_blobs(map) < 4);
}

TEST_CASE("a volume that is there twice counts once", "[bundle][blob_map]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), large_files(), keys, {.volume_size = 40'000});
  std::filesystem::copy(made.volumes[1], folder.path() / "copy.tar");
  const BlobMap map = BlobMap::scan(Head::read(made.head), {});
  CHECK(complete_blobs(map) == 4);
}

TEST_CASE("volumes of another bundle are named and kept out", "[bundle][blob_map]") {
  const base::TempDir folder, other;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), large_files(), keys, {.volume_size = 40'000});
  const auto foreign = make_bundle(other.path(), large_files(), keys, {.serial = 2, .volume_size = 40'000});
  for (const auto& volume : made.volumes) {
    std::filesystem::remove(volume);
  }
  const BlobMap map = BlobMap::scan(Head::read(made.head), {other.path()});
  CHECK(map.size() == 0);
  CHECK(has_finding(map, ErrorCode::foreign, foreign.volumes[0].filename()));
}

TEST_CASE("complete blobs of a volume that ends early still count", "[bundle][blob_map]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto volume_size = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(1'000'000));
  const auto made = make_bundle(folder.path(), large_files(), keys, {.volume_size = volume_size});
  const std::filesystem::path file = volume_size ? made.volumes[0] : made.head;
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 2000);
  const BlobMap map = BlobMap::scan(Head::read(made.head), {});
  CHECK(complete_blobs(map) == 4);
  CHECK(map.size() < 6);
  CHECK(has_finding(map, ErrorCode::truncated, file.filename()));
}

TEST_CASE("a volume with anything but blobs in it is left out whole", "[bundle][blob_map]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), large_files(), keys, {.volume_size = 1'000'000});
  std::string bytes = file_bytes(made.volumes[0]);
  bytes.resize(bytes.size() - base::k_tar_end_size);
  const std::string first = bytes.substr(1024, base::tar_member_size(3000));
  const std::string extra = GENERATE_COPY(
      values<std::string>({base::tar_header("metadata/1.root.json", 0, 0), base::tar_header("airlock.json", 0, 0),
                           base::tar_header("other", 0, 0), first}));
  bytes += extra + std::string(base::k_tar_end_size, '\0');
  base::write_file_atomic(made.volumes[0], bytes);
  const BlobMap map = BlobMap::scan(Head::read(made.head), {});
  CHECK(map.size() == 0);
  CHECK(map.volumes().empty());
  CHECK(has_finding(map, ErrorCode::tampered, made.volumes[0].filename()));
}

TEST_CASE("one file with anything but blobs behind its head is refused", "[bundle][blob_map]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), large_files(), keys);
  std::string bytes = file_bytes(made.head);
  bytes.resize(bytes.size() - base::k_tar_end_size);
  bytes += base::tar_header("other", 0, 0) + std::string(base::k_tar_end_size, '\0');
  base::write_file_atomic(made.head, bytes);
  const Head head = Head::read(made.head);
  CHECK(code_of([&] { return BlobMap::scan(head, {}).size(); }) == ErrorCode::tampered);
}

TEST_CASE("links beside a bundle are not followed", "[bundle][blob_map]") {
  const base::TempDir folder, other;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), large_files(), keys, {.volume_size = 1'000'000});
  std::filesystem::rename(made.volumes[0], other.path() / "v");
  std::filesystem::create_symlink(other.path() / "v", folder.path() / "v");
  CHECK(BlobMap::scan(Head::read(made.head), {}).size() == 0);
}
