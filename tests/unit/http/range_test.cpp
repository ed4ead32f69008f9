#include "http/client_content_range.hpp"
#include "http/message.hpp"
#include "support/catch.hpp"

namespace airlock::http {

TEST_CASE("a Range field is read against a known length", "[http][range]") {
  struct Row {
    std::string_view field;
    std::uint64_t total;
    RangeVerdict verdict;
    std::uint64_t first;
    std::uint64_t length;
  };
  const auto row = GENERATE(values<Row>({
      {"bytes=0-", 10, RangeVerdict::partial, 0, 10},
      {"bytes=0-0", 10, RangeVerdict::partial, 0, 1},
      {"bytes=3-5", 10, RangeVerdict::partial, 3, 3},
      {"bytes=9-9", 10, RangeVerdict::partial, 9, 1},
      {"bytes=3-99", 10, RangeVerdict::partial, 3, 7},
      {"BYTES=3-5", 10, RangeVerdict::partial, 3, 3},
      {"bytes=-4", 10, RangeVerdict::partial, 6, 4},
      {"bytes=-99", 10, RangeVerdict::partial, 0, 10},
      {"bytes=3-18446744073709551616", 10, RangeVerdict::partial, 3, 7},
      {"bytes=10-", 10, RangeVerdict::unsatisfiable, 0, 0},
      {"bytes=10-20", 10, RangeVerdict::unsatisfiable, 0, 0},
      {"bytes=99999999999999999999999-", 10, RangeVerdict::unsatisfiable, 0, 0},
      {"bytes=500-0", 1000, RangeVerdict::unsatisfiable, 0, 0},
      {"bytes=-0", 10, RangeVerdict::unsatisfiable, 0, 0},
      {"bytes=0-", 0, RangeVerdict::whole, 0, 0},
      {"bytes=-5", 0, RangeVerdict::whole, 0, 0},
      {"bytes=0-1,4-5", 10, RangeVerdict::whole, 0, 0},
      {"bytes=-", 10, RangeVerdict::whole, 0, 0},
      {"bytes=", 10, RangeVerdict::whole, 0, 0},
      {"bytes=1", 10, RangeVerdict::whole, 0, 0},
      {"bytes=a-b", 10, RangeVerdict::whole, 0, 0},
      {"bytes= 1-2", 10, RangeVerdict::whole, 0, 0},
      {"bytes=+1-2", 10, RangeVerdict::whole, 0, 0},
      {"bytes=0x1-2", 10, RangeVerdict::whole, 0, 0},
      {"bytes=--5", 10, RangeVerdict::whole, 0, 0},
      {"lines=1-2", 10, RangeVerdict::whole, 0, 0},
      {"", 10, RangeVerdict::whole, 0, 0},
  }));
  CAPTURE(row.field, row.total);
  ByteRange range;
  REQUIRE(parse_range(row.field, row.total, range) == row.verdict);
  CHECK(range.first == row.first);
  CHECK(range.length == row.length);
}

TEST_CASE("a Content-Range field is read, and refused where it contradicts itself", "[http][range]") {
  const auto part = parse_content_range("bytes 5-9/20");
  REQUIRE(part.has_value());
  CHECK(part->first == 5U);
  CHECK(part->last == 9);
  CHECK(part->total == 20U);

  const auto open = parse_content_range("bytes 5-9/*");
  REQUIRE(open.has_value());
  CHECK_FALSE(open->total.has_value());

  const auto none = parse_content_range("bytes */20");
  REQUIRE(none.has_value());
  CHECK_FALSE(none->first.has_value());
  CHECK(none->total == 20U);

  for (const char* bad :
       {"", "bytes", "bytes 5-9", "bytes 9-5/20", "bytes 5-20/20", "bytes */*", "items 1-2/3", "bytes -5/20",
        "bytes 5-/20", "bytes 0-18446744073709551615/*", "bytes 5-9/x", "bytes a-b/9"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_content_range(bad).has_value());
  }
}

}  // namespace airlock::http
