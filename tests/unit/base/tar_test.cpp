#include "base/tar.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/archive.hpp"
#include "base/files.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "support/errors.hpp"
#include "unit/base/tar_text.hpp"

using namespace airlock::base;
using namespace airlock::test;

TEST_CASE("a header is one block of the form that POSIX gives", "[base][tar]") {
  const std::string header = tar_header("blobs/sha256/ab", 1234, 1782907200);
  REQUIRE(header.size() == 512);
  CHECK(header.substr(0, 16) == std::string("blobs/sha256/ab\0", 16));
  CHECK(header.substr(100, 8) == std::string("0000644\0", 8));
  CHECK(header.substr(124, 12) == std::string("00000002322\0", 12));
  CHECK(header.substr(156, 1) == "0");
  CHECK(header.substr(257, 8) == std::string("ustar\0"
                                             "00",
                                             8));
  CHECK(tar_header("blobs/sha256/ab", 1234, 1782907200) == header);
}

TEST_CASE("what only its owner may read is written so, and listed only where that is expected", "[base][tar]") {
  const std::string header = tar_header("keys/root.pem", 0, 0, TarMode::owner);
  CHECK(header.substr(100, 8) == std::string("0000600\0", 8));
  const TempDir folder;
  const auto file = folder.path() / "a.tar";
  write_file_atomic(file, header + std::string(k_tar_end_size, '\0'));
  const Fd fd = open_for_reading(file);
  const auto list = [&](TarModes modes) {
    std::size_t members = 0;
    list_tar(
        fd.get(), header.size() + k_tar_end_size, "a.tar", 10, [&](const TarMember&) { return ++members > 0; }, modes);
    return members;
  };
  CHECK(list(TarModes::any) == 1);
  CHECK(code_of([&] { return list(TarModes::everybody); }) == ErrorCode::tampered);
}

TEST_CASE("sizes of members are known before they are written", "[base][tar]") {
  CHECK(tar_padding(0) == 0);
  CHECK(tar_padding(1) == 511);
  CHECK(tar_padding(511) == 1);
  CHECK(tar_padding(512) == 0);
  CHECK(tar_member_size(0) == 512);
  CHECK(tar_member_size(1) == 1024);
  CHECK(tar_header_size(k_eight_gib - 1) == 512);
  CHECK(tar_header_size(k_eight_gib) == 1536);
  CHECK(tar_header("x", k_eight_gib - 1, 0).size() == 512);
  CHECK(tar_header("x", k_eight_gib, 0).size() == 1536);
  CHECK(tar_member_size(k_eight_gib) == 1536 + k_eight_gib);
}

TEST_CASE("names that common tools could misplace are not written", "[base][tar]") {
  for (const std::string name : {"", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "./a", "a b", "a\\b", "ä", "a\n"}) {
    CAPTURE(name);
    CHECK(code_of([&] { return tar_header(name, 0, 0); }) == ErrorCode::internal);
  }
  CHECK_NOTHROW(tar_header(std::string(100, 'a'), 0, 0));
  CHECK(code_of([] { return tar_header(std::string(101, 'a'), 0, 0); }) == ErrorCode::internal);
  CHECK(code_of([] { return tar_header("a", UINT64_MAX, 0); }) == ErrorCode::internal);
  CHECK(code_of([] { return tar_header("a", 0, k_eight_gib); }) == ErrorCode::internal);
}

TEST_CASE("what is written is listed with names, offsets and sizes", "[base][tar]") {
  const TarFile file(tar_member("airlock.json", "{}") + tar_member("blobs/sha256/00", std::string(512, 'x')) +
                     tar_member("empty", "") + tar_end());
  std::vector<TarMember> members;
  CHECK(file.list(&members) == TarEnd::complete);
  REQUIRE(members.size() == 3);
  CHECK(members[0].name == "airlock.json");
  CHECK(members[0].offset == 512);
  CHECK(members[0].size == 2);
  CHECK(members[1].offset == 1536);
  CHECK(members[1].size == 512);
  CHECK(members[2].offset == 2560);
  CHECK(members[2].size == 0);
}

TEST_CASE("an archive without members is complete", "[base][tar]") {
  std::vector<TarMember> members;
  CHECK(TarFile(tar_end()).list(&members) == TarEnd::complete);
  CHECK(members.empty());
}

