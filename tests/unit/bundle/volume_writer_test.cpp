#include "bundle/volume_writer.hpp"

#include <sys/stat.h>

#include <fstream>

#include "bundle/layout.hpp"
#include "written_set.hpp"

using namespace airlock;
using namespace airlock::bundle;
using namespace airlock::test;
using airlock::base::ErrorCode;

namespace {

std::vector<std::string> blobs_of(const std::vector<std::size_t>& lengths) {
  std::vector<std::string> blobs;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    blobs.push_back(blob_bytes(static_cast<unsigned>(i), lengths[i]));
  }
  return blobs;
}

BundleOutput::Result write_all_of(const OutputPlan& plan, const std::vector<std::string>& blobs,
                                  std::vector<VolumeRecord>* records = nullptr) {
  BundleOutput output(plan);
  for (const std::string& blob : blobs) {
    write_blob(output, blob);
  }
  if (records != nullptr) {
    *records = output.volumes();
  }
  return output.finish(plain_head);
}

std::vector<std::uint64_t> lengths_of(const std::vector<std::string>& blobs) {
  std::vector<std::uint64_t> lengths;
  for (const std::string& blob : blobs) {
    lengths.push_back(blob.size());
  }
  return lengths;
}

}  // namespace

TEST_CASE("what stands where a file is to be made is never written to", "[bundle][volume_writer]") {
  const base::TempDir folder;
  const auto victim = folder.path() / "victim";
  base::write_file_atomic(victim, "precious");
  const auto partial = folder.path() / "site-a-7.airlock.partial";
  const std::vector<std::function<void()>> plants = {
      [&] { std::filesystem::create_hard_link(victim, partial); },
      [&] { std::filesystem::create_symlink(victim, partial); },
      [&] { REQUIRE(mkfifo(partial.c_str(), 0600) == 0); },
  };
  for (const auto& plant : plants) {
    plant();
    const auto result = write_all_of(output_plan(folder.path(), std::nullopt), blobs_of({100'000}));
    CHECK(members_of(result.head).size() == 2);
    CHECK(base::read_file(victim, 100) == "precious");
    std::filesystem::remove(result.head);
  }
}

TEST_CASE("one file holds the head and each blob whole, in order", "[bundle][volume_writer]") {
  const base::TempDir folder;
  const auto blobs = blobs_of({1, 0, 511, 512, 513, 3'000'000});
  const auto result = write_all_of(output_plan(folder.path(), std::nullopt), blobs);
  CHECK(result.head.filename() == "site-a-7.airlock");
  CHECK(result.volumes.empty());
  CHECK(result.bytes == std::filesystem::file_size(result.head));
  CHECK(result.bytes == output_size(lengths_of(blobs), std::nullopt, 4096));
  const auto members = members_of(result.head);
  CHECK(members.size() == blobs.size() + 1);
  for (const std::string& blob : blobs) {
    CHECK(members.at(blob_member_name(base::sha256(blob))) == blob);
  }
  CHECK_FALSE(std::filesystem::exists(folder.path() / "site-a-7.airlock.partial"));
}

TEST_CASE("a head that is known before makes the same file, hashed on the way", "[bundle][volume_writer]") {
  const auto blobs = blobs_of({511, 3'000'000, 7, 1'200'000});
  const base::TempDir one;
  const base::TempDir other;
  const auto afterwards = write_all_of(output_plan(one.path(), std::nullopt), blobs);
  CHECK(afterwards.digests.empty());

  OutputPlan plan = output_plan(other.path(), std::nullopt);
  plan.head = plain_head(plan.head_room);
  BundleOutput output(plan);
  const std::filesystem::path partial = other.path() / "site-a-7.airlock.partial";
  for (const std::string& blob : blobs) {
    // One that is taken back leaves nothing in the hash either.
    output.begin_blob(base::sha256("other"), blob.size());
    output.append(base::as_bytes(blob));
    CHECK(code_of([&] {
            output.finish_blob();
            return 0;
          }) == ErrorCode::tampered);
    write_blob(output, blob);
  }
  CHECK(file_bytes(partial).substr(0, plan.head_room) == std::string(plan.head_room, '\0'));  // until the end
  const auto result = output.finish([](std::optional<std::uint64_t>) -> std::optional<std::string> {
    FAIL("the head is known");
    return std::nullopt;
  });
  CHECK(file_bytes(result.head) == file_bytes(afterwards.head));
  CHECK(result.digests ==
        std::map<std::filesystem::path, base::Digest>{{result.head, base::sha256(file_bytes(result.head))}});
  CHECK(output.bytes_written() > result.bytes);  // with what was taken back
}

TEST_CASE("volumes never exceed their size and can each be opened", "[bundle][volume_writer]") {
  const base::TempDir folder;
  const std::uint64_t size = GENERATE(8192U, 10'000U, 65'536U, 300'000U);
  const auto blobs = blobs_of({100, 5000, 4000, 200'000, 1, 70'000, 12, 6000});
  std::vector<VolumeRecord> records;
  const auto result = write_all_of(output_plan(folder.path(), size), blobs, &records);
  CHECK(result.volumes.size() == count_volumes(lengths_of(blobs), size));
  REQUIRE(result.volumes.size() == records.size());
  std::uint64_t total = std::filesystem::file_size(result.head);
  std::map<std::string, std::string> found;
  for (std::size_t i = 0; i < result.volumes.size(); ++i) {
    const std::string bytes = file_bytes(result.volumes[i]);
    CHECK(bytes.size() <= size);
    CHECK(records[i].length == bytes.size());
    CHECK(records[i].sha256 == base::sha256(bytes));
    total += bytes.size();
    for (const auto& [name, content] : members_of(result.volumes[i])) {
      if (name == k_hint_member) {
        const auto hint = parse_hint(content);
        REQUIRE(hint);
        CHECK(hint->kind == "volume");
        CHECK(hint->volume == i + 1);
        continue;
      }
      const auto blob = parse_blob_member(name);
      REQUIRE(blob);
      found[blob->sha256.hex()] += content;  // parts come in the order of volumes
    }
  }
  CHECK(total == result.bytes);
  CHECK(output_size(lengths_of(blobs), size, 4096) == total);
  CHECK(result.digests.size() == result.volumes.size() + 1);
  for (const auto& [file, sha256] : result.digests) {
    CHECK(sha256 == base::sha256(file_bytes(file)));
  }
  for (const std::string& blob : blobs) {
    CHECK(found.at(base::sha256(blob).hex()) == blob);
  }
}

TEST_CASE("only a blob larger than a volume is cut", "[bundle][volume_writer]") {
  const base::TempDir folder;
  const auto blobs = blobs_of({60'000, 60'000, 300'000, 10});
  const auto result = write_all_of(output_plan(folder.path(), 100'000), blobs);
  std::size_t parts = 0;
  for (const auto& volume : result.volumes) {
    for (const auto& [name, content] : members_of(volume)) {
      const auto blob = parse_blob_member(name);
      if (blob && blob->part > 0) {
        ++parts;
        CHECK(blob->sha256 == base::sha256(blobs[2]));
      }
    }
  }
  CHECK(parts >= 3);
}

TEST_CASE("a set without blobs has no volumes", "[bundle][volume_writer]") {
  const base::TempDir folder;
  const auto result = write_all_of(output_plan(folder.path(), 100'000), {});
  CHECK(result.volumes.empty());
  CHECK(std::filesystem::exists(result.head));
}

TEST_CASE("a volume that is too small for anything is refused", "[bundle][volume_writer]") {
  const base::TempDir folder;
  CHECK(code_of([&] {
          BundleOutput output(output_plan(folder.path(), 4096));
          return 0;
        }) == ErrorCode::usage);
}

TEST_CASE("more volumes than a set may have are refused before they are written", "[bundle][volume_writer]") {
  CHECK(code_of([] { return count_volumes({k_blob_limit}, 8192); }) == ErrorCode::limit);
  CHECK(code_of([] { return count_volumes({k_blob_limit + 1}, 1ull << 40); }) == ErrorCode::limit);
}

TEST_CASE("a part larger than 8 GiB still fits its volume", "[bundle][volume_writer]") {
  const std::uint64_t gib = 1ull << 30;
  for (const std::uint64_t size : {8 * gib + 1024, 8 * gib + 4096, 9 * gib + 512, std::uint64_t{25'025'314'816}}) {
    const std::uint64_t blob = 3 * size;
    const std::uint64_t volumes = count_volumes({blob}, size);
    CHECK(volumes == 4);
    CHECK(output_size({blob}, size, 0) <= volumes * size);
  }
}

TEST_CASE("a blob with another digest is taken back", "[bundle][volume_writer]") {
  const base::TempDir folder;
  const bool in_volumes = GENERATE(false, true);
  const std::size_t length = GENERATE(10U, 50'000U, 3'000'000U);
  const auto plan = output_plan(folder.path(), in_volumes ? std::optional<std::uint64_t>(100'000) : std::nullopt);
  const auto good = blobs_of({60'000, 30'000, 20'000});
  const std::string bad = blob_bytes(77, length);
  BundleOutput output(plan);
  write_blob(output, good[0]);
  output.begin_blob(base::sha256("something else"), bad.size());
  output.append(base::as_bytes(bad));
  CHECK(code_of([&] {
          output.finish_blob();
          return 0;
        }) == ErrorCode::tampered);
  CHECK_FALSE(output.contains(base::sha256("something else")));
  write_blob(output, good[1]);
  output.begin_blob(base::sha256(bad), bad.size());
  CHECK(code_of([&] {
          output.finish_blob();
          return 0;
        }) == ErrorCode::tampered);  // too short
  write_blob(output, good[2]);
  const auto result = output.finish(plain_head);

  const base::TempDir other;
  const auto expected = write_all_of(output_plan(other.path(), plan.volume_size), good);
  CHECK(file_bytes(result.head) == file_bytes(expected.head));
  REQUIRE(result.volumes.size() == expected.volumes.size());
  for (std::size_t i = 0; i < result.volumes.size(); ++i) {
    CHECK(file_bytes(result.volumes[i]) == file_bytes(expected.volumes[i]));
  }
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) ==
        static_cast<std::ptrdiff_t>(1 + result.volumes.size()));
}

TEST_CASE("more bytes than were announced are refused", "[bundle][volume_writer]") {
  const base::TempDir folder;
  BundleOutput output(output_plan(folder.path(), std::nullopt));
  output.begin_blob(base::sha256("abc"), 3);
  output.append(base::as_bytes("ab"));
  CHECK(code_of([&] {
          output.append(base::as_bytes("cd"));
          return 0;
        }) == ErrorCode::tampered);
}

TEST_CASE("a blob whose digest is not known before gets its name afterwards", "[bundle][volume_writer]") {
  const base::TempDir folder;
  const bool in_volumes = GENERATE(false, true);
  const std::size_t length = GENERATE(0U, 10U, 50'000U, 3'000'000U);
  const auto plan = output_plan(folder.path(), in_volumes ? std::optional<std::uint64_t>(100'000) : std::nullopt);
  const auto blobs = std::vector<std::string>{blob_bytes(1, 60'000), blob_bytes(2, length), blob_bytes(3, 20'000)};
  BundleOutput output(plan);
  write_blob(output, blobs[0]);
  output.begin_unknown_blob(blobs[1].size());
  output.append(base::as_bytes(blobs[1]));
  CHECK(output.finish_unknown_blob() == base::sha256(blobs[1]));
  output.begin_unknown_blob(blobs[0].size());
  output.append(base::as_bytes(blobs[0]));
  CHECK(output.finish_unknown_blob() == base::sha256(blobs[0]));  // there already, not kept twice
  write_blob(output, blobs[2]);
  CHECK(output.written().size() == 3);
  const auto records = output.volumes();
  const auto result = output.finish(plain_head);

  const base::TempDir other;
  std::vector<VolumeRecord> expected_records;
  const auto expected = write_all_of(output_plan(other.path(), plan.volume_size), blobs, &expected_records);
  CHECK(file_bytes(result.head) == file_bytes(expected.head));
  CHECK(records == expected_records);
  REQUIRE(result.volumes.size() == expected.volumes.size());
  for (std::size_t i = 0; i < result.volumes.size(); ++i) {
    CHECK(file_bytes(result.volumes[i]) == file_bytes(expected.volumes[i]));
  }
}

TEST_CASE("an existing file is never overwritten", "[bundle][volume_writer]") {
  const base::TempDir folder;
  const auto blobs = blobs_of({50'000, 60'000});
  const std::string taken = GENERATE("site-a-7.airlock", "site-a-7.v002.tar");
  std::ofstream(folder.path() / taken) << "precious";
  CHECK(code_of([&] { return write_all_of(output_plan(folder.path(), 100'000), blobs).bytes; }) == ErrorCode::conflict);
  CHECK(file_bytes(folder.path() / taken) == "precious");
  CHECK_FALSE(std::filesystem::exists(folder.path() / "site-a-7.v001.tar"));
}

TEST_CASE("the head may have a name of its own, and volumes lie beside it", "[bundle][volume_writer]") {
  const base::TempDir folder;
  auto plan = output_plan("/nowhere", 100'000);
  plan.single_file = folder.path() / "mine.bin";
  const auto result = write_all_of(plan, blobs_of({10}));
  CHECK(result.head == folder.path() / "mine.bin");
  CHECK(result.volumes.front() == folder.path() / "site-a-7.v001.tar");
}

TEST_CASE("one file whose room does not do becomes a volume", "[bundle][volume_writer]") {
  const base::TempDir folder;
  const auto blobs = blobs_of({60'000, 30'000});
  BundleOutput output(output_plan(folder.path(), std::nullopt));
  for (const std::string& blob : blobs) {
    write_blob(output, blob);
  }
  CHECK(output.volumes().empty());
  std::vector<VolumeRecord> records;
  const auto result = output.finish([&](std::optional<std::uint64_t> room) {
    records = output.volumes();
    return room ? std::nullopt : plain_head(room);
  });
  REQUIRE(result.volumes.size() == 1);
  REQUIRE(records.size() == 1);
  CHECK(records[0].sha256 == base::sha256(file_bytes(result.volumes[0])));
  const auto members = members_of(result.volumes[0]);
  CHECK(parse_hint(members.at(std::string(k_hint_member)))->kind == "volume");
  for (const std::string& blob : blobs) {
    CHECK(members.at(blob_member_name(base::sha256(blob))) == blob);
  }
}

TEST_CASE("bytes written are counted as they go to the target", "[bundle][volume_writer]") {
  const base::TempDir folder;
  BundleOutput output(output_plan(folder.path(), std::nullopt));
  CHECK(output.bytes_written() == 4096);
  write_blob(output, "abc");
  CHECK(output.bytes_written() == 4096 + 1024);
}
