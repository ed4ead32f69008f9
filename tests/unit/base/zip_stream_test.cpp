#include "base/zip_stream.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/zip_text.hpp"

namespace airlock::base {

using test::code_of;
using test::error_of;
using test::zip_text;
using test::ZipOptions;
using test::ZipPart;
using test::ZipRecord;

namespace {

std::vector<ZipMember> read(std::string_view bytes, std::size_t piece = 1 << 20, const ZipLimits& limits = {}) {
  ZipStream zip(limits);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    zip.write(as_bytes(bytes.substr(at, piece)));
  }
  return zip.finish();
}

std::vector<ZipPart> parts() {
  return {{.name = "a/go.mod", .content = "module a\n"},
          {.name = "a/empty", .content = ""},
          {.name = "a/stored", .content = "as it is", .deflated = false},
          {.name = "a/nothing stored", .content = "", .deflated = false},
          {.name = "a/lengths first", .content = "hello", .descriptor = false},
          {.name = "a/no signature", .content = std::string(200'000, 'x'), .signature = false}};
}

std::string refusal(const std::string& bytes) {
  const Error error = error_of([&] { return read(bytes); });
  CHECK(error.code() == ErrorCode::malformed);
  return error.message();
}

}  // namespace

TEST_CASE("a zip is read in one pass, however it is cut", "[base][zip]") {
  const bool zip64 = GENERATE(false, true);
  const std::string bytes = zip_text(parts(), {.comment = "a comment", .zip64 = zip64});
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, bytes.size()}) {
    INFO(piece);
    const auto members = read(bytes, piece);
    REQUIRE(members.size() == parts().size());
    for (std::size_t i = 0; i < members.size(); ++i) {
      CHECK(members[i].name == parts()[i].name);
      CHECK(members[i].size == parts()[i].content.size());
      CHECK(members[i].sha256 == sha256(parts()[i].content));
    }
  }
  CHECK(read(zip_text({})).empty());
}

TEST_CASE("a zip that is cut off anywhere is refused", "[base][zip]") {
  const std::string bytes = zip_text({{.name = "a", .content = "x"}, {.name = "b", .content = "", .deflated = false}});
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    INFO(length);
    CHECK(code_of([&] { return read(bytes.substr(0, length)); }) == ErrorCode::malformed);
  }
}

TEST_CASE("no byte of what counts can be changed unnoticed", "[base][zip]") {
  const std::string bytes =
      zip_text({{.name = "a", .content = "x"}, {.name = "b", .content = "yy", .descriptor = false}});
  const auto before = read(bytes);
  std::size_t accepted = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0x40);
    try {
      const auto after = read(changed);
      ++accepted;  // versions, times and attributes, which say nothing about names and contents
      REQUIRE(after.size() == before.size());
      for (std::size_t i = 0; i < after.size(); ++i) {
        CHECK(after[i].name == before[i].name);
        CHECK(after[i].sha256 == before[i].sha256);
      }
    } catch (const Error& error) {
      CHECK((error.code() == ErrorCode::malformed || error.code() == ErrorCode::limit));
    }
  }
  CHECK(accepted < 50);
}

TEST_CASE("a directory that tells of something else is refused", "[base][zip]") {
  const auto with_central = [](const std::function<void(ZipRecord&)>& change) {
    ZipOptions options;
    options.central = [&](std::size_t number, ZipRecord& record) {
      if (number == 1) {
        change(record);
      }
    };
    return zip_text(parts(), options);
  };
  CHECK(refusal(with_central([](ZipRecord& r) { r.name = "a/other"; })).find("name") != std::string::npos);
  CHECK(refusal(with_central([](ZipRecord& r) { r.name += "x"; })).find("name") != std::string::npos);
  CHECK(refusal(with_central([](ZipRecord& r) { r.crc ^= 1; })).find("checksum") != std::string::npos);
  CHECK(refusal(with_central([](ZipRecord& r) { r.size += 1; })).find("length") != std::string::npos);
  CHECK(refusal(with_central([](ZipRecord& r) { r.packed += 1; })).find("length") != std::string::npos);
  CHECK(refusal(with_central([](ZipRecord& r) { r.offset = 0; })).find("elsewhere") != std::string::npos);
  refusal(with_central([](ZipRecord& r) { r.method = 0; }));
  refusal(with_central([](ZipRecord& r) { r.flags |= 1; }));

  ZipOptions fewer;
  fewer.directory = [](std::vector<ZipRecord>& records) { records.pop_back(); };
  CHECK(refusal(zip_text(parts(), fewer)).find("fewer") != std::string::npos);
  ZipOptions more;
  more.directory = [](std::vector<ZipRecord>& records) { records.push_back(records.back()); };
  CHECK(refusal(zip_text(parts(), more)).find("more") != std::string::npos);
  ZipOptions order;
  order.directory = [](std::vector<ZipRecord>& records) { std::swap(records[0], records[1]); };
  refusal(zip_text(parts(), order));
}

