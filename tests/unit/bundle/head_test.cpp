#include <fstream>

#include "base/tar.hpp"
#include "bundle/head.hpp"
#include "support/errors.hpp"

using namespace airlock;
using namespace airlock::bundle;
using airlock::base::ErrorCode;
using airlock::test::code_of;

namespace {

HeadContents some_contents() {
  HeadContents contents;
  contents.hint = {
      .kind = "head", .channel = "site-a", .serial = 7, .set = std::string(64, 'a'), .created = "2026-07-01T12:00:00Z"};
  contents.metadata = {{"1.root.json", "root"}, {"timestamp.json", "time"}, {"2.oci.json", "oci"}};
  contents.shipment = "shipment";
  contents.targets = {{"descriptor.json", "{}"}, {"oci/catalog/00.jsonl", "rows\n"}};
  contents.oci_index = "index";
  return contents;
}

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string member(const std::string& name, const std::string& content) {
  return base::tar_header(name, content.size(), 0) + content + std::string(base::tar_padding(content.size()), '\0');
}

const std::string k_end(base::k_tar_end_size, '\0');

}  // namespace

TEST_CASE("a head is read as it was written", "[bundle][head]") {
  const base::TempDir folder;
  const auto path = folder.path() / "b.airlock";
  const HeadContents contents = some_contents();
  write(path, build_head(contents, std::nullopt, HeadEnd::alone).value());
  const Head head = Head::read(path);
  CHECK(head.hint() == contents.hint);
  CHECK(head.metadata("1.root.json") == "root");
  CHECK(head.metadata("2.root.json") == std::nullopt);
  CHECK(head.shipment() == "shipment");
  CHECK(head.oci_index() == "index");
  CHECK(head.room_size() == 0);
  CHECK_FALSE(head.blobs_follow());
  CHECK(head.size() == std::filesystem::file_size(path));
  CHECK(head.target("oci/catalog/00.jsonl", trust::describe_target("rows\n")) == "rows\n");
  CHECK(head.unverified_target("oci/catalog/00.jsonl") == "rows\n");
  const HeadContents read = head.contents();
  CHECK(read.metadata == contents.metadata);
  CHECK(read.targets == contents.targets);
  CHECK(read.shipment == contents.shipment);
}