TEST_CASE("members above 8 GiB are listed, from a sparse file", "[base][tar]") {
  const TempDir dir;
  const fs::path path = dir.path() / "big.tar";
  const std::uint64_t size = k_eight_gib + 1000;
  const Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(fd);
  const std::uint64_t total = tar_member_size(size) + tar_member_size(5) + k_tar_end_size;
  REQUIRE(ftruncate(fd.get(), static_cast<off_t>(total)) == 0);
  pwrite_all(fd.get(), as_bytes(tar_header("big", size, 1)), 0, "big");
  pwrite_all(fd.get(), as_bytes(tar_header("small", 5, 1)), tar_member_size(size), "big");
  std::vector<TarMember> members;
  const auto keep = [&](const TarMember& member) {
    members.push_back(member);
    return true;
  };
  CHECK(list_tar(fd.get(), total, "big.tar", 10, keep) == TarEnd::complete);
  REQUIRE(members.size() == 2);
  CHECK(members[0].size == size);
  CHECK(members[0].offset == 1536);
  CHECK(members[1].name == "small");
}

TEST_CASE("the visitor can stop early", "[base][tar]") {
  const TarFile file(tar_member("a", "1") + tar_member("b", "2") + "garbage");
  int seen = 0;
  CHECK(list_tar(file.fd(), file.size(), "file", 10, [&](const TarMember&) { return ++seen < 1; }) == TarEnd::complete);
  CHECK(seen == 1);
}

TEST_CASE("more members than allowed are a limit", "[base][tar]") {
  const TarFile file(tar_member("a", "1") + tar_member("b", "2") + tar_end());
  const auto all = [](const TarMember&) { return true; };
  CHECK(list_tar(file.fd(), file.size(), "file", 2, all) == TarEnd::complete);
  CHECK(code_of([&] { return list_tar(file.fd(), file.size(), "file", 1, all); }) == ErrorCode::limit);
}

TEST_CASE("an archive cut at any place is truncated, and every whole header before is visited", "[base][tar]") {
  const std::string whole =
      tar_member("a", "1") + tar_member("b", std::string(1000, 'b')) + tar_member("c", "") + tar_end();
  const std::vector<std::size_t> header_ends = {512, 1536, 3072};
  for (std::size_t size = 0; size < whole.size();
       size += size % 512 == 511 ? 1 : 73 - std::min<std::size_t>(72, size % 512 / 7)) {
    CAPTURE(size);
    std::vector<TarMember> members;
    CHECK(TarFile(whole.substr(0, size)).list(&members) == TarEnd::truncated);
    CHECK(members.size() ==
          static_cast<std::size_t>(std::ranges::count_if(header_ends, [&](auto end) { return end <= size; })));
  }
  for (std::size_t size = 0; size < whole.size(); size += 512) {
    CHECK(TarFile(whole.substr(0, size)).list() == TarEnd::truncated);
  }
  CHECK(TarFile(whole).list() == TarEnd::complete);
}

TEST_CASE("a member that runs past the end is visited with its full size", "[base][tar]") {
  std::vector<TarMember> members;
  CHECK(TarFile(tar_header("a", 1'000'000, 0) + "short").list(&members) == TarEnd::truncated);
  REQUIRE(members.size() == 1);
  CHECK(members[0].size == 1'000'000);
  members.clear();
  CHECK(TarFile(tar_header("a", 1ULL << 60, 0) + "short").list(&members) == TarEnd::truncated);
  REQUIRE(members.size() == 1);
  CHECK(members[0].size == 1ULL << 60);
}

TEST_CASE("other readers agree with ours", "[base][tar]") {
  const TarFile file(tar_member("dir/a.txt", "hello") + tar_member("b", std::string(2000, 'b')) + tar_end());
  std::vector<std::pair<std::string, std::string>> found;
  walk_archive(file.path(), [&](const ArchiveMember& member, ByteSource& content) {
    found.emplace_back(member.name, read_all(content, 10000));
    return true;
  });
  CHECK(found ==
        std::vector<std::pair<std::string, std::string>>{{"dir/a.txt", "hello"}, {"b", std::string(2000, 'b')}});
  if (program_exists("tar")) {
    const ProcessResult result = run_process({.argv = {"tar", "-tf", file.path().native()}});
    CHECK(result.exit_code == 0);
    CHECK(result.output == "dir/a.txt\nb\n");
    CHECK(result.errors.empty());
  }
}

TEST_CASE("a large header is one that other readers understand", "[base][tar]") {
  if (!program_exists("tar")) {
    return;
  }
  const TempDir dir;
  const fs::path path = dir.path() / "big.tar";
  const std::uint64_t size = k_eight_gib;
  const Fd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(ftruncate(fd.get(), static_cast<off_t>(tar_member_size(size) + k_tar_end_size)) == 0);
  pwrite_all(fd.get(), as_bytes(tar_header("big", size, 0)), 0, "big");
  const ProcessResult result = run_process({.argv = {"tar", "-tvf", path.native()}});
  CHECK(result.exit_code == 0);
  CHECK(result.output.find(" 8589934592 ") != std::string::npos);
  CHECK(result.errors.empty());
}
