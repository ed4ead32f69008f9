#include <filesystem>

#include "bundle/layout.hpp"
#include "written_set.hpp"

using namespace airlock;
using namespace airlock::bundle;
using namespace airlock::test;

namespace {

const std::vector<std::string>& blobs() {
  static const std::vector<std::string> list = {blob_bytes(0, 3000),    blob_bytes(1, 0),  blob_bytes(2, 40'000),
                                                blob_bytes(3, 150'000), blob_bytes(4, 12), blob_bytes(5, 70'000)};
  return list;
}

std::vector<WrittenBlob> expected_blobs() {
  std::vector<WrittenBlob> list;
  for (const std::string& blob : blobs()) {
    list.push_back({.sha256 = base::sha256(blob), .length = blob.size()});
  }
  return list;
}

using Files = std::map<std::string, std::string>;

Files files_in(const std::filesystem::path& folder) {
  Files files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files[entry.path().filename()] = file_bytes(entry.path());
  }
  return files;
}

void put(const std::filesystem::path& folder, const Files& files) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::filesystem::remove(entry.path());
  }
  for (const auto& [name, bytes] : files) {
    base::write_file_atomic(folder / name, bytes);
  }
}

// The finished set, and the partial files as they are just before finish().
struct Run {
  Files partial, done;
  std::vector<VolumeRecord> records;
};

Run whole_run(std::optional<std::uint64_t> volume_size) {
  const base::TempDir folder;
  Run run;
  {
    BundleOutput output(output_plan(folder.path(), volume_size));
    for (const std::string& blob : blobs()) {
      write_blob(output, blob);
    }
    run.records = output.volumes();
  }
  run.partial = files_in(folder.path());
  put(folder.path(), {});
  BundleOutput output(output_plan(folder.path(), volume_size));
  for (const std::string& blob : blobs()) {
    write_blob(output, blob);
  }
  output.finish(plain_head);
  run.done = files_in(folder.path());
  return run;
}

// Resumes from what lies in `folder` and writes the rest; returns how many blobs were kept.
std::size_t resume_and_finish(const std::filesystem::path& folder, std::optional<std::uint64_t> volume_size,
                              const Run& run) {
  std::size_t complete = 0;
  std::uint64_t begun = 0;
  BundleOutput output = BundleOutput::resume(output_plan(folder, volume_size), expected_blobs(), complete, begun);
  REQUIRE(complete <= blobs().size());
  CHECK(output.written().size() == complete);
  for (std::size_t i = complete; i < blobs().size(); ++i) {
    const std::string& blob = blobs()[i];
    if (i == complete && begun > 0) {
      REQUIRE(begun <= blob.size());
      output.continue_blob(base::sha256(blob), blob.size(), begun);
      output.append(base::as_bytes(std::string_view(blob).substr(begun)));
      output.finish_blob();
    } else {
      write_blob(output, blob);
    }
  }
  CHECK(output.volumes() == run.records);
  output.finish(plain_head);
  CHECK(files_in(folder) == run.done);
  return complete;
}

// Cuts the last `bytes` off a set of partial files, as a run that was killed earlier leaves it.
Files cut_to(const Files& partial, std::uint64_t bytes) {
  Files cut;
  for (const auto& [name, content] : partial) {
    if (bytes == 0) {
      break;
    }
    cut[name] = content.substr(0, std::min<std::uint64_t>(bytes, content.size()));
    bytes -= cut[name].size();
  }
  return cut;
}

std::uint64_t size_of(const Files& files) {
  std::uint64_t size = 0;
  for (const auto& [name, content] : files) {
    size += content.size();
  }
  return size;
}

}  // namespace

