#include "bundle/blob_map.hpp"

#include <fstream>
#include <set>

#include "bundle/head.hpp"
#include "bundle/set_files.hpp"
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

// Adds members to a volume, or behind a head in its own file.
void add_members(const std::filesystem::path& file, const std::vector<std::string>& names) {
  std::string bytes = file_bytes(file);
  bytes.resize(bytes.size() - base::k_tar_end_size);
  for (const std::string& name : names) {
    bytes += base::tar_header(name, 0, 0);
  }
  base::write_file_atomic(file, bytes + std::string(base::k_tar_end_size, '\0'));
}

std::vector<std::string> unlisted_names(int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) {
    names.push_back(blob_member_name(base::sha256("nobody listed " + std::to_string(i))));
  }
  return names;
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

TEST_CASE("blobs that nobody listed are counted and not kept", "[bundle][blob_map]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), large_files(), keys, {.volume_size = 1'000'000});
  CHECK(BlobMap::scan(Head::read(made.head), {}).unlisted() == 0);
  const int count = GENERATE(2, 3000);
  auto names = unlisted_names(count);
  names.push_back(names.front() + ".p0003");  // of the same blob
  add_members(made.volumes[0], names);
  std::filesystem::copy(made.volumes[0], folder.path() / "copy.tar");  // counts once
  const BlobMap map = BlobMap::scan(Head::read(made.head), {});
  CHECK(map.unlisted() == (count == 2 ? 2 : BlobMap::k_unlisted_counted));
  CHECK(complete_blobs(map) == 4);
  CHECK(map.size() == 6);
  map.for_each(
      [](const base::Digest& sha256, const BlobLocation&) { CHECK_FALSE(sha256 == base::sha256("nobody listed 0")); });
  CHECK_FALSE(map.find(base::sha256("nobody listed 0")));
  CHECK_FALSE(map.unlisted_in_head_file());
  CHECK(map.findings().empty());
}

TEST_CASE("the first unlisted blob of a bundle in one file is named", "[bundle][blob_map]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), large_files(), keys);
  add_members(made.head, unlisted_names(2));
  CHECK(BlobMap::scan(Head::read(made.head), {}).unlisted_in_head_file() == base::sha256("nobody listed 0"));
}

TEST_CASE("what is listed may be said by whoever verified it", "[bundle][blob_map]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto volume_size = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(40'000));
  const auto made = make_bundle(folder.path(), large_files(), keys, {.volume_size = volume_size});
  const Head head = Head::read(made.head);
  EmptyStateStore state;
  const VerifiedBundle verified = verify_head(head, state, verify_options(keys));
  CHECK(complete_blobs(BlobMap::scan(head, {}, verified.blobs())) == 4);
  const std::string whole = large_files()[0].content;
  const std::string cut = large_files()[1].content;
  const BlobMap some = BlobMap::scan(
      head, {},
      {{.sha256 = base::sha256(whole), .length = whole.size()}, {.sha256 = base::sha256(cut), .length = cut.size()}});
  CHECK(some.size() == 2);
  CHECK(some.unlisted() == 4);
  CHECK(content(some, base::sha256(cut)) == cut);
  // What holds more than is listed is for its reader to refuse, as a whole blob that holds less; parts that do are
  // none.
  const BlobMap more = BlobMap::scan(head, {}, {{.sha256 = base::sha256(cut), .length = cut.size() - 1}});
  REQUIRE(more.find(base::sha256(cut)).has_value());
  CHECK(more.find(base::sha256(cut))->length == cut.size());
  const BlobMap less = BlobMap::scan(head, {}, {{.sha256 = base::sha256(cut), .length = cut.size() + 1}});
  CHECK(less.find(base::sha256(cut)).has_value() == !volume_size);
}