TEST_CASE("bytes that only some readers see are refused", "[base][zip]") {
  refusal(zip_text(parts(), {.before_directory = "x"}));
  refusal(zip_text(parts(), {.before_directory = "PK\x03\x04"}));
  refusal(zip_text(parts(), {.behind = "x"}));
  refusal(zip_text(parts(), {.behind = zip_text({})}));
  refusal("x" + zip_text(parts()));
  refusal(zip_text(parts(), {.comment = "x" + zip_text({})}));
  refusal(zip_text(parts(), {.count_added = 1}));
  refusal(zip_text(parts(), {.offset_added = 1}));
  refusal(zip_text(parts(), {.count_added = 1, .zip64 = true}));
  refusal(zip_text(parts(), {.offset_added = 1, .zip64 = true}));
}

TEST_CASE("members that cannot be understood in one way only are refused", "[base][zip]") {
  refusal(zip_text({{.name = "a", .content = "1"}, {.name = "a", .content = "2"}}));
  refusal(zip_text({{.name = "", .content = "1"}}));
  refusal(zip_text({{.name = "a/", .content = "1"}}));
  CHECK(read(zip_text({{.name = "a/", .content = "", .deflated = false}})).size() == 1);
  refusal(zip_text({{.name = std::string("a\0b", 3), .content = "1"}}));
  const auto with_local = [](const ZipPart& part, const std::function<void(ZipRecord&)>& change) {
    ZipOptions options;
    options.local = [&](std::size_t, ZipRecord& record) { change(record); };
    options.central = options.local;
    return zip_text({part}, options);
  };
  const ZipPart stored{.name = "a", .content = "12", .deflated = false};
  CHECK(refusal(with_local(stored, [](ZipRecord& r) { r.flags = 8; })).find("behind it") != std::string::npos);
  CHECK(refusal(with_local(stored, [](ZipRecord& r) { r.flags = 1; })).find("encrypted") != std::string::npos);
  CHECK(refusal(with_local(stored, [](ZipRecord& r) { r.method = 12; })).find("unknown way") != std::string::npos);
  refusal(with_local(stored, [](ZipRecord& r) { r.crc ^= 1; }));
  refusal(with_local(stored, [](ZipRecord& r) { r.packed = 1; }));
  refusal(with_local(stored, [](ZipRecord& r) { r.packed = r.size = 0xffffffff; }));
  const ZipPart packed{.name = "a", .content = "12", .descriptor = false};
  refusal(with_local(packed, [](ZipRecord& r) { r.packed -= 1; }));
  refusal(with_local(packed, [](ZipRecord& r) { r.packed += 1; }));
  refusal(with_local(packed, [](ZipRecord& r) { r.size += 1; }));
  refusal(with_local({.name = "a", .content = "12"}, [](ZipRecord& r) { r.size = 2; }));
}

TEST_CASE("limits of a zip", "[base][zip]") {
  const std::string bytes = zip_text(parts());
  CHECK(code_of([&] { return read(bytes, 4096, {.content = 1000}); }) == ErrorCode::limit);
  CHECK(code_of([&] { return read(bytes, 4096, {.members = 5}); }) == ErrorCode::limit);
  CHECK(code_of([&] { return read(bytes, 4096, {.name = 5}); }) == ErrorCode::limit);
  CHECK(code_of([&] { return read(bytes, 4096, {.names = 20}); }) == ErrorCode::limit);
  CHECK(read(bytes, 4096, {.members = 6}).size() == 6);
}

TEST_CASE("names are told before contents are read", "[base][zip]") {
  std::vector<std::string> names;
  ZipStream zip({}, [&](std::string_view name) { names.emplace_back(name); });
  const std::string bytes = zip_text(parts());
  zip.write(as_bytes(std::string_view(bytes).substr(0, 40)));
  CHECK(names == std::vector<std::string>{"a/go.mod"});
}

}  // namespace airlock::base
