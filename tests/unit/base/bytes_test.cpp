#include "base/bytes.hpp"

#include <fcntl.h>

#include "base/files.hpp"
#include "support/errors.hpp"

using namespace airlock::base;
using airlock::test::code_of;

namespace {

// Gives its text in small pieces, as a network does.
class SlowSource : public ByteSource {
 public:
  explicit SlowSource(std::string_view text) : m_source(text) {}
  std::size_t read(std::span<std::byte> buffer) override {
    return m_source.read(buffer.first(std::min<std::size_t>(buffer.size(), 3)));
  }

 private:
  StringSource m_source;
};

std::string read_part(int fd, std::uint64_t offset, std::uint64_t length) {
  FileSource source(fd, offset, length, "file");
  return read_all(source, 1000);
}

}  // namespace

TEST_CASE("copy moves everything and counts it", "[base][bytes]") {
  SlowSource source("some text");
  StringSink sink(100);
  CHECK(copy(source, sink) == 9);
  CHECK(sink.take() == "some text");
}

TEST_CASE("copy stops at its limit, and a source of exactly that size passes", "[base][bytes]") {
  SlowSource fits("12345");
  NullSink sink;
  CHECK(copy(fits, sink, 5) == 5);
  SlowSource longer("123456");
  CHECK(code_of([&] { return copy(longer, sink, 5); }) == ErrorCode::limit);
}

TEST_CASE("a string sink refuses what exceeds its limit", "[base][bytes]") {
  StringSink sink(4);
  sink.write(as_bytes("1234"));
  CHECK(code_of([&] {
          sink.write(as_bytes("5"));
          return 0;
        }) == ErrorCode::limit);
  StringSource source("12345");
  CHECK(code_of([&] { return read_all(source, 4); }) == ErrorCode::limit);
}

TEST_CASE("a hashing sink passes on, counts and hashes", "[base][bytes]") {
  StringSink target(100);
  HashingSink sink(target);
  SlowSource source("abc and more");
  copy(source, sink);
  CHECK(sink.count() == 12);
  CHECK(sink.finish() == sha256("abc and more"));
  CHECK(target.take() == "abc and more");
}

TEST_CASE("a function sink hands on what it gets", "[base][bytes]") {
  std::size_t seen = 0;
  FunctionSink sink([&](std::span<const std::byte> data) { seen += data.size(); });
  sink.write(as_bytes("four"));
  CHECK(seen == 4);
}

TEST_CASE("a file source reads its part and leaves the file's own position alone", "[base][bytes]") {
  const TempDir dir;
  write_file_atomic(dir.path() / "f", "0123456789");
  const Fd fd = open_for_reading(dir.path() / "f");
  CHECK(read_part(fd.get(), 0, 10) == "0123456789");
  CHECK(read_part(fd.get(), 3, 4) == "3456");
  CHECK(read_part(fd.get(), 10, 0).empty());
  CHECK(lseek(fd.get(), 0, SEEK_CUR) == 0);
}

TEST_CASE("a file source throws truncated when the file is shorter than promised", "[base][bytes]") {
  const TempDir dir;
  write_file_atomic(dir.path() / "f", "0123456789");
  const Fd fd = open_for_reading(dir.path() / "f");
  CHECK(code_of([&] { return read_part(fd.get(), 8, 3); }) == ErrorCode::truncated);
  CHECK(code_of([&] { return read_part(fd.get(), UINT64_MAX, 1); }) == ErrorCode::truncated);
  CHECK(code_of([&] { return read_part(fd.get(), 1, UINT64_MAX); }) == ErrorCode::truncated);
}

TEST_CASE("empty views are sources and data like any other", "[base][bytes]") {
  StringSource source{std::string_view()};
  CHECK(read_all(source, 0).empty());
  CHECK(sha256(std::string_view()) == sha256(""));
}
