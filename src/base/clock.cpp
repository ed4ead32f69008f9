#include "base/clock.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>

#include "base/error.hpp"
#include "base/text.hpp"

namespace airlock::base {

namespace {

constexpr std::size_t k_plain_size = std::string_view("2026-07-01T12:00:00Z").size();

// Takes a text apart from the left; each step fails for good once one has failed.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : m_text(text) {}

  int digits(std::size_t count) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (m_text.empty() || m_text.front() < '0' || m_text.front() > '9') {
        m_ok = false;
        return 0;
      }
      value = value * 10 + (m_text.front() - '0');
      m_text.remove_prefix(1);
    }
    return value;
  }

  bool accept(char wanted) {
    if (m_text.empty() || m_text.front() != wanted) {
      return false;
    }
    m_text.remove_prefix(1);
    return true;
  }

  void expect(char wanted) { m_ok = accept(wanted) && m_ok; }
  void fail() { m_ok = false; }
  bool at_digit() const { return !m_text.empty() && m_text.front() >= '0' && m_text.front() <= '9'; }
  bool done() const { return m_ok && m_text.empty(); }

 private:
  std::string_view m_text;
  bool m_ok = true;
};

std::chrono::minutes scan_offset(Scanner& in) {
  if (in.accept('Z') || in.accept('z')) {
    return std::chrono::minutes(0);
  }
  const bool east = in.accept('+');
  if (!east) {
    in.expect('-');
  }
  const int hours = in.digits(2);
  in.expect(':');
  const int minutes = in.digits(2);
  if (hours > 23 || minutes > 59) {
    in.fail();
  }
  const auto offset = std::chrono::hours(hours) + std::chrono::minutes(minutes);
  return east ? offset : -offset;
}

}  // namespace

Time SystemClock::now() const {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string to_rfc3339(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

Time parse_rfc3339(std::string_view text) {
  Scanner in(text);
  const std::chrono::year year(in.digits(4));
  in.expect('-');
  const std::chrono::month month(static_cast<unsigned>(in.digits(2)));
  in.expect('-');
  const std::chrono::day day(static_cast<unsigned>(in.digits(2)));
  if (!in.accept('T') && !in.accept('t')) {
    in.expect(' ');
  }
  const int hour = in.digits(2);
  in.expect(':');
  const int minute = in.digits(2);
  in.expect(':');
  const int second = in.digits(2);
  if (in.accept('.')) {
    do {
      in.digits(1);
    } while (in.at_digit());
  }
  const auto offset = scan_offset(in);
  const std::chrono::year_month_day date(year, month, day);
  // 60 is a leap second; it counts as the first second of the next minute, as POSIX time has no other place
  // for it.
  if (!in.done() || !date.ok() || hour > 23 || minute > 59 || second > 60) {
    throw Error(ErrorCode::malformed, "'" + printable(text, 100) + "' is not a time in RFC 3339 form")
        .with_hint("write it as 2026-07-01T12:00:00Z");
  }
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) - offset;
}

bool is_plain_utc(std::string_view text) {
  if (text.size() != k_plain_size || text[10] != 'T' || text.back() != 'Z') {
    return false;
  }
  try {
    // The round trip also refuses a leap second, which has no form of its own.
    return to_rfc3339(parse_rfc3339(text)) == text;
  } catch (const Error&) {
    return false;
  }
}

Time build_time(const Clock& clock) {
  const char* const set = std::getenv("SOURCE_DATE_EPOCH");
  if (set == nullptr || *set == '\0') {
    return clock.now();
  }
  const std::string_view text(set);
  constexpr std::int64_t latest = 253402300799;  // 9999-12-31T23:59:59Z, the last that RFC 3339 can write
  std::int64_t seconds = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (status != std::errc() || end != text.data() + text.size() || seconds < 0 || seconds > latest) {
    throw Error(ErrorCode::config, "SOURCE_DATE_EPOCH is '" + printable(text, 100) + "', not a number of seconds");
  }
  return Time(std::chrono::seconds(seconds));
}

}  // namespace airlock::base