TEST_CASE("a run that was killed anywhere goes on to the same bytes", "[bundle][resume]") {
  const auto volume_size = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(50'000),
                                    std::optional<std::uint64_t>(100'000), std::optional<std::uint64_t>(1'000'000));
  const Run run = whole_run(volume_size);
  const base::TempDir folder;
  const std::uint64_t total = size_of(run.partial);
  std::size_t most = 0;
  // Every block boundary, and odd places between.
  for (std::uint64_t bytes = 0; bytes <= total; bytes += bytes % 1536 == 0 ? 512 : 1237 - bytes % 512) {
    put(folder.path(), cut_to(run.partial, bytes));
    CAPTURE(volume_size.value_or(0), bytes);
    most = std::max(most, resume_and_finish(folder.path(), volume_size, run));
  }
  put(folder.path(), run.partial);
  CHECK(resume_and_finish(folder.path(), volume_size, run) == blobs().size());
  CHECK(most + 1 >= blobs().size());
}

TEST_CASE("every complete blob in front of the cut is kept", "[bundle][resume]") {
  const base::TempDir folder;
  const Run run = whole_run(std::nullopt);
  const std::uint64_t before_third = 4096 + (512 + 3072) + 512;
  put(folder.path(), cut_to(run.partial, before_third));
  std::size_t complete = 0;
  std::uint64_t begun = 0;
  { auto output = BundleOutput::resume(output_plan(folder.path(), std::nullopt), expected_blobs(), complete, begun); }
  CHECK(complete == 2);
  CHECK(begun == 0);
  put(folder.path(), cut_to(run.partial, before_third + 512 + 777));
  { auto output = BundleOutput::resume(output_plan(folder.path(), std::nullopt), expected_blobs(), complete, begun); }
  CHECK(complete == 2);
  CHECK(begun == 777);
}

TEST_CASE("damaged bytes end what is kept", "[bundle][resume]") {
  const auto volume_size = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(50'000),
                                    std::optional<std::uint64_t>(100'000));
  const Run run = whole_run(volume_size);
  const base::TempDir folder;
  const std::uint64_t total = size_of(run.partial);
  for (std::uint64_t at = 4500; at < total; at += 9'973) {
    Files files = run.partial;
    std::uint64_t left = at;
    for (auto& [name, content] : files) {
      if (left < content.size()) {
        content[left] = static_cast<char>(content[left] ^ 0x10);
        break;
      }
      left -= content.size();
    }
    put(folder.path(), files);
    CAPTURE(volume_size.value_or(0), at);
    resume_and_finish(folder.path(), volume_size, run);
  }
}

TEST_CASE("bytes of a begun blob that are not right are found at its end", "[bundle][resume]") {
  const base::TempDir folder;
  const auto volume_size = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(50'000));
  const Run run = whole_run(volume_size);
  Files files = cut_to(run.partial, 4096 + 3584 + 512 + 512 + 30'000);
  std::string& last = files.rbegin()->second;
  last[last.size() - 100] = static_cast<char>(last[last.size() - 100] ^ 1);  // as after a power cut
  put(folder.path(), files);
  std::size_t complete = 0;
  std::uint64_t begun = 0;
  BundleOutput output =
      BundleOutput::resume(output_plan(folder.path(), volume_size), expected_blobs(), complete, begun);
  REQUIRE(complete == 2);
  REQUIRE(begun > 100);
  const std::string& blob = blobs()[2];
  output.continue_blob(base::sha256(blob), blob.size(), begun);
  output.append(base::as_bytes(std::string_view(blob).substr(begun)));
  CHECK(code_of([&] {
          output.finish_blob();
          return 0;
        }) == base::ErrorCode::tampered);
  for (std::size_t i = 2; i < blobs().size(); ++i) {
    write_blob(output, blobs()[i]);
  }
  CHECK(output.volumes() == run.records);
  output.finish(plain_head);
  CHECK(files_in(folder.path()) == run.done);
}

TEST_CASE("a begun blob need not be continued", "[bundle][resume]") {
  const base::TempDir folder;
  const Run run = whole_run(50'000);
  put(folder.path(), cut_to(run.partial, 150'000));
  std::size_t complete = 0;
  std::uint64_t begun = 0;
  BundleOutput output = BundleOutput::resume(output_plan(folder.path(), 50'000), expected_blobs(), complete, begun);
  REQUIRE(begun > 0);
  for (std::size_t i = complete; i < blobs().size(); ++i) {
    write_blob(output, blobs()[i]);
  }
  output.finish(plain_head);
  CHECK(files_in(folder.path()) == run.done);
}

TEST_CASE("partial files of another run are started anew", "[bundle][resume]") {
  const base::TempDir folder;
  const auto volume_size = GENERATE(std::optional<std::uint64_t>(), std::optional<std::uint64_t>(50'000));
  const Run run = whole_run(volume_size);
  Files files;
  for (const auto& [name, content] : run.partial) {
    files[name] = std::string(content.size() * 2, 'x');
  }
  put(folder.path(), files);
  CHECK(resume_and_finish(folder.path(), volume_size, run) == 0);
}

TEST_CASE("a run that was stopped while it gave names is taken up", "[bundle][resume]") {
  const base::TempDir folder;
  const Run run = whole_run(50'000);
  Files files = run.partial;
  for (const std::string name : {"site-a-7.v001.tar", "site-a-7.v002.tar"}) {
    files[name] = files.at(name + ".partial");
    files.erase(name + ".partial");
  }
  put(folder.path(), files);
  CHECK(resume_and_finish(folder.path(), 50'000, run) == blobs().size());
}

TEST_CASE("digests that were not known before are taken from the file", "[bundle][resume]") {
  const base::TempDir folder;
  const Run run = whole_run(std::nullopt);
  put(folder.path(), run.partial);
  auto expected = expected_blobs();
  expected[2].sha256 = base::Digest();
  expected[3].sha256 = base::Digest();
  std::size_t complete = 0;
  std::uint64_t begun = 0;
  const BundleOutput output = BundleOutput::resume(output_plan(folder.path(), std::nullopt), expected, complete, begun);
  CHECK(complete == blobs().size());
  CHECK(output.written()[2].sha256 == base::sha256(blobs()[2]));
  CHECK(output.contains(base::sha256(blobs()[3])));
}

TEST_CASE("another volume size starts anew", "[bundle][resume]") {
  const base::TempDir folder;
  const Run run = whole_run(100'000);
  put(folder.path(), whole_run(50'000).partial);
  resume_and_finish(folder.path(), 100'000, run);
}