TEST_CASE("a file that cuts blobs into more parts than a set can have is left out", "[bundle][blob_map]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto made = make_bundle(folder.path(), large_files(), keys, {.volume_size = 1'000'000});
  std::vector<std::string> names;
  for (const BundleFile& file : large_files()) {
    for (std::uint64_t part = 1; part <= 9999; ++part) {
      names.push_back(blob_member_name(base::sha256(file.content), part));
    }
  }
  std::filesystem::copy(made.volumes[0], folder.path() / "other.tar");
  add_members(folder.path() / "other.tar", names);
  std::filesystem::copy(folder.path() / "other.tar", folder.path() / "third.tar");
  const BlobMap map = BlobMap::scan(Head::read(made.head), {});
  CHECK(complete_blobs(map) == 4);
  CHECK_FALSE(has_finding(map, ErrorCode::tampered, "other.tar"));  // as many as there may be
  CHECK(has_finding(map, ErrorCode::tampered, "third.tar"));
}

TEST_CASE("files of a set hold blobs without a head that was read", "[bundle][blob_map]") {
  const base::TempDir folder;
  const ProducerKeys keys;
  const auto volume_size = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(40'000));
  const auto made = make_bundle(folder.path(), large_files(), keys, {.volume_size = volume_size});
  std::vector<VerifiedBundle::StateBlob> wanted;
  for (const BundleFile& file : large_files()) {
    wanted.push_back({.sha256 = base::sha256(file.content), .length = file.content.size()});
  }
  std::vector<base::Finding> findings;
  const auto sets = list_sets({made.head}, findings);
  REQUIRE(sets.size() == 1);
  CHECK(findings.empty());
  const BlobMap map = BlobMap::scan(sets[0].files, wanted);
  CHECK(complete_blobs(map) == 4);
  CHECK(map.findings().empty());
  CHECK(map.unlisted() == 2);
  std::set<std::string> names;
  map.for_each(
      [&names](const base::Digest&, const BlobLocation& location) { names.insert(location.extents.front().file); });
  CHECK(map.without(names).size() < map.size());
  // A head that is not what a head is, is a finding like a volume that is none.
  add_members(made.head, {blob_member_name(base::sha256("x")), "metadata/late.json"});
  const BlobMap odd = BlobMap::scan({made.head}, wanted);
  CHECK(odd.size() == 0);
  CHECK(has_finding(odd, ErrorCode::tampered, made.head.filename()));
}

TEST_CASE("sets are told apart by what their files say", "[bundle][blob_map]") {
  const base::TempDir folder, other;
  const ProducerKeys keys;
  const auto first = make_bundle(folder.path(), large_files(), keys, {.volume_size = 40'000});
  const auto second = make_bundle(folder.path(), large_files(), keys, {.serial = 2, .volume_size = 40'000});
  std::filesystem::rename(first.volumes[0], other.path() / "a name");
  std::filesystem::create_symlink(first.volumes[1], other.path() / "a link");
  std::ofstream(other.path() / "readme.txt") << "nothing";
  std::vector<base::Finding> findings;

  CHECK(list_sets({folder.path()}, findings).size() == 2);
  // A file stands for its set, with what lies beside it; of a link, with what lies beside its target, too.
  auto sets = list_sets({second.head}, findings);
  REQUIRE(sets.size() == 1);
  CHECK(std::set(sets[0].files.begin(), sets[0].files.end()).size() == second.volumes.size() + 1);
  sets = list_sets({other.path() / "a link"}, findings);
  REQUIRE(sets.size() == 1);
  CHECK(std::set(sets[0].files.begin(), sets[0].files.end()).size() == first.volumes.size() + 1);
  CHECK(findings.empty());

  CHECK(code_of([&] { return list_sets({other.path() / "readme.txt"}, findings); }) == ErrorCode::malformed);
  CHECK(code_of([&] { return list_sets({other.path() / "absent"}, findings); }) == ErrorCode::not_found);
  const base::TempDir empty;
  CHECK(code_of([&] { return list_sets({empty.path()}, findings); }) == ErrorCode::not_found);
}
