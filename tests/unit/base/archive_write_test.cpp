#include "base/archive_write.hpp"

#include <sys/stat.h>

#include <map>

#include "base/archive.hpp"
#include "base/error.hpp"
#include "base/files.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::base {

namespace {

std::string packed(const fs::path& folder, PackedFolder* report = nullptr) {
  StringSink sink(1 << 24);
  auto result = pack_folder(folder, sink, [](const std::string& name) { return name.ends_with("node_modules"); });
  if (report != nullptr) {
    *report = std::move(result);
  }
  return sink.take();
}

void fill(const fs::path& folder) {
  fs::create_directories(folder / "sub" / "node_modules");
  write_file_atomic(folder / "b.txt", "b");
  write_file_atomic(folder / "a.txt", std::string(200'000, 'a'));
  write_file_atomic(folder / "sub" / "ünï.sh", "#!/bin/sh\n", 0755);
  write_file_atomic(folder / "sub" / "node_modules" / "x", "x");
  write_file_atomic(folder / "sub" / (std::string(150, 'n') + ".txt"), "long");
  fs::create_symlink("../b.txt", folder / "sub" / "link");
}

}  // namespace

TEST_CASE("a packed folder holds its files, and nothing else decides its bytes", "[archive_write]") {
  const TempDir one;
  const TempDir two;
  fill(one.path());
  fill(two.path());
  REQUIRE(::chmod((two.path() / "a.txt").c_str(), 0600) == 0);
  PackedFolder report;
  const std::string archive = packed(one.path(), &report);
  CHECK(archive == packed(two.path()));
  CHECK(report.files == 4);
  CHECK(report.left_out == std::vector<std::string>{"sub/node_modules"});
  write_file_atomic(two.path() / "b.txt", "c");
  CHECK(archive != packed(two.path()));

  const TempDir place;
  write_file_atomic(place.path() / "x.tar.gz", archive);
  std::map<std::string, std::string> content;
  walk_archive(place.path() / "x.tar.gz", [&](const ArchiveMember& member, ByteSource& source) {
    content[member.name] = read_all(source, 1 << 24);
    return true;
  });
  CHECK(content.size() == 4);
  CHECK(content["a.txt"] == std::string(200'000, 'a'));
  CHECK(content["sub/ünï.sh"] == "#!/bin/sh\n");
  CHECK(content["sub/" + std::string(150, 'n') + ".txt"] == "long");
}

TEST_CASE("what would not survive the way is refused by name", "[archive_write]") {
  const TempDir folder;
  const auto refused = [&](std::string_view named) {
    const Error error = test::error_of([&] { packed(folder.path()); });
    CHECK(error.code() == ErrorCode::malformed);
    CHECK(error.message().find(named) != std::string::npos);
  };
  SECTION("a link that leads out") {
    fs::create_symlink("../../etc/passwd", folder.path() / "out");
    refused("'out'");
  }
  SECTION("an absolute link") {
    fs::create_symlink("/etc/passwd", folder.path() / "abs");
    refused("'abs'");
  }
  SECTION("a fifo") {
    REQUIRE(::mkfifo((folder.path() / "pipe").c_str(), 0600) == 0);
    refused("'pipe'");
  }
  SECTION("a name that is not UTF-8") {
    write_file_atomic(folder.path() / "bad\xff", "x");
    refused("bad\\xff");
  }
}

}  // namespace airlock::base