TEST_CASE("a head is written member by member as it is built whole", "[bundle][head]") {
  const base::TempDir folder;
  const auto path = folder.path() / "b.airlock";
  HeadContents contents = some_contents();
  contents.targets["oci/catalog/01.jsonl"] = std::string(20'000, 'r');
  write(path, build_head(contents, 128 * 1024, HeadEnd::alone).value());
  const Head head = Head::read(path);
  const auto written = [](const Head& one) {
    base::StringSink sink(1 << 20);
    one.write_alone(sink);
    return sink.take();
  };
  CHECK(written(head) == build_head(contents, std::nullopt, HeadEnd::alone));
  const Head later = head.with({{"0.first.json", "first"}, {"timestamp.json", "newer"}}, "another shipment");
  CHECK(written(later) == build_head(later.contents(), std::nullopt, HeadEnd::alone));
  CHECK(written(later) != written(head));
}

TEST_CASE("the statements of a head are read without what stands behind them", "[bundle][head]") {
  const base::TempDir folder;
  const auto path = folder.path() / "b.airlock";
  const HeadContents contents = some_contents();
  std::string bytes = build_head(contents, std::nullopt, HeadEnd::alone).value();
  write(path, bytes);
  const Head head = Head::read_statements(path);
  CHECK(head.hint() == contents.hint);
  CHECK(head.contents().metadata == contents.metadata);
  CHECK(head.shipment() == "shipment");
  CHECK(head.target_names().empty());
  CHECK(head.oci_index().empty());
  // What is cut off behind them is not missed, and what is cut off in them is.
  const auto place = bytes.find("rows\n");
  REQUIRE(place != std::string::npos);
  write(path, bytes.substr(0, place));
  CHECK(code_of([&] { return Head::read(path); }) == ErrorCode::truncated);
  CHECK(Head::read_statements(path).shipment() == "shipment");
  write(path, bytes.substr(0, bytes.find("shipment", bytes.find("timestamp.json")) + 3));
  CHECK(code_of([&] { return Head::read_statements(path); }) == ErrorCode::truncated);
  write(path, "no bundle at all");
  CHECK(code_of([&] { return Head::read_statements(path); }) == ErrorCode::malformed);
}

TEST_CASE("a head is exactly as long as its room", "[bundle][head]") {
  const HeadContents contents = some_contents();
  const std::string tight = build_head(contents, std::nullopt, HeadEnd::blobs_follow).value();
  CHECK(build_head(contents, 64 * 1024, HeadEnd::blobs_follow)->size() == 64 * 1024);
  CHECK(build_head(contents, 64 * 1024, HeadEnd::alone)->size() == 64 * 1024);
  CHECK(build_head(contents, tight.size(), HeadEnd::blobs_follow) == tight);
  CHECK_FALSE(build_head(contents, tight.size() - 512, HeadEnd::blobs_follow));
  CHECK(build_head(contents, std::nullopt, HeadEnd::blobs_follow, 1024)->size() == tight.size() + 1024);
  CHECK(code_of([&] { return build_head(contents, 1000, HeadEnd::alone); }) == ErrorCode::internal);
}

TEST_CASE("the room of a head can be found again", "[bundle][head]") {
  const base::TempDir folder;
  const auto path = folder.path() / "b.airlock";
  const std::string bytes = build_head(some_contents(), 64 * 1024, HeadEnd::blobs_follow).value();
  const std::string blob = "content";
  write(path, bytes + member("blobs/sha256/" + base::sha256(blob).hex(), blob) + k_end);
  const Head head = Head::read(path);
  CHECK(head.blobs_follow());
  CHECK(head.size() == bytes.size());
  REQUIRE(head.room_size() > 0);
  CHECK(bytes.find_first_not_of('\0', head.room_offset()) == head.room_offset() + head.room_size());
}

TEST_CASE("large members are kept in a private file, and given back whole", "[bundle][head]") {
  const base::TempDir folder;
  const auto path = folder.path() / "b.airlock";
  HeadContents contents = some_contents();
  const std::string large(Head::k_head_memory - 1, 'x');
  contents.targets["a/catalog/00.jsonl"] = large;
  contents.targets["b/catalog/00.jsonl"] = "behind";
  write(path, build_head(contents, std::nullopt, HeadEnd::alone).value());
  const Head head = Head::read(path);
  CHECK(head.target("a/catalog/00.jsonl", trust::describe_target(large)) == large);
  CHECK(head.target("b/catalog/00.jsonl", trust::describe_target("behind")) == "behind");
}

// What stands in a head is not signed member by member, so its lengths cannot be believed before it is read.
TEST_CASE("metadata larger than any is refused unread", "[bundle][head]") {
  const base::TempDir folder;
  const auto path = folder.path() / "b.airlock";
  HeadContents contents = some_contents();
  SECTION("root") {
    contents.metadata["1.root.json"].resize(trust::k_root_limit + 1, ' ');
  }
  SECTION("timestamp") {
    contents.metadata["timestamp.json"].resize(trust::k_timestamp_limit + 1, ' ');
  }
  write(path, build_head(contents, std::nullopt, HeadEnd::alone).value());
  const auto error = test::error_of([&] { return Head::read(path); });
  CHECK(error.code() == ErrorCode::tampered);
  CHECK_THAT(error.message(), Catch::Contains("has more than"));
}

TEST_CASE("a fetcher looks at the length first", "[bundle][head]") {
  const base::TempDir folder;
  const auto path = folder.path() / "b.airlock";
  write(path, build_head(some_contents(), std::nullopt, HeadEnd::alone).value());
  const Head head = Head::read(path);
  CHECK(head.metadata_length("2.oci.json") == 3);
  CHECK(head.metadata_length("3.oci.json") == 0);
  const auto fetcher = head.fetcher();
  CHECK(fetcher->fetch("2.oci.json", 3) == "oci");
  CHECK(fetcher->fetch("3.oci.json", 3) == std::nullopt);
  CHECK(code_of([&] { return fetcher->fetch("2.oci.json", 2); }) == ErrorCode::limit);
}

TEST_CASE("a target that is not as its parent says is refused", "[bundle][head]") {
  const base::TempDir folder;
  const auto path = folder.path() / "b.airlock";
  write(path, build_head(some_contents(), std::nullopt, HeadEnd::alone).value());
  const Head head = Head::read(path);
  trust::TargetFile described = trust::describe_target("rows\n");
  CHECK(code_of([&] { return head.target("other", described); }) == ErrorCode::tampered);
  CHECK(code_of([&] { return head.target("oci/catalog/00.jsonl", trust::describe_target("else")); }) ==
        ErrorCode::tampered);
  described.length = 4;
  CHECK(code_of([&] { return head.target("oci/catalog/00.jsonl", described); }) == ErrorCode::tampered);
  described.hashes.clear();
  CHECK(code_of([&] { return head.target("oci/catalog/00.jsonl", described); }) == ErrorCode::tampered);
}

TEST_CASE("a folder stands for the one bundle in it", "[bundle][head]") {
  const base::TempDir folder;
  CHECK(code_of([&] { return Head::read(folder.path()); }) == ErrorCode::not_found);
  const std::string bytes = build_head(some_contents(), std::nullopt, HeadEnd::alone).value();
  write(folder.path() / "renamed by a gateway.bin", bytes);
  write(folder.path() / "notes.txt", "hello");
  std::filesystem::create_symlink("renamed by a gateway.bin", folder.path() / "link.airlock");
  CHECK(Head::read(folder.path()).file().filename() == "renamed by a gateway.bin");
  write(folder.path() / "second", bytes);
  CHECK(code_of([&] { return Head::read(folder.path()); }) == ErrorCode::conflict);
}

TEST_CASE("heads of a folder come in order of their serials", "[bundle][head]") {
  const base::TempDir folder;
  HeadContents contents = some_contents();
  for (const std::uint64_t serial : {10U, 9U, 11U}) {
    contents.hint.serial = serial;
    write(folder.path() / std::to_string(serial), build_head(contents, std::nullopt, HeadEnd::alone).value());
  }
  const auto heads = list_heads(folder.path());
  REQUIRE(heads.size() == 3);
  CHECK(heads[0].hint.serial == 9);
  CHECK(heads[2].hint.serial == 11);
}

TEST_CASE("more copies of one head than anybody needs are refused", "[bundle][head]") {
  const base::TempDir folder;
  HeadContents contents = some_contents();
  const auto put = [&](const std::string& name) {
    write(folder.path() / name, build_head(contents, std::nullopt, HeadEnd::alone).value());
  };
  for (std::size_t i = 0; i < k_copies_limit; ++i) {
    put("copy" + std::to_string(i));
  }
  contents.hint.shipment = 2;  // another sending, and another state: no copies
  put("another sending");
  contents.hint.serial = 8;
  put("another state");
  CHECK(list_heads(folder.path()).size() == k_copies_limit + 2);
  contents = some_contents();
  put("one more");
  const base::Error error = test::error_of([&] { return list_heads(folder.path()); });
  CHECK(error.code() == ErrorCode::limit);
  CHECK(error.message().find("more than 128 files, such as '") == 0);
  CHECK(error.message().find("say that they are sending 1 of bundle 'site-a' 7") != std::string::npos);
}

TEST_CASE("a volume stands for its bundle", "[bundle][head]") {
  const base::TempDir folder;
  const HeadContents contents = some_contents();
  Hint hint = contents.hint;
  hint.kind = "volume";
  write(folder.path() / "v", member("airlock.json", to_text(hint)) + k_end);
  CHECK(code_of([&] { return Head::read(folder.path() / "v"); }) == ErrorCode::not_found);
  write(folder.path() / "h", build_head(contents, std::nullopt, HeadEnd::alone).value());
  CHECK(Head::read(folder.path() / "v").file().filename() == "h");
}

TEST_CASE("what is no bundle is told from what is a cut one", "[bundle][head]") {
  const base::TempDir folder;
  const auto path = folder.path() / "b";
  write(path, "#!/bin/sh\n");
  CHECK(code_of([&] { return Head::read(path); }) == ErrorCode::malformed);
  write(path, member("other.txt", "x") + k_end);
  CHECK(code_of([&] { return Head::read(path); }) == ErrorCode::malformed);
  write(path, std::string(4096, '\0'));
  CHECK(code_of([&] { return Head::read(path); }) == ErrorCode::malformed);
  write(path, "");
  CHECK(code_of([&] { return Head::read(path); }) == ErrorCode::truncated);
  const std::string bytes = build_head(some_contents(), std::nullopt, HeadEnd::alone).value();
  for (std::size_t length = 1; length < bytes.size(); length += 511) {
    write(path, bytes.substr(0, length));
    CAPTURE(length);
    CHECK(code_of([&] { return Head::read(path); }) == ErrorCode::truncated);
  }
}

TEST_CASE("members that airlock never writes are refused", "[bundle][head]") {
  const base::TempDir folder;
  const auto path = folder.path() / "b";
  const HeadContents contents = some_contents();
  const std::string whole = build_head(contents, std::nullopt, HeadEnd::blobs_follow).value();
  const std::string hint = member("airlock.json", to_text(contents.hint));
  const std::string front = whole.substr(0, hint.size());
  const std::string rest = whole.substr(hint.size());
  const std::string blob = member("blobs/sha256/" + base::sha256("b").hex(), "b");
  const auto bytes = GENERATE_COPY(values<std::string>({
      whole + member("extra", "x") + k_end,                        // a name that does not belong
      front + member("metadata/evil", "x") + rest + k_end,         // in the middle
      front + front + rest + k_end,                                // twice
      whole + member("index.json", "x") + k_end,                   // twice, at the end
      front + member("metadata/9.root.json", "x") + rest + k_end,  // out of order
      front + member("index.json", "x") + rest + k_end,            // far too early
      front + blob + rest + k_end,                                 // a blob inside the head
      front + k_end,                                               // nothing but a hint
      front + blob + k_end,                                        // no head in front of the blobs
  }));
  write(path, bytes);
  CHECK(code_of([&] { return Head::read(path); }) == ErrorCode::tampered);
}

TEST_CASE("the room of a head must be empty", "[bundle][head]") {
  const base::TempDir folder;
  const auto path = folder.path() / "b";
  std::string bytes = build_head(some_contents(), 64 * 1024, HeadEnd::alone).value();
  write(path, bytes);
  const Head head = Head::read(path);
  bytes[head.room_offset() + head.room_size() / 2] = 'x';
  write(path, bytes);
  CHECK(code_of([&] { return Head::read(path); }) == ErrorCode::tampered);
}

TEST_CASE("a bundle for a newer airlock says so", "[bundle][head]") {
  const base::TempDir folder;
  HeadContents contents = some_contents();
  contents.hint.needs = "99.0.0";
  write(folder.path() / "b", build_head(contents, std::nullopt, HeadEnd::alone).value());
  const base::Error error = test::error_of([&] { return Head::read(folder.path() / "b"); });
  CHECK(error.code() == ErrorCode::unsupported);
  CHECK(error.message().find("99.0.0") != std::string::npos);
}
