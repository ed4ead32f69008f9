#include "base/clock.hpp"

#include "support/environment.hpp"
#include "support/errors.hpp"

using namespace airlock::base;
using airlock::test::code_of;

namespace {

Time at(std::int64_t seconds) {
  return Time(std::chrono::seconds(seconds));
}

}  // namespace

TEST_CASE("a time prints and parses to itself", "[base][clock]") {
  const auto [seconds, text] = GENERATE(table<std::int64_t, std::string>({{0, "1970-01-01T00:00:00Z"},
                                                                          {951782400, "2000-02-29T00:00:00Z"},
                                                                          {1782907200, "2026-07-01T12:00:00Z"},
                                                                          {253402300799, "9999-12-31T23:59:59Z"},
                                                                          {-1, "1969-12-31T23:59:59Z"}}));
  CHECK(to_rfc3339(at(seconds)) == text);
  CHECK(parse_rfc3339(text) == at(seconds));
  CHECK(is_plain_utc(text));
}

TEST_CASE("offsets, fractions and leap seconds are understood", "[base][clock]") {
  CHECK(parse_rfc3339("1970-01-01T01:00:00+01:00") == at(0));
  CHECK(parse_rfc3339("1969-12-31T14:30:00-09:30") == at(0));
  CHECK(parse_rfc3339("1970-01-01T00:00:00.999999999Z") == at(0));
  CHECK(parse_rfc3339("1970-01-01t00:00:00z") == at(0));
  CHECK(parse_rfc3339("1970-01-01 00:00:00Z") == at(0));
  CHECK(parse_rfc3339("2016-12-31T23:59:60Z") == parse_rfc3339("2017-01-01T00:00:00Z"));
  CHECK_FALSE(is_plain_utc("1970-01-01T00:00:00+00:00"));
  CHECK_FALSE(is_plain_utc("1970-01-01T00:00:00.0Z"));
  CHECK_FALSE(is_plain_utc("2016-12-31T23:59:60Z"));
  CHECK_FALSE(is_plain_utc("1970-13-01T00:00:00Z"));
}

TEST_CASE("what is no time is refused", "[base][clock]") {
  const std::string bad = GENERATE(values<std::string>(
      {"", "1970-01-01", "1970-01-01T00:00:00", "1970-01-01T00:00Z", "1970-02-30T00:00:00Z", "1970-00-01T00:00:00Z",
       "1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z", "1970-01-01T00:00:61Z", "1970-01-01T00:00:00.Z",
       "1970-01-01T00:00:00+1:00", "1970-01-01T00:00:00+24:00", "1970-01-01T00:00:00+0100", "1970-01-01T00:00:00ZZ",
       " 1970-01-01T00:00:00Z", "+970-01-01T00:00:00Z", "70-01-01T00:00:00Z", "1970-1-1T00:00:00Z"}));
  CAPTURE(bad);
  CHECK(code_of([&] { return parse_rfc3339(bad); }) == ErrorCode::malformed);
  CHECK_FALSE(is_plain_utc(bad));
}

TEST_CASE("a fixed clock stands still until it is set", "[base][clock]") {
  FixedClock clock(at(5));
  CHECK(clock.now() == at(5));
  clock.set(at(6));
  CHECK(clock.now() == at(6));
  CHECK(SystemClock().now() > parse_rfc3339("2020-01-01T00:00:00Z"));
}

TEST_CASE("SOURCE_DATE_EPOCH decides the build time where it is set", "[base][clock]") {
  const FixedClock clock(at(5));
  const auto build_time_with = [&](const std::optional<std::string>& value) {
    const airlock::test::ScopedEnvironment scope("SOURCE_DATE_EPOCH", value);
    return build_time(clock);
  };
  CHECK(build_time_with(std::nullopt) == at(5));
  CHECK(build_time_with("") == at(5));
  CHECK(build_time_with("1700000000") == at(1700000000));
  for (const char* const bad : {"x", "1.5", "-1", "12 ", "99999999999999999999", "253402300800"}) {
    CAPTURE(bad);
    CHECK(code_of([&] { return build_time_with(bad); }) == ErrorCode::config);
  }
}
