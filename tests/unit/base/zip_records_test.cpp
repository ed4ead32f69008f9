#include "base/zip_records.hpp"

#include "support/catch.hpp"
#include "support/zip_text.hpp"

namespace airlock::base {

using test::le;

TEST_CASE("a record of a zip is read where it stands whole", "[base][zip]") {
  const std::string bytes =
      le(ZipEnd::signature, 4) + le(1, 2) + le(2, 2) + le(3, 2) + le(4, 2) + le(5, 4) + le(6, 4) + le(7, 2) + "comment";
  const auto end = zip_record<ZipEnd>(bytes);
  REQUIRE(end);
  CHECK(end->disk == 1);
  CHECK(end->directory_disk == 2);
  CHECK(end->members_here == 3);
  CHECK(end->members == 4);
  CHECK(end->directory_length == 5);
  CHECK(end->directory_offset == 6);
  CHECK(end->comment_length == 7);
  CHECK(zip_record<ZipEnd>(bytes.substr(0, k_zip_size<ZipEnd>)));
  CHECK_FALSE(zip_record<ZipEnd>(bytes.substr(0, k_zip_size<ZipEnd> - 1)));
  CHECK_FALSE(zip_record<ZipEnd>(""));
  CHECK_FALSE(zip_record<ZipLocator64>(bytes));
}

TEST_CASE("fields of 64 bits stand for those that are full, in their order", "[base][zip]") {
  std::uint64_t size = k_zip_full32;
  std::uint64_t packed = 10;
  std::uint64_t offset = k_zip_full32;
  const std::string other = le(0x5455, 2) + le(1, 2) + "x";
  widen_zip_fields(other + le(1, 2) + le(16, 2) + le(1ULL << 40, 8) + le(2ULL << 40, 8), size, packed, offset);
  CHECK(size == 1ULL << 40);
  CHECK(packed == 10);
  CHECK(offset == 2ULL << 40);

  size = offset = k_zip_full32;
  widen_zip_fields(le(1, 2) + le(8, 2) + le(5, 8), size, packed, offset);
  CHECK(size == 5);
  CHECK(offset == k_zip_full32);  // there is nothing for it

  size = k_zip_full32;
  widen_zip_fields(le(1, 2) + le(9, 2) + le(5, 8), size, packed, offset);
  CHECK(size == k_zip_full32);  // the field is longer than what is there
}

}  // namespace airlock::base
