#include "base/inflate.hpp"

#include "support/catch.hpp"
#include "support/errors.hpp"

namespace airlock::base {

using test::code_of;

namespace {
// "hello hello hello hello\n", by zlib at level 9.
const std::string k_packed("\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\xb9\x00", 11);
}  // namespace

TEST_CASE("a stream is inflated within its limit", "[base][inflate]") {
  CHECK(inflate_raw(k_packed, 100, "x") == "hello hello hello hello\n");
  CHECK(inflate_raw(k_packed, 24, "x").size() == 24);
  CHECK(code_of([] { return inflate_raw(k_packed, 23, "x"); }) == ErrorCode::limit);
}

TEST_CASE("half, longer and other streams are refused", "[base][inflate]") {
  CHECK(code_of([] { return inflate_raw("", 100, "x"); }) == ErrorCode::malformed);
  CHECK(code_of([] { return inflate_raw(k_packed.substr(0, 5), 100, "x"); }) == ErrorCode::malformed);
  CHECK(code_of([] { return inflate_raw(k_packed + "y", 100, "x"); }) == ErrorCode::malformed);
  CHECK(code_of([] { return inflate_raw("plain text", 100, "x"); }) == ErrorCode::malformed);
}

TEST_CASE("a gzip member is unpacked, its checksum proven", "[base][inflate]") {
  std::string gzip("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff", 10);
  gzip += k_packed;
  gzip += std::string("\x00\x88\x59\x0b\x18\x00\x00\x00", 8);
  CHECK(gunzip(gzip, 100, "x") == "hello hello hello hello\n");
  CHECK(code_of([&] { return gunzip(gzip, 10, "x"); }) == ErrorCode::limit);
  CHECK(code_of([&] { return gunzip(gzip.substr(0, gzip.size() - 1), 100, "x"); }) == ErrorCode::malformed);
  gzip[gzip.size() - 8] = static_cast<char>(gzip[gzip.size() - 8] ^ 1);
  CHECK(code_of([&] { return gunzip(gzip, 100, "x"); }) == ErrorCode::malformed);
  CHECK(code_of([] { return gunzip(k_packed, 100, "x"); }) == ErrorCode::malformed);
}

TEST_CASE("crc32 is the one of zip", "[base][inflate]") {
  CHECK(crc32("") == 0);
  CHECK(crc32("123456789") == 0xcbf43926);
  CHECK(crc32("56789", crc32("1234")) == 0xcbf43926);
}

}  // namespace airlock::base
