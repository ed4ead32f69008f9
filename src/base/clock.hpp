// Time, as a thing that can be given: no layer above asks the system itself.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace airlock::base {

using Time = std::chrono::sys_seconds;  // UTC, whole seconds

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

class SystemClock : public Clock {
 public:
  Time now() const override;
};

class FixedClock : public Clock {
 public:
  explicit FixedClock(Time time) : m_time(time) {}
  Time now() const override { return m_time; }
  void set(Time time) { m_time = time; }

 private:
  Time m_time;
};

std::string to_rfc3339(Time time);  // "2026-07-01T12:00:00Z"
// RFC 3339 with any offset and fraction (dropped); throws malformed. `is_plain_utc` is the narrow form above.
Time parse_rfc3339(std::string_view text);
bool is_plain_utc(std::string_view text);

// SOURCE_DATE_EPOCH where it is set and a plain number (throws config otherwise), else the clock's time.
Time build_time(const Clock& clock);

}  // namespace airlock::base
